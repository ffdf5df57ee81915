package workflows

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

func (r *response) newApproval(s *playbooks.Step) incident.Approval {
	return incident.Approval{
		Step: s.ID, Title: s.Title, Roles: s.Approval.Roles, Quorum: s.Approval.Quorum,
		PlanDigest: r.plan.Digest, Status: incident.ApprovalPending,
	}
}

// ask waits for people to decide. Silence leaves things as they are, or does less, but never what was asked.
func (r *response) ask(ctx workflow.Context, s *playbooks.Step, pass int, omit string) {
	i := r.openApproval(s)
	a := &r.rec.Approvals[i]
	a.Unlocks, a.Reason = r.unlocks(s.ID, pass)
	if omit == "" {
		omit = r.unmetByTask(s, pass)
	}
	if omit != "" || len(a.Unlocks) == 0 {
		a.Status, a.Reason = incident.ApprovalNotAsked, firstOf(omit, a.Reason)
		r.event(ctx, s.ID, "", "not asked: %s", a.Reason)
		return
	}
	a.Reason = ""
	if r.grantedByPlaybook(ctx, s, i) {
		return
	}
	a.AskedAt = workflow.Now(ctx)
	r.wait(ctx, s, i)
	if r.rec.Approvals[i].Status == incident.ApprovalWaiting && s.Approval.OnTimeout == playbooks.Escalate && r.closing == nil {
		r.rec.Approvals[i].Roles = append(slices.Clone(s.Approval.Roles), s.Approval.EscalateTo...)
		r.event(ctx, s.ID, "", "nobody decided in time; escalated to %s", strings.Join(s.Approval.EscalateTo, ", "))
		r.wait(ctx, s, i)
	}
	r.timeOut(ctx, s, i)
}

// grantedByPlaybook grants the request if its auto_when holds. A joined alert can make it hold while people are asked.
func (r *response) grantedByPlaybook(ctx workflow.Context, s *playbooks.Step, i int) bool {
	if !r.auto(s) {
		return false
	}
	a := &r.rec.Approvals[i]
	a.Status, a.Reason, a.DecidedAt = incident.ApprovalGranted, "by the playbook: "+s.Approval.AutoWhen.String(), workflow.Now(ctx)
	r.event(ctx, s.ID, "", "granted by the playbook (%s): %s", s.Approval.AutoWhen, strings.Join(a.Unlocks, ", "))
	return true
}

func (r *response) auto(s *playbooks.Step) bool {
	return len(s.Approval.AutoWhen) > 0 && s.Approval.AutoWhen.Holds(r.facts(s.Approval.AutoWhen))
}

// openApproval returns the index of the request that is to be asked: the one laid out with the plan, or a further one if
// that was decided before. The index stays good while others are added.
func (r *response) openApproval(s *playbooks.Step) int {
	for i := range r.rec.Approvals {
		if r.rec.Approvals[i].Step == s.ID && r.rec.Approvals[i].Status == incident.ApprovalPending {
			return i
		}
	}
	r.rec.Approvals = append(r.rec.Approvals, r.newApproval(s))
	return len(r.rec.Approvals) - 1
}

// wait waits for one timeout, with reminders.
func (r *response) wait(ctx workflow.Context, s *playbooks.Step, i int) {
	a := &r.rec.Approvals[i]
	a.Status = incident.ApprovalWaiting
	a.ExpiresAt = workflow.Now(ctx).Add(s.Approval.Timeout)
	r.event(ctx, s.ID, "", "approval asked of %s (%d needed), until %s: %s",
		strings.Join(a.Roles, ", "), a.Quorum, a.ExpiresAt.UTC().Format("15:04:05 MST"), strings.Join(a.Unlocks, ", "))
	decided := func() bool {
		return r.rec.Approvals[i].Status != incident.ApprovalWaiting || r.closing != nil || r.auto(s)
	}
	for left := s.Approval.Timeout; left > 0; left = r.rec.Approvals[i].ExpiresAt.Sub(workflow.Now(ctx)) {
		if s.Approval.RemindEvery > 0 {
			left = min(left, s.Approval.RemindEvery)
		}
		ok, err := workflow.AwaitWithTimeout(ctx, left, decided)
		if ok && r.closing == nil && r.rec.Approvals[i].Status == incident.ApprovalWaiting {
			r.grantedByPlaybook(ctx, s, i)
		}
		if ok || err != nil {
			return
		}
		if workflow.Now(ctx).Before(r.rec.Approvals[i].ExpiresAt) {
			r.event(ctx, s.ID, "", "still waiting for %s", strings.Join(r.rec.Approvals[i].Roles, ", "))
		}
	}
}

// timeOut ends a request that nobody decided.
func (r *response) timeOut(ctx workflow.Context, s *playbooks.Step, i int) {
	a := &r.rec.Approvals[i]
	if a.Status != incident.ApprovalWaiting {
		return
	}
	a.Status, a.DecidedAt = incident.ApprovalTimedOut, workflow.Now(ctx)
	if r.closing != nil {
		return
	}
	switch s.Approval.OnTimeout {
	case playbooks.ProceedWithLesser:
		r.event(ctx, s.ID, "", "nobody decided in time; the lesser step is taken instead")
	case playbooks.AbortOnTimeout:
		r.event(ctx, s.ID, "", "nobody decided in time; the playbook is aborted")
		r.finish(ctx, ending{by: "the playbook", reason: s.ID + ": nobody decided in time", undo: true, aborted: true})
	case playbooks.Stay, playbooks.Escalate:
		r.event(ctx, s.ID, "", "nobody decided in time; things stay as they are")
	}
}

// pair is how a request names what it unlocks; approved reports whether a granted request named it. An approval covers
// only what it was asked for: a target that came later needs its own.
func pair(s *playbooks.Step, t inventory.Target) string {
	text := s.ID + ": " + firstOf(s.Action, s.Title) + " on " + t.ID
	if action, _ := playbooks.FindAction(s.Action); action.NeedsKnownGood && t.KnownGood != nil {
		text += " to " + t.KnownGood.ID + " (" + short(t.KnownGood.RootDigest) + ")"
	}
	return text
}

func (r *response) approved(approval, pair string) bool {
	return slices.ContainsFunc(r.rec.Approvals, func(a incident.Approval) bool {
		return a.Step == approval && a.Status == incident.ApprovalGranted && slices.Contains(a.Unlocks, pair)
	})
}

// unlocks lists what would run if the approval were granted, or says why nothing would. People are not asked for a
// decision from which nothing follows.
func (r *response) unlocks(approval string, pass int) (pairs []string, reason string) {
	reason = "no step has anything to act on"
	r.plan.Playbook.Walk(func(_ string, s *playbooks.Step) {
		if !slices.Contains(s.Needs, approval) {
			return
		}
		if s.Action == "" {
			pairs = append(pairs, s.ID+": "+s.Title)
			return
		}
		others := *s
		others.Needs = slices.DeleteFunc(slices.Clone(s.Needs), func(id string) bool {
			return id == approval || !r.ended[stepKey(pass, id)]
		})
		if omit := r.omitted(s); omit.reason != "" && s.LesserOf == "" {
			reason = omit.reason
			return
		}
		for _, t := range r.targets(s.ID, pass) {
			if r.row(s.ID, t.ID).Status != incident.Pending {
				continue
			}
			if why, _ := r.blocked(&others, t, pass); why != "" {
				reason = why
				continue
			}
			pairs = append(pairs, pair(s, t))
		}
	})
	return pairs, reason
}

// voidOpenApprovals asks every waiting request again on the new plan: what was decided on the old one counts no more.
func (r *response) voidOpenApprovals(ctx workflow.Context) {
	for i := range r.rec.Approvals {
		a := &r.rec.Approvals[i]
		if a.Status != incident.ApprovalWaiting && a.Status != incident.ApprovalPending {
			continue
		}
		a.PlanDigest = r.plan.Digest
		for j := range a.Decisions {
			if a.Decisions[j].Counted {
				a.Decisions[j].Counted, a.Decisions[j].Reason = false, "the plan changed"
			}
		}
		if a.Status == incident.ApprovalWaiting {
			r.event(ctx, a.Step, "", "the plan changed; the approval is asked again on plan %s", short(a.PlanDigest))
		}
	}
}

// decide is the handler of the decide-approval update. Every decision is recorded, the refused ones with their reason.
func (r *response) decide(ctx workflow.Context, d DecideApproval) (DecisionOutcome, error) {
	if r.plan == nil {
		return DecisionOutcome{Message: "the plan is not resolved yet"}, nil
	}
	a := r.deciding(d.Step)
	if a == nil {
		r.event(ctx, d.Step, "", "refused a decision of %s: there is no such approval", d.Person)
		return DecisionOutcome{Message: fmt.Sprintf("there is no approval %q in this playbook", d.Step)}, nil
	}
	decision := incident.Decision{Person: d.Person, Approve: d.Approve, Comment: d.Comment, Via: d.Via, At: workflow.Now(ctx)}
	role, reason := r.eligible(a, d)
	if reason != "" {
		decision.Reason = reason
		a.Decisions = append(a.Decisions, decision)
		r.event(ctx, d.Step, "", "refused a decision of %s: %s", d.Person, reason)
		return DecisionOutcome{Message: reason}, nil
	}
	person := r.person(d.Person)
	decision.Person, decision.Role, decision.Counted = person.ID, role, true
	a.Decisions = append(a.Decisions, decision)
	switch {
	case !d.Approve:
		a.Status, a.DecidedAt = incident.ApprovalDenied, decision.At
		r.event(ctx, d.Step, "", "denied by %s (%s)", person.ID, role)
		return DecisionOutcome{Accepted: true, Message: "denied; this is final for this plan"}, nil
	case a.Granted() >= a.Quorum:
		a.Status, a.DecidedAt = incident.ApprovalGranted, decision.At
		r.event(ctx, d.Step, "", "approved by %s (%s); granted", person.ID, role)
		return DecisionOutcome{Accepted: true, Message: "granted"}, nil
	}
	r.event(ctx, d.Step, "", "approved by %s (%s); %d of %d", person.ID, role, a.Granted(), a.Quorum)
	return DecisionOutcome{Accepted: true, Message: fmt.Sprintf("recorded; %d of %d", a.Granted(), a.Quorum)}, nil
}

// deciding is the request of the step that waits for decisions, or else the latest one.
func (r *response) deciding(step string) *incident.Approval {
	for i := range r.rec.Approvals {
		if r.rec.Approvals[i].Step == step && r.rec.Approvals[i].Status == incident.ApprovalWaiting {
			return &r.rec.Approvals[i]
		}
	}
	return r.approval(step)
}

// eligible returns the role for which a decision counts, or why it does not.
func (r *response) eligible(a *incident.Approval, d DecideApproval) (role, reason string) {
	if a.Status != incident.ApprovalWaiting {
		return "", "the approval is " + string(a.Status)
	}
	if d.PlanDigest != r.plan.Digest {
		return "", fmt.Sprintf("the decision was made on plan %s; this incident's plan is %s", short(d.PlanDigest), short(r.plan.Digest))
	}
	p := r.person(d.Person)
	if p == nil {
		return "", fmt.Sprintf("%s is not in the inventory", d.Person)
	}
	if d.Approve && r.isRequester(p) {
		return "", fmt.Sprintf("%s started the incident and cannot approve it", p.ID)
	}
	for _, earlier := range a.Decisions {
		if earlier.Counted && earlier.Person == p.ID {
			return "", fmt.Sprintf("%s has decided already", p.ID)
		}
	}
	for _, role := range a.Roles {
		covered := slices.ContainsFunc(a.Decisions, func(x incident.Decision) bool { return x.Counted && x.Role == role })
		if r.actsAs(p, role) && (!covered || !d.Approve) {
			return role, ""
		}
	}
	return "", fmt.Sprintf("%s (%s) holds none of the roles that are still wanted: %s", p.ID, p.Role, strings.Join(a.Roles, ", "))
}

func (r *response) isRequester(p *inventory.Person) bool {
	requester := r.person(r.req.Requester)
	return requester != nil && requester.ID == p.ID
}

// actsAs reports whether a person holds a role or is the deputy of somebody who does.
func (r *response) actsAs(p *inventory.Person, role string) bool {
	return p.Role == role || slices.ContainsFunc(r.plan.People, func(q inventory.Person) bool {
		return q.Role == role && q.Deputy == p.ID
	})
}

func (r *response) person(name string) *inventory.Person {
	return personOf(r.plan.People, name)
}

// personOf finds a person by any of the names that the inventory has for them.
func personOf(people []inventory.Person, name string) *inventory.Person {
	for i := range people {
		p := &people[i]
		if strings.EqualFold(p.ID, name) || strings.EqualFold(p.IDP, name) || strings.EqualFold(p.Slack, name) {
			return p
		}
	}
	return nil
}
