package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/legal"
	"firebreak/playbooks"
)

// commander is the role that steers and closes an incident.
const commander = "IC"

// steering is one way in which people steer an open incident. The function returns why it refuses, or "".
type steering struct {
	name string
	// roles of which the person must have one; any role of the inventory if empty.
	roles []string
	// reasoned steerings need a reason.
	reasoned bool
	do       func(workflow.Context, Steer) string
}

func (r *response) steerings() []steering {
	ic := []string{commander}
	counsel := []string{legal.RoleLegal, legal.RolePrivacy}
	return []steering{
		{PauseIncidentUpdate, ic, true, r.setPaused(true)},
		{ResumeIncidentUpdate, ic, false, r.setPaused(false)},
		{SkipStepUpdate, ic, true, r.skipStep},
		{RetryStepUpdate, ic, false, r.retryStep},
		{AddTargetUpdate, ic, true, r.addTarget},
		{AbortIncidentUpdate, ic, true, r.abort},
		{EndWaitUpdate, ic, true, r.endWait},
		{CompleteTaskUpdate, nil, false, r.complete},
		{SetAnchorUpdate, counsel, true, r.setAnchor},
		{DismissClockUpdate, counsel, true, r.dismissClock},
		{FileClockUpdate, counsel, false, r.fileClock},
		{AcknowledgeBriefUpdate, counsel, false, r.acknowledge},
		{RecordAccessUpdate, nil, true, r.recordAccess},
	}
}

// steer checks who asks, does it, and records refusals.
func (r *response) steer(ctx workflow.Context, s steering, in Steer) DecisionOutcome {
	reason := r.maySteer(s, in)
	if reason == "" {
		reason = s.do(ctx, in)
	}
	if reason != "" {
		r.event(ctx, in.Step, in.Target, "refused %s of %s: %s", s.name, in.Person, reason)
		return DecisionOutcome{Message: reason}
	}
	return DecisionOutcome{Accepted: true, Message: s.name + ": done"}
}

func (r *response) maySteer(s steering, in Steer) string {
	switch {
	case r.plan == nil:
		return "the plan is not resolved yet"
	case r.closing != nil && s.name != RecordAccessUpdate:
		// Evidence is also read while what was done is being undone.
		return "the incident is closed"
	}
	p := r.person(in.Person)
	if p == nil {
		return fmt.Sprintf("%s is not in the inventory", in.Person)
	}
	if len(s.roles) > 0 && !slices.ContainsFunc(s.roles, func(role string) bool { return r.actsAs(p, role) }) {
		return fmt.Sprintf("%s (%s) may not; wanted: %v", p.ID, p.Role, s.roles)
	}
	if s.reasoned && in.Reason == "" {
		return s.name + " needs a reason"
	}
	return ""
}

func (r *response) setPaused(paused bool) func(workflow.Context, Steer) string {
	return func(ctx workflow.Context, in Steer) string {
		if r.rec.Paused == paused {
			return fmt.Sprintf("paused is %t already", paused)
		}
		r.rec.Paused = paused
		what := "resumed"
		if paused {
			what = "paused: no new step is started"
		}
		r.event(ctx, "", "", "%s by %s: %s", what, r.person(in.Person).ID, in.Reason)
		return ""
	}
}

// skipStep leaves out what has not come yet and gives up what is being tried. The requester cannot skip: it would be a way
// round an approval.
func (r *response) skipStep(ctx workflow.Context, in Steer) string {
	s := r.find(in.Step)
	p := r.person(in.Person)
	if s == nil {
		return fmt.Sprintf("there is no step %q in this playbook", in.Step)
	}
	if r.isRequester(p) {
		return fmt.Sprintf("%s started the incident and cannot skip a step", p.ID)
	}
	if s.Action != "" && in.Target != "" && r.row(in.Step, in.Target) == nil {
		return fmt.Sprintf("step %s has no target %q", in.Step, in.Target)
	}
	reason := fmt.Sprintf("skipped by %s: %s", p.ID, in.Reason)
	r.skips[in.Step+"/"+in.Target] = reason
	if a := r.approval(in.Step); a != nil && a.Status == incident.ApprovalWaiting {
		a.Status, a.Reason, a.DecidedAt = incident.ApprovalNotAsked, reason, workflow.Now(ctx)
	}
	if t := r.task(in.Step); t != nil && (t.Status == incident.TaskOpen || t.Status == incident.TaskOverdue) {
		t.Status, t.Reason = incident.TaskSkipped, reason
	}
	r.event(ctx, in.Step, in.Target, "%s", reason)
	return ""
}

// retryStep runs a step again on its targets that are not proved. What is being tried already is tried at once.
func (r *response) retryStep(ctx workflow.Context, in Steer) string {
	s := r.find(in.Step)
	if s == nil {
		return fmt.Sprintf("there is no step %q in this playbook", in.Step)
	}
	if s.Action == "" {
		return "only actions can be tried again"
	}
	hurried := false
	var again []inventory.Target
	for _, t := range r.plan.Targets[s.ID] {
		row := r.row(s.ID, t.ID)
		if in.Target != "" && in.Target != t.ID {
			continue
		}
		switch row.Status {
		case incident.Retrying:
			r.running[row.ID+"/"+row.Target].hurry = true
			hurried = true
		case incident.Failed, incident.Skipped, incident.Undone:
			again = append(again, t)
			delete(r.skips, s.ID+"/"+t.ID)
			row.Status, row.Reason, row.Denied, row.Omitted, row.Verified = incident.Pending, "", false, false, false
		case incident.Pending, incident.Running, incident.Done:
		}
	}
	if !hurried && len(again) == 0 {
		return "no target of the step has failed"
	}
	r.event(ctx, in.Step, in.Target, "tried again by %s", r.person(in.Person).ID)
	delete(r.skips, s.ID+"/")
	r.walking++
	workflow.Go(ctx, func(ctx workflow.Context) {
		r.again(ctx, s, again)
		r.walking--
	})
	return ""
}

// again asks once more for what was never decided, then runs the step on the targets. A denial is final and is not asked
// again.
func (r *response) again(ctx workflow.Context, s *playbooks.Step, targets []inventory.Target) {
	for _, t := range targets {
		for _, need := range s.Needs {
			a := r.approval(need)
			if a == nil || r.approved(need, pair(s, t)) {
				continue
			}
			if a.Status == incident.ApprovalNotAsked || a.Status == incident.ApprovalTimedOut {
				r.ask(ctx, r.find(need), r.pass[s.ID+"/"+t.ID], "")
			}
		}
	}
	wg := workflow.NewWaitGroup(ctx)
	for _, t := range targets {
		wg.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer wg.Done()
			r.target(ctx, s, t, r.pass[s.ID+"/"+t.ID])
		})
	}
	wg.Wait(ctx)
}

// addTarget plans for a further asset, or for a further key of the cluster, and walks the playbook for what it adds.
func (r *response) addTarget(ctx workflow.Context, in Steer) string {
	req := r.req
	if incident.IsKeyHash(in.Asset) {
		added := r.newKeys([]string{in.Asset})
		if len(added) == 0 {
			return fmt.Sprintf("key %s is in the cluster already, or the cluster has %d keys", incident.ShortKey(in.Asset), mostKeys)
		}
		r.req.Cluster = append(slices.Clone(r.req.Cluster), added...)
		req = r.req
	} else {
		req.Asset = in.Asset
	}
	reason := r.extend(ctx, req, fmt.Sprintf("%s added by %s: %s", in.Asset, r.person(in.Person).ID, in.Reason))
	if reason == "adds nothing to this incident" {
		return in.Asset + " " + reason
	}
	return reason
}

func (r *response) abort(ctx workflow.Context, in Steer) string {
	r.finish(ctx, ending{by: r.person(in.Person).ID, reason: in.Reason, undo: in.Undo, aborted: true})
	return ""
}
