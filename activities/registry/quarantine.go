package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"firebreak/activities/failure"
	"firebreak/activities/registry/mlflow"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// The tags by which a quarantined version shows. Everybody who promotes or deploys is to look at StatusTag.
const (
	StatusTag    = "firebreak.status"
	IncidentTag  = "firebreak.incident"
	OperationTag = "firebreak.operation"
	// Quarantined is the value of StatusTag.
	Quarantined = "quarantined"
)

// models is the part of MLflow that marks a version. *mlflow.Client has it.
type models interface {
	Version(ctx context.Context, name, version string) (*mlflow.Version, error)
	Search(ctx context.Context, name string) ([]mlflow.Version, error)
	Aliases(ctx context.Context, name string) (map[string]string, error)
	SetTag(ctx context.Context, name, version, key, value string) error
	DeleteTag(ctx context.Context, name, version, key string) error
	SetAlias(ctx context.Context, name, alias, version string) error
	DeleteAlias(ctx context.Context, name, alias string) error
	SetStage(ctx context.Context, name, version, stage string) error
}

// Quarantine is the action registry.quarantine: it tags a version in MLflow and takes away the aliases and the stage by
// which it would be deployed. Nothing takes their place: a version that is moved to could be deployed at once.
//
// MLflow has neither locks nor compare-and-set. Whoever may write can point an alias at the version again; the proof, which
// is repeated while the incident lasts, finds that.
type Quarantine struct{ mlflow models }

// NewQuarantine returns the action. A nil client means that no MLflow is configured.
func NewQuarantine(client *mlflow.Client) *Quarantine {
	if client == nil {
		return &Quarantine{}
	}
	return &Quarantine{mlflow: client}
}

// marks is what Quarantine changes of a version.
type marks struct {
	// Tags has only those of ours that are set.
	Tags    map[string]string `json:"tags"`
	Aliases []string          `json:"aliases"`
	Stage   string            `json:"stage"`
}

func marksOf(v *mlflow.Version) marks {
	m := marks{Tags: map[string]string{}, Aliases: v.Aliases, Stage: v.Stage}
	for _, k := range []string{StatusTag, IncidentTag, OperationTag} {
		if value, ok := v.Tags[k]; ok {
			m.Tags[k] = value
		}
	}
	return m
}

func (m marks) equal(o marks) bool {
	return maps.Equal(m.Tags, o.Tags) && slices.Equal(m.Aliases, o.Aliases) && m.Stage == o.Stage
}

func (m marks) by(op *playbooks.Operation) bool { return m.Tags[OperationTag] == op.ID }

// Capture saves the version's marks: our tags, its aliases and its stage.
func (q *Quarantine) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	now, err := q.read(ctx, op)
	if err != nil {
		return nil, err
	}
	state, err := json.Marshal(now)
	if err != nil {
		return nil, fmt.Errorf("encode state of %s: %w", op.Target.ID, err)
	}
	return &incident.Capture{Summary: describe(now), State: state, At: time.Now().UTC()}, nil
}

func describe(m marks) string {
	text := "it has no alias"
	if len(m.Aliases) > 0 {
		text = "its aliases are " + strings.Join(m.Aliases, ", ")
	}
	if deployable(m.Stage) {
		text += ", its stage is " + m.Stage
	}
	return text
}

// deployable reports whether what is in the stage may be deployed by its stage.
func deployable(stage string) bool { return stage == "Production" || stage == "Staging" }

// Do tags the version and takes its aliases and stage away. It refuses a version that somebody else has changed since
// Capture.
func (q *Quarantine) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	before, at, err := q.saved(op)
	if err != nil {
		return nil, err
	}
	now, err := q.read(ctx, op)
	if err != nil {
		return nil, err
	}
	if !now.by(op) && !now.equal(before) || now.by(op) && !subset(now.Aliases, before.Aliases) {
		return nil, failure.New(failure.TargetChanged, "quarantine %s: version %s of %s changed since it was captured: %s now", op.Target.ID, at.Version, at.Name, describe(now))
	}
	effect := &incident.Effect{Summary: "quarantined before by this operation", At: time.Now().UTC()}
	if done(now, op) {
		return effect, nil
	}
	// The operation's tag comes first: with it, a half-done act is recognised as ours.
	for _, t := range [][2]string{{OperationTag, op.ID}, {IncidentTag, op.IncidentID}, {StatusTag, Quarantined}} {
		if now.Tags[t[0]] == t[1] {
			continue
		}
		if err := q.mlflow.SetTag(ctx, at.Name, at.Version, t[0], t[1]); err != nil {
			return nil, err
		}
	}
	if err := q.unpoint(ctx, at, now.Aliases); err != nil {
		return nil, err
	}
	if deployable(now.Stage) {
		if err := q.mlflow.SetStage(ctx, at.Name, at.Version, "Archived"); err != nil {
			return nil, err
		}
	}
	if now, err = q.read(ctx, op); err != nil {
		return nil, err
	}
	if !done(now, op) {
		return nil, fmt.Errorf("quarantine %s: read back after the writes, %s and its tags are %v", op.Target.ID, describe(now), now.Tags)
	}
	effect.Changed, effect.At = true, time.Now().UTC()
	effect.Summary = fmt.Sprintf("version %s of %s is tagged %s=%s in MLflow", at.Version, at.Name, StatusTag, Quarantined)
	if len(before.Aliases) > 0 {
		effect.Summary += "; taken away: alias " + strings.Join(before.Aliases, ", ")
	}
	effect.Facts = map[string]string{"aliases": strings.Join(before.Aliases, ","), "stage": before.Stage}
	return effect, nil
}

// unpoint deletes aliases that point at the version. Each is looked at just before: it may have been moved on.
func (q *Quarantine) unpoint(ctx context.Context, at *inventory.Registered, aliases []string) error {
	for _, alias := range aliases {
		all, err := q.mlflow.Aliases(ctx, at.Name)
		if err != nil {
			return err
		}
		if all[alias] != at.Version {
			continue
		}
		if err := q.mlflow.DeleteAlias(ctx, at.Name, alias); err != nil {
			return err
		}
	}
	return nil
}

func done(m marks, op *playbooks.Operation) bool {
	return m.by(op) && m.Tags[StatusTag] == Quarantined && m.Tags[IncidentTag] == op.IncidentID && len(m.Aliases) == 0 && !deployable(m.Stage)
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(x string) bool { return !slices.Contains(b, x) })
}

// Verify finds the version by a search and the aliases by the registered model, neither of which Do reads.
func (q *Quarantine) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	at, err := q.check(op)
	if err != nil {
		return nil, err
	}
	all, err := q.mlflow.Search(ctx, at.Name)
	if err != nil {
		return nil, err
	}
	aliases, err := q.mlflow.Aliases(ctx, at.Name)
	if err != nil {
		return nil, err
	}
	proof := &incident.Proof{At: time.Now().UTC()}
	i := slices.IndexFunc(all, func(v mlflow.Version) bool { return v.Version == at.Version })
	if i < 0 {
		proof.Method = fmt.Sprintf("search of MLflow: version %s of %s is not there", at.Version, at.Name)
		return proof, nil
	}
	found := marksOf(&all[i])
	for _, alias := range slices.Sorted(maps.Keys(aliases)) {
		if aliases[alias] == at.Version {
			found.Aliases = append(found.Aliases, alias)
		}
	}
	if found.Tags[StatusTag] != Quarantined || len(found.Aliases) > 0 || deployable(found.Stage) {
		proof.Method = fmt.Sprintf("search of MLflow: its tag %s is %q, %s", StatusTag, found.Tags[StatusTag], describe(found))
		return proof, nil
	}
	proof.Proved = true
	proof.Method = fmt.Sprintf("search of MLflow: version %s of %s is tagged %s, and none of the model's %d aliases points at it", at.Version, at.Name, Quarantined, len(aliases))
	return proof, nil
}

// read returns the version's marks.
func (q *Quarantine) read(ctx context.Context, op *playbooks.Operation) (marks, error) {
	at, err := q.check(op)
	if err != nil {
		return marks{}, err
	}
	v, err := q.mlflow.Version(ctx, at.Name, at.Version)
	if err != nil {
		return marks{}, err
	}
	if v == nil {
		return marks{}, failure.New(failure.Invalid, "%s of %s: MLflow has no version %s of %s; correct models[].registry or registry_version in the inventory", op.Action, op.Target.ID, at.Version, at.Name)
	}
	return marksOf(v), nil
}

// check refuses what is in no registry that is known here.
func (q *Quarantine) check(op *playbooks.Operation) (*inventory.Registered, error) {
	at := op.Target.Registered
	switch {
	case op.Target.Kind != inventory.RegisteredTarget || at == nil:
		return nil, failure.New(failure.Invalid, "%s: target %s is in no registry", op.Action, op.Target.ID)
	case at.Platform != "mlflow":
		return nil, failure.New(failure.Unsupported, "%s: registry %s of %s is not supported; quarantine it by hand", op.Action, at.Platform, op.Target.ID)
	case q.mlflow == nil:
		return nil, failure.New(failure.Unsupported, "%s of %s: no MLflow is configured; set MLFLOW_TRACKING_URI for the worker, or quarantine it by hand", op.Action, op.Target.ID)
	}
	return at, nil
}

// saved returns the marks that Capture saved.
func (q *Quarantine) saved(op *playbooks.Operation) (marks, *inventory.Registered, error) {
	at, err := q.check(op)
	if err != nil {
		return marks{}, nil, err
	}
	if op.Capture == nil || len(op.Capture.State) == 0 {
		return marks{}, nil, failure.New(failure.Invalid, "%s of %s: nothing was captured", op.Action, op.Target.ID)
	}
	var m marks
	if err := json.Unmarshal(op.Capture.State, &m); err != nil {
		return marks{}, nil, failure.New(failure.Invalid, "%s of %s: read captured state: %w", op.Action, op.Target.ID, err)
	}
	return m, at, nil
}
