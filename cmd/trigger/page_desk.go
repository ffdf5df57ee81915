package main

import (
	"context"
	"errors"

	"firebreak/internal/incident"
	web "firebreak/internal/page"
	"firebreak/workflows"
)

// pageSource is where the page gets its incidents: from Temporal, as the command line does.
type pageSource struct{ operator }

// List returns the newest runs.
func (p pageSource) List(ctx context.Context) ([]web.Listed, error) {
	runs, err := p.list(ctx, true)
	out := make([]web.Listed, 0, len(runs))
	for _, l := range runs {
		out = append(out, web.Listed{ID: l.id, Run: l.run, Started: l.started, Status: l.status})
	}
	return out, err
}

// Record returns the state of a run.
func (p pageSource) Record(ctx context.Context, id, run string) (*incident.Record, error) {
	r, err := p.record(ctx, id, run)
	return r, pageError(err)
}

// pageDesk hands in what people decide on the page.
type pageDesk struct{ operator }

// Decide hands in a decision.
func (p pageDesk) Decide(ctx context.Context, id string, d web.Decision) (web.Outcome, error) {
	return pageOutcome(p.decide(ctx, id, workflows.DecideApproval{
		Step: d.Step, Person: d.Person, Approve: d.Approve, PlanDigest: d.PlanDigest, Comment: d.Reason, Via: workflows.ViaPage,
	}))
}

// Report hands in what a task came to.
func (p pageDesk) Report(ctx context.Context, id string, r web.Report) (web.Outcome, error) {
	return pageOutcome(p.steer(ctx, id, workflows.CompleteTaskUpdate, workflows.Steer{
		Step: r.Step, Person: r.Person, Outcome: r.Outcome, Reason: r.Comment, Via: workflows.ViaPage,
	}))
}

// Acknowledge records that a person has read the legal brief.
func (p pageDesk) Acknowledge(ctx context.Context, id, person string) (web.Outcome, error) {
	return pageOutcome(p.steer(ctx, id, workflows.AcknowledgeBriefUpdate, workflows.Steer{Person: person, Via: workflows.ViaPage}))
}

func pageOutcome(o workflows.DecisionOutcome, err error) (web.Outcome, error) {
	return web.Outcome{Accepted: o.Accepted, Message: o.Message}, pageError(err)
}

func pageError(err error) error {
	if errors.Is(err, errNone) {
		return web.ErrNone
	}
	return err
}
