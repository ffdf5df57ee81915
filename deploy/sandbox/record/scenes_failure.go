package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"go.temporal.io/sdk/activity"

	"firebreak/deploy/sandbox/standin"
	"firebreak/internal/incident"
	"firebreak/playbooks"
	"firebreak/workflows"
)

// retriedInBackground: a containment fails in its place, goes on in the background, and a person hurries it.
func retriedInBackground(ctx context.Context, p *player) (*incident.Record, error) {
	s := p.done(incident.RoleContainment)
	p.setChange(onStep(s.ID, func(x *playbooks.Step) { x.Rounds = 2 }))
	p.platform.Set(fault(stageOf(s, playbooks.Do), func(context.Context, int) error { return errDown }))
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	if _, err := p.until(ctx, "the step is tried in the background", func(rec *incident.Record) bool {
		return row(rec, s).Status == incident.Retrying
	}); err != nil {
		return nil, err
	}
	p.platform.Set(standin.Hooks{})
	// A round that began before the platform was back may still be failing; the next one is hurried then.
	for {
		if _, err := p.update(ctx, p.id(), workflows.RetryStepUpdate, p.commander(s.ID, s.Target)); err != nil {
			return nil, err
		}
		rec, err := p.until(ctx, "the step has ended or failed again", func(rec *incident.Record) bool {
			return row(rec, s).Status == incident.Done && settled(rec) || row(rec, s).Status == incident.Retrying
		})
		if err != nil {
			return nil, err
		}
		if row(rec, s).Status == incident.Done {
			return p.close(ctx, false)
		}
	}
}

// onStep changes one step of a playbook.
func onStep(id string, change func(*playbooks.Step)) func(*playbooks.Playbook) {
	return func(pb *playbooks.Playbook) {
		pb.Walk(func(_ string, s *playbooks.Step) {
			if s.ID == id {
				change(s)
			}
		})
	}
}

// recoveryNotProved: what was reopened does not serve what it should, and is closed again.
func recoveryNotProved(ctx context.Context, p *player) (*incident.Record, error) {
	s := p.done(incident.RoleRecovery)
	p.platform.Set(standin.Hooks{Unproved: stageOf(s, playbooks.Verify)})
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	rec, err := p.settle(ctx)
	if err != nil {
		return nil, err
	}
	if got := row(rec, s); got.Status != incident.Undone {
		return nil, fmt.Errorf("%s on %s is %s, not undone", s.ID, s.Target, got.Status)
	}
	return p.close(ctx, false)
}

// unprovedOnce makes one verification of the step observe that its effect does not hold.
func unprovedOnce(s *incident.Step) standin.Hooks {
	var seen atomic.Bool
	match := stageOf(s, playbooks.Verify)
	return standin.Hooks{Unproved: func(c standin.Call) bool { return match(c) && !seen.Swap(true) }}
}

// abortedByPlaybook: a containment is refused for good in a playbook that aborts then.
func abortedByPlaybook(ctx context.Context, p *player) (*incident.Record, error) {
	s := p.done(incident.RoleContainment)
	p.setChange(onStep(s.ID, func(x *playbooks.Step) { x.OnFailure = playbooks.Abort }))
	p.platform.Set(fault(stageOf(s, playbooks.Do), func(context.Context, int) error { return refused("Unsupported") }))
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	rec, err := p.until(ctx, "it has been aborted", func(rec *incident.Record) bool { return rec.Progress == incident.Closed })
	if err != nil {
		return nil, err
	}
	if rec.Aborted == "" {
		return nil, errors.New("the playbook was not aborted")
	}
	return p.result(ctx)
}

// unsealed: the evidence manifest cannot be sealed until the incident is closed.
func unsealed(ctx context.Context, p *player) (*incident.Record, error) {
	p.platform.Set(fault(activityOf(playbooks.SealActivity), func(context.Context, int) error { return errDown }))
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	if _, err := p.settle(ctx); err != nil {
		return nil, err
	}
	p.platform.Set(standin.Hooks{})
	rec, err := p.close(ctx, false)
	if err != nil {
		return nil, err
	}
	if rec.Evidence.Manifest == "" {
		return nil, errors.New("the manifest was not sealed at the end")
	}
	return rec, nil
}

// workerRestarted: a containment's attempt is lost with its worker, and every worker starts anew while it is; the server
// gives the attempt to another worker once its heartbeat is missed.
func workerRestarted(ctx context.Context, p *player) (*incident.Record, error) {
	s := p.done(incident.RoleContainment)
	lost := make(chan struct{})
	p.platform.Set(fault(stageOf(s, playbooks.Do), func(ctx context.Context, n int) error {
		if n > 1 || activity.GetInfo(ctx).Attempt > 1 {
			return nil
		}
		close(lost)
		return activity.ErrResultPending // nobody will ever report it
	}))
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	if _, err := p.until(ctx, "the attempt is lost", func(*incident.Record) bool { return closed(lost) }); err != nil {
		return nil, err
	}
	if err := p.workers.Restart(); err != nil {
		return nil, err
	}
	rec, err := p.settle(ctx)
	if err != nil {
		return nil, err
	}
	if !row(rec, s).Verified {
		return nil, fmt.Errorf("%s on %s is not proved after the restart", s.ID, s.Target)
	}
	return p.close(ctx, false)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// closedWithoutPlan: the playbook cannot be read, and the incident is closed before it can.
func closedWithoutPlan(ctx context.Context, p *player) (*incident.Record, error) {
	p.platform.Set(fault(activityOf(playbooks.PlanActivity), func(context.Context, int) error { return errDown }))
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	if _, err := p.until(ctx, "the plan could not be made", func(rec *incident.Record) bool { return len(rec.Timeline) > 2 }); err != nil {
		return nil, err
	}
	return p.close(ctx, false)
}
