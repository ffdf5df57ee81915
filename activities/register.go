package activities

import (
	"context"
	"fmt"
	"slices"

	"go.temporal.io/sdk/activity"

	"firebreak/internal/incident"
	"firebreak/internal/progress"
	"firebreak/internal/secret"
	"firebreak/playbooks"
)

// Registry is the part of a Temporal worker that takes activities.
type Registry interface {
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

// Set is everything that the workers of one process can do.
type Set struct {
	// Actions maps a catalogue name to what implements it.
	Actions map[string]Action
	// Plan resolves the plan of an incident; Seal writes its evidence manifest.
	Plan func(context.Context, incident.Request) (*playbooks.Plan, error)
	Seal func(context.Context, playbooks.SealInput) (*incident.Evidence, error)
	// Remind posts a reminder of a legal clock.
	Remind func(context.Context, *playbooks.Reminder) (*incident.Effect, error)
	// Thread shows an incident in the on-call channel.
	Thread func(context.Context, *playbooks.ThreadUpdate) (*playbooks.Thread, error)
	// KeepAlert keeps a raw alert as evidence, Page tells on-call of one that started nothing, Oncall says who that is, and
	// Previous reads the record of a closed incident.
	KeepAlert func(context.Context, playbooks.KeepAlert) (*playbooks.KeptAlert, error)
	Page      func(context.Context, playbooks.Page) (*incident.Effect, error)
	Oncall    func(context.Context, incident.Mode) (*playbooks.Oncall, error)
	Previous  func(context.Context, string) (*incident.Record, error)
	// RecordAccess adds to the chain of custody that a person handled evidence.
	RecordAccess func(context.Context, playbooks.RecordAccess) (*playbooks.RecordedAccess, error)
}

// Check returns an error unless the set implements exactly the catalogue. An action that no worker has registered would
// be retried for ever.
func (s Set) Check() error {
	for _, a := range playbooks.Catalogue() {
		if s.Actions[a.Name] == nil {
			return fmt.Errorf("action %s is in the catalogue but is not implemented", a.Name)
		}
	}
	for name := range s.Actions {
		if _, ok := playbooks.FindAction(name); !ok {
			return fmt.Errorf("action %s is implemented but is not in the catalogue", name)
		}
	}
	if s.Plan == nil || s.Seal == nil || s.Remind == nil || s.Thread == nil {
		return fmt.Errorf("%s, %s, %s or %s is not implemented",
			playbooks.PlanActivity, playbooks.SealActivity, playbooks.RemindActivity, playbooks.ThreadActivity)
	}
	if s.KeepAlert == nil || s.Page == nil || s.Oncall == nil || s.Previous == nil {
		return fmt.Errorf("%s, %s, %s or %s is not implemented", playbooks.KeepAlertActivity, playbooks.PageActivity, playbooks.OncallActivity, playbooks.PreviousActivity)
	}
	if s.RecordAccess == nil {
		return fmt.Errorf("%s is not implemented", playbooks.RecordAccessActivity)
	}
	return nil
}

// Register registers the activities that belong to the queue. The drill queue has all of them.
func (s Set) Register(r Registry, queue playbooks.Queue) {
	on := func(queues ...playbooks.Queue) bool {
		return queue == playbooks.DrillQueue || slices.Contains(queues, queue)
	}
	guard := &guard{redactor: secret.NewRedactor()}
	for _, a := range playbooks.Catalogue() {
		if !on(a.Queue) {
			continue
		}
		impl := s.Actions[a.Name]
		register(r, guard, playbooks.ActivityName(a.Name, playbooks.Capture), impl.Capture)
		register(r, guard, playbooks.ActivityName(a.Name, playbooks.Do), impl.Do)
		register(r, guard, playbooks.ActivityName(a.Name, playbooks.Verify), impl.Verify)
		register(r, guard, playbooks.ActivityName(a.Name, playbooks.Undo), impl.Undo)
	}
	if on(playbooks.ContainQueue) {
		register(r, guard, playbooks.PlanActivity, s.Plan)
		register(r, guard, playbooks.OncallActivity, s.Oncall)
		register(r, guard, playbooks.PreviousActivity, s.Previous)
	}
	if on(playbooks.EvidenceQueue) {
		register(r, guard, playbooks.SealActivity, s.Seal)
		register(r, guard, playbooks.KeepAlertActivity, s.KeepAlert)
		register(r, guard, playbooks.RecordAccessActivity, s.RecordAccess)
	}
	if on(playbooks.NotifyQueue) {
		register(r, guard, playbooks.RemindActivity, s.Remind)
		register(r, guard, playbooks.ThreadActivity, s.Thread)
		register(r, guard, playbooks.PageActivity, s.Page)
	}
}

// register wraps an adapter's method with heartbeats and the edge for errors.
func register[In, Out any](r Registry, g *guard, name string, f func(context.Context, In) (Out, error)) {
	r.RegisterActivityWithOptions(func(ctx context.Context, in In) (Out, error) {
		ctx, meter := progress.With(ctx)
		if op, ok := any(in).(*playbooks.Operation); ok && op != nil {
			meter.For(op.Step, op.Target.ID)
		}
		stop := beat(ctx, meter)
		defer stop()
		out, err := f(ctx, in)
		return out, g.edge(ctx, err)
	}, activity.RegisterOptions{Name: name})
}
