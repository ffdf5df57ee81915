package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// The task of a person when an alarm fires again although containment holds, and what can be reported of it.
const (
	recheckStep    = "recheck"
	recheckRun     = "run_playbook"
	recheckKnown   = "explained"
	recheckDue     = 30 * time.Minute
	recheckTitle   = "The alarm fires again although containment holds: find out why"
	recheckDetails = "The incident that was closed was proved again: every proof holds, and nothing was done.\n\n" +
		"1. Look at what raised the alarm now: the same cause, an old measurement, or another way in?\n\n" +
		"2. Report `explained` with the reason, or `run_playbook`: then the playbook is run from its beginning."
)

// recheck answers an alarm for an incident that was closed: its containment is proved again. It reports whether that
// holds; the playbook is run if not.
func (r *response) recheck(ctx workflow.Context) bool {
	var before incident.Record
	err := workflow.ExecuteActivity(r.options(ctx, playbooks.ContainQueue, time.Minute), playbooks.PreviousActivity, r.req.Recheck).Get(ctx, &before)
	if err != nil {
		r.event(ctx, "", "", "%s was closed and cannot be read, so the playbook is run: %s", r.req.Recheck, cause(err))
		return false
	}
	if before.Verdict != incident.Contained && before.Verdict != incident.ContainedWithGaps {
		r.event(ctx, "", "", "%s was closed as %s, so the playbook is run", before.ID, before.Verdict)
		return false
	}
	r.event(ctx, "", "", "%s was closed as %s at %s; its containment is proved again", before.ID, before.Verdict, before.ClosedAt.UTC().Format("2006-01-02 15:04 MST"))
	acts := r.adopted(ctx, &before)
	held := len(acts) > 0
	for _, a := range acts {
		held = a.holdsStill(ctx) && held
	}
	if !held {
		r.event(ctx, "", "", "containment does not hold; the playbook is run")
		r.clearRows()
		return false
	}
	r.acts = acts
	for i := range r.rec.Steps {
		if row := &r.rec.Steps[i]; row.Status == incident.Pending {
			row.Status, row.Reason, row.Omitted = incident.Skipped, "containment holds; nothing was done again", true
		}
	}
	r.event(ctx, "", "", "containment holds: %d proofs", len(acts))
	return true
}

// adopted lists the effects of the closed incident that are meant to hold still, as acts of this one. They are watched like
// its own; a false positive does not take them back. An effect that this plan does not know cannot be proved: the list is
// then empty, so that the playbook is run.
func (r *response) adopted(ctx workflow.Context, before *incident.Record) []*act {
	var out []*act
	for i := range before.Steps {
		was := &before.Steps[i]
		lasting := was.Role != incident.RoleEvidence && was.Role != incident.RoleNotification
		if !lasting || !was.Verified || was.Receipt == nil || superseded(before, was) {
			continue
		}
		s := r.find(was.ID)
		index := slices.IndexFunc(r.rec.Steps, func(x incident.Step) bool { return x.ID == was.ID && x.Target == was.Target })
		if s == nil || index < 0 {
			r.event(ctx, was.ID, was.Target, "cannot be proved again: the plan has no such step or target now")
			return nil
		}
		target := slices.IndexFunc(r.plan.Targets[was.ID], func(t inventory.Target) bool { return t.ID == was.Target })
		action, _ := playbooks.FindAction(s.Action)
		r.rec.Steps[index].Receipt = &incident.Receipt{Operation: was.Receipt.Operation, Capture: was.Receipt.Capture, Effect: was.Receipt.Effect}
		out = append(out, &act{response: r, step: s, action: action, target: r.plan.Targets[was.ID][target], index: index, stacked: true, earlier: true})
	}
	return out
}

// superseded reports whether something on the same target ended the effect later.
func superseded(rec *incident.Record, s *incident.Step) bool {
	place := slices.IndexFunc(rec.Steps, func(x incident.Step) bool { return x.ID == s.ID && x.Target == s.Target })
	return slices.ContainsFunc(rec.Steps[place+1:], func(later incident.Step) bool {
		action, _ := playbooks.FindAction(later.Action)
		return later.Target == s.Target && slices.Contains(action.Supersedes, s.Action) && later.Status == incident.Done
	})
}

// holdsStill proves an effect of the closed incident again.
func (a *act) holdsStill(ctx workflow.Context) bool {
	var p incident.Proof
	if err := a.stage(ctx, playbooks.Verify, &p); err != nil {
		a.event(ctx, a.row().ID, a.row().Target, "could not be proved again: %s", cause(err))
		return false
	}
	a.row().Receipt.Proof = &p
	if !p.Proved {
		a.event(ctx, a.row().ID, a.row().Target, "REGRESSION since the incident was closed: %s", p.Method)
		return false
	}
	a.row().Status, a.row().Verified, a.row().Reason = incident.Done, true, "done in "+a.req.Recheck
	a.event(ctx, a.row().ID, a.row().Target, "proved again: %s", p.Method)
	return true
}

// askWhy settles the incident and asks a person why the alarm fires again.
func (r *response) askWhy(ctx workflow.Context) {
	now := workflow.Now(ctx)
	r.rec.Tasks = append(r.rec.Tasks, incident.Task{
		Step: recheckStep, Title: recheckTitle, Assignee: commander, Instructions: recheckDetails, Outcomes: []string{recheckKnown, recheckRun},
		Status: incident.TaskOpen, AskedAt: now, DueAt: now.Add(recheckDue),
	})
	r.event(ctx, recheckStep, "", "task for %s, due %s: %s", commander, now.Add(recheckDue).UTC().Format(time.DateTime)+" UTC", recheckTitle)
	r.settle(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		reported := func() bool { return r.task(recheckStep).Status == incident.TaskDone || r.closing != nil }
		if ok, err := workflow.AwaitWithTimeout(ctx, recheckDue, reported); err == nil && !ok {
			r.task(recheckStep).Status = incident.TaskOverdue
			r.event(ctx, recheckStep, "", "task is overdue; %s and their deputies are asked again", commander)
			_ = workflow.Await(ctx, reported)
		}
		if r.closing != nil || r.task(recheckStep).Outcome != recheckRun {
			return
		}
		r.acts = nil
		r.clearRows()
		r.rec.Progress = incident.Responding
		r.walk(ctx, 0)
	})
}

// clearRows lays every step out again as one that is to come.
func (r *response) clearRows() {
	for i := range r.rec.Steps {
		row := &r.rec.Steps[i]
		*row = incident.Step{ID: row.ID, Phase: row.Phase, Action: row.Action, Role: row.Role, Target: row.Target, Status: incident.Pending}
	}
}
