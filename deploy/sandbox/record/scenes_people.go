package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"firebreak/internal/incident"
	"firebreak/playbooks"
	"firebreak/workflows"
)

// denied: people say no to everything that they are asked.
func denied(ctx context.Context, p *player) (*incident.Record, error) {
	p.deny = true
	return playToEnd(ctx, p)
}

// nobodyDecides: every request for approval times out, with reminders, and tasks are reported once they are overdue.
func nobodyDecides(ctx context.Context, p *player) (*incident.Record, error) {
	p.hold, p.late = every, true
	p.setChange(func(pb *playbooks.Playbook) {
		pb.Walk(func(_ string, s *playbooks.Step) {
			if s.Approval != nil {
				s.Approval.Timeout = time.Second
				if s.Approval.RemindEvery > 0 {
					s.Approval.RemindEvery = 400 * time.Millisecond
				}
			}
			if s.Task != nil {
				s.Task.Due = 500 * time.Millisecond
			}
		})
	})
	return playToEnd(ctx, p)
}

// falsePositive: the commander takes everything back.
func falsePositive(ctx context.Context, p *player) (*incident.Record, error) {
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	if _, err := p.settle(ctx); err != nil {
		return nil, err
	}
	rec, err := p.close(ctx, true)
	if err != nil {
		return nil, err
	}
	if s := row(rec, p.done(incident.RoleContainment)); s.Status != incident.Undone {
		return nil, fmt.Errorf("%s on %s is %s, not undone", s.ID, s.Target, s.Status)
	}
	return rec, verdict(rec, incident.FalsePositive)
}

// cancelledInUndo: the workflow is cancelled while it takes back what it did; the rest is taken back all the same.
func cancelledInUndo(ctx context.Context, p *player) (*incident.Record, error) {
	s := p.done(incident.RoleContainment)
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	if _, err := p.settle(ctx); err != nil {
		return nil, err
	}
	undoing, release := make(chan struct{}), make(chan struct{})
	p.platform.Set(fault(stageOf(s, playbooks.Undo), func(ctx context.Context, n int) error {
		if n > 1 {
			return nil
		}
		close(undoing)
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}))
	if err := p.steer(ctx, workflows.CloseIncidentUpdate, workflows.CloseIncident{
		Person: p.holder("IC"), FalsePositive: true, Reason: "recorded", Via: "cli"}); err != nil {
		return nil, err
	}
	select {
	case <-undoing:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the undo: %w", ctx.Err())
	}
	err := p.client.CancelWorkflow(ctx, p.id(), "")
	close(release)
	if err != nil {
		return nil, fmt.Errorf("cancel incident: %w", err)
	}
	rec, err := p.result(ctx)
	if err != nil {
		return nil, err
	}
	return rec, verdict(rec, incident.FalsePositive)
}

// aborted: the commander ends the playbook as soon as a containment is proved, and has it undone.
func aborted(ctx context.Context, p *player) (*incident.Record, error) {
	s := p.done(incident.RoleContainment)
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	if _, err := p.until(ctx, "a containment is proved", func(rec *incident.Record) bool { return row(rec, s).Verified }); err != nil {
		return nil, err
	}
	in := p.commander("", "")
	in.Undo = true
	if err := p.steer(ctx, workflows.AbortIncidentUpdate, in); err != nil {
		return nil, err
	}
	rec, err := p.result(ctx)
	if err != nil {
		return nil, err
	}
	if s := row(rec, s); s.Status != incident.Undone {
		return nil, fmt.Errorf("%s on %s is %s, not undone", s.ID, s.Target, s.Status)
	}
	return rec, nil
}

// refusedPlan: the inventory does not know the asset, so that the workflow fails before anything is touched.
func refusedPlan(ctx context.Context, p *player) (*incident.Record, error) {
	p.req.Asset = "no-such-asset"
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	err := p.client.GetWorkflow(ctx, p.id(), "").Get(ctx, nil)
	if err == nil || temporal.IsTimeoutError(err) || !strings.Contains(err.Error(), "no-such-asset") {
		return nil, fmt.Errorf("the incident was not refused: %w", err)
	}
	return &incident.Record{Verdict: "refused"}, nil
}
