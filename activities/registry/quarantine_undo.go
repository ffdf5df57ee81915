package registry

import (
	"context"
	"fmt"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Undo restores tags, aliases and stage as they were captured. It refuses if an alias points elsewhere by now: somebody
// decided so.
func (q *Quarantine) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	before, at, err := q.saved(op)
	if err != nil {
		return nil, err
	}
	now, err := q.read(ctx, op)
	if err != nil {
		return nil, err
	}
	effect := &incident.Effect{Summary: "in MLflow " + describe(before) + ", as before", At: time.Now().UTC()}
	if now.equal(before) {
		return effect, nil
	}
	if !now.by(op) {
		return nil, failure.New(failure.TargetChanged, "undo quarantine of %s: somebody else has changed version %s of %s since: %s", op.Target.ID, at.Version, at.Name, describe(now))
	}
	if err := q.restore(ctx, op, at, before, now); err != nil {
		return nil, err
	}
	if now, err = q.read(ctx, op); err != nil {
		return nil, err
	}
	if !now.equal(before) {
		return nil, fmt.Errorf("undo quarantine of %s: read back after the writes, %s and its tags are %v", op.Target.ID, describe(now), now.Tags)
	}
	effect.Changed, effect.At = true, time.Now().UTC()
	return effect, nil
}

// restore writes what was captured. The operation's tag goes last, so that an undo that stops half-way is resumed.
func (q *Quarantine) restore(ctx context.Context, op *playbooks.Operation, at *inventory.Registered, before, now marks) error {
	aliases, err := q.mlflow.Aliases(ctx, at.Name)
	if err != nil {
		return err
	}
	for _, alias := range before.Aliases {
		if v := aliases[alias]; v != "" && v != at.Version {
			return failure.New(failure.TargetChanged, "undo quarantine of %s: alias %s points at version %s by now; decide by hand", op.Target.ID, alias, v)
		}
	}
	for _, alias := range before.Aliases {
		if aliases[alias] == at.Version {
			continue
		}
		if err := q.mlflow.SetAlias(ctx, at.Name, alias, at.Version); err != nil {
			return err
		}
	}
	if now.Stage != before.Stage {
		if err := q.mlflow.SetStage(ctx, at.Name, at.Version, before.Stage); err != nil {
			return err
		}
	}
	for _, key := range []string{StatusTag, IncidentTag, OperationTag} {
		value, had := before.Tags[key]
		if had {
			err = q.mlflow.SetTag(ctx, at.Name, at.Version, key, value)
		} else {
			err = q.mlflow.DeleteTag(ctx, at.Name, at.Version, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
