package standin

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/temporal"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Call is one activity that the engine asked for. Step, Target and Stage are empty
// for what belongs to no action.
type Call struct {
	Incident string
	Activity string
	Step     string
	Target   string
	Stage    playbooks.Stage
}

// Hooks say what the stand-ins do instead of answering well. A nil hook changes nothing.
type Hooks struct {
	// Before may hold a call or return its error.
	Before func(context.Context, Call) error
	// Unproved reports whether a verification observes that the effect does not hold.
	Unproved func(Call) bool
	// After sees every call that is about to be answered well.
	After func(Call)
}

// Platform answers every activity of the catalogue.
type Platform struct {
	inv  *inventory.Inventory
	load func(incident.Kind) (*playbooks.File, error)

	mu    sync.Mutex
	hooks Hooks
}

// NewPlatform returns a platform that plans with the inventory and the playbooks that load returns.
func NewPlatform(inv *inventory.Inventory, load func(incident.Kind) (*playbooks.File, error)) *Platform {
	return &Platform{inv: inv, load: load}
}

// NordwallInventory is the inventory that the repository keeps for tests. The argument is the repository's folder.
func NordwallInventory(repository string) (*inventory.Inventory, error) {
	return inventory.Load(filepath.Join(repository, "testdata", "inventory", "nordwall.yaml"))
}

// Set replaces the hooks for the calls to come.
func (p *Platform) Set(h Hooks) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hooks = h
}

func (p *Platform) current() Hooks {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hooks
}

func (p *Platform) begin(ctx context.Context, c Call) error {
	if before := p.current().Before; before != nil {
		return before(ctx, c)
	}
	return nil
}

func (p *Platform) end(c Call) {
	if after := p.current().After; after != nil {
		after(c)
	}
}

func (p *Platform) plan(ctx context.Context, req incident.Request) (*playbooks.Plan, error) {
	c := Call{Activity: playbooks.PlanActivity}
	if err := p.begin(ctx, c); err != nil {
		return nil, err
	}
	plan, err := p.Plan(req)
	if err != nil {
		return nil, temporal.NewNonRetryableApplicationError(err.Error(), "Refused", nil)
	}
	p.end(c)
	return plan, nil
}

// Plan resolves the playbook of the request's kind as the plan activity does.
func (p *Platform) Plan(req incident.Request) (*playbooks.Plan, error) {
	file, err := p.load(req.Kind)
	if err != nil {
		return nil, err
	}
	return playbooks.NewPlan(file, p.inv, req)
}

func (p *Platform) seal(ctx context.Context, in playbooks.SealInput) (*incident.Evidence, error) {
	c := Call{Incident: in.Record.ID, Activity: playbooks.SealActivity}
	if err := p.begin(ctx, c); err != nil {
		return nil, err
	}
	p.end(c)
	return &incident.Evidence{Signer: "standin:1", Manifest: fmt.Sprintf("s3://%s/%s/manifest.json?versionId=1", in.Store.Bucket, in.Record.ID),
		SHA256: strings.Repeat("0", 64)}, nil
}

func (p *Platform) remind(ctx context.Context, in *playbooks.Reminder) (*incident.Effect, error) {
	c := Call{Incident: in.IncidentID, Activity: playbooks.RemindActivity}
	if err := p.begin(ctx, c); err != nil {
		return nil, err
	}
	p.end(c)
	return &incident.Effect{Summary: "legal reminded in " + in.Channel, Changed: true, At: time.Now().UTC()}, nil
}

func (p *Platform) keepAlert(ctx context.Context, in playbooks.KeepAlert) (*playbooks.KeptAlert, error) {
	c := Call{Incident: in.IncidentID, Activity: playbooks.KeepAlertActivity}
	if err := p.begin(ctx, c); err != nil {
		return nil, err
	}
	p.end(c)
	return &playbooks.KeptAlert{URI: fmt.Sprintf("s3://%s/alerts/%s?versionId=1", in.Store.Bucket, in.Alert.RawSHA256), SHA256: in.Alert.RawSHA256}, nil
}

func (p *Platform) thread(ctx context.Context, in playbooks.ThreadUpdate) (*incident.Thread, error) {
	c := Call{Incident: in.Record.ID, Activity: playbooks.ThreadActivity}
	if err := p.begin(ctx, c); err != nil {
		return nil, err
	}
	p.end(c)
	out := in.Thread
	out.TS, out.Shown = "1789372800.000200", in.Thread.Shown+len(in.Record.Timeline)
	return &out, nil
}

func call(op *playbooks.Operation, stage playbooks.Stage) Call {
	return Call{Incident: op.IncidentID, Activity: playbooks.ActivityName(op.Action, stage), Step: op.Step, Target: op.Target.ID, Stage: stage}
}

func (p *Platform) capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	c := call(op, playbooks.Capture)
	if err := p.begin(ctx, c); err != nil {
		return nil, err
	}
	p.end(c)
	return &incident.Capture{Summary: op.Target.ID + " as it was", State: json.RawMessage(`{"enabled":true}`), At: time.Now().UTC()}, nil
}

func (p *Platform) do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	c := call(op, playbooks.Do)
	if err := p.begin(ctx, c); err != nil {
		return nil, err
	}
	p.end(c)
	return &incident.Effect{Summary: op.Action + " on " + op.Target.ID, Changed: true, At: time.Now().UTC(),
		Facts: map[string]string{incident.FactObjects: "2", incident.FactChannel: op.Target.ID, incident.FactTS: "1789372800.000100"}}, nil
}

func (p *Platform) verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	c := call(op, playbooks.Verify)
	if err := p.begin(ctx, c); err != nil {
		return nil, err
	}
	unproved := p.current().Unproved
	proof := &incident.Proof{Proved: unproved == nil || !unproved(c), Method: "looked at " + op.Target.ID + " from outside", At: time.Now().UTC()}
	p.end(c)
	return proof, nil
}

func (p *Platform) undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	c := call(op, playbooks.Undo)
	if err := p.begin(ctx, c); err != nil {
		return nil, err
	}
	p.end(c)
	return &incident.Effect{Summary: "took back " + op.Action + " on " + op.Target.ID, Changed: true, At: time.Now().UTC()}, nil
}
