package main

import (
	"context"
	"fmt"
	"slices"

	"firebreak/internal/incident"
	"firebreak/playbooks"
	"firebreak/workflows"
)

// targetAdded: a further asset joins while people are being asked, so that they are asked again on the new plan, and while
// an act is under way, which must not lose its proof by it.
func targetAdded(ctx context.Context, p *player) (*incident.Record, error) {
	s := p.first()
	release := make(chan struct{})
	p.platform.Set(fault(stageOf(s, playbooks.Verify), func(ctx context.Context, n int) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}))
	p.hold = every
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	_, err := p.until(ctx, "an act is under way and people are asked", func(rec *incident.Record) bool {
		return row(rec, s).Status == incident.Running && (waiting(rec) || !asks(p))
	})
	if err != nil {
		return nil, err
	}
	in := p.commander("", "")
	in.Asset = p.further().Asset
	err = p.steer(ctx, workflows.AddTargetUpdate, in)
	close(release)
	if err != nil {
		return nil, err
	}
	p.hold = nil
	rec, err := p.settle(ctx)
	if err != nil {
		return nil, err
	}
	if got := row(rec, s); !got.Verified {
		return nil, fmt.Errorf("%s on %s is %s since the target was added", s.ID, s.Target, got.Status)
	}
	return p.close(ctx, false)
}

// first is the step that acts first in the incident in which nothing goes wrong.
func (p *player) first() *incident.Step {
	for i := range p.usual.Steps {
		if s := &p.usual.Steps[i]; s.Status == incident.Done {
			return s
		}
	}
	return &incident.Step{}
}

// steered: people pause and resume; they skip a containment that waits for its approval and try it again after all;
// somebody who may not is refused.
func steered(ctx context.Context, p *player) (*incident.Record, error) {
	s := p.done(incident.RoleContainment)
	p.hold = unlocking(s)
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	if _, err := p.until(ctx, "the plan is made", func(rec *incident.Record) bool { return rec.PlanDigest != "" }); err != nil {
		return nil, err
	}
	if err := p.steerAll(ctx, workflows.PauseIncidentUpdate, workflows.ResumeIncidentUpdate); err != nil {
		return nil, err
	}
	if _, err := p.until(ctx, "people are asked about the step", func(rec *incident.Record) bool {
		return settled(rec) || slices.ContainsFunc(rec.Approvals, func(a incident.Approval) bool { return p.hold(&a) })
	}); err != nil {
		return nil, err
	}
	stranger := p.commander(s.ID, s.Target)
	stranger.Person = "somebody"
	if out, err := p.update(ctx, p.id(), workflows.SkipStepUpdate, stranger); err != nil || out.Accepted {
		return nil, fmt.Errorf("a stranger steered the incident (%t): %w", out.Accepted, err)
	}
	if err := p.steer(ctx, workflows.SkipStepUpdate, p.commander(s.ID, s.Target)); err != nil {
		return nil, err
	}
	p.hold = nil
	rec, err := p.settle(ctx)
	if err != nil {
		return nil, err
	}
	if row(rec, s).Status == incident.Skipped {
		if err := p.steer(ctx, workflows.RetryStepUpdate, p.commander(s.ID, s.Target)); err != nil {
			return nil, err
		}
	}
	if rec, err = p.until(ctx, "the step is proved", func(rec *incident.Record) bool { return row(rec, s).Verified }); err != nil {
		return nil, err
	}
	if err := verdict(rec, incident.Contained, incident.ContainedWithGaps); err != nil {
		return nil, err
	}
	return p.close(ctx, false)
}

// steerAll does what the commander asks of the incident as a whole, in order.
func (p *player) steerAll(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := p.steer(ctx, name, p.commander("", "")); err != nil {
			return err
		}
	}
	return nil
}
