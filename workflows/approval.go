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

// ask waits for people to decide. Silence leaves things as they are.
func (r *response) ask(ctx workflow.Context, s *playbooks.Step) {
	a := r.approval(s.ID)
	a.Unlocks, a.Reason = r.unlocks(s.ID)
	if len(a.Unlocks) == 0 {
		a.Status = incident.ApprovalNotAsked
		r.event(ctx, s.ID, "", "not asked: %s", a.Reason)
		return
	}
	a.Reason = ""
	a.Status = incident.ApprovalWaiting
	a.AskedAt = workflow.Now(ctx)
	a.ExpiresAt = a.AskedAt.Add(s.Approval.Timeout)
	r.event(ctx, s.ID, "", "approval asked of %s (%d of %d), until %s: %s",
		strings.Join(a.Roles, ", "), a.Quorum, len(a.Roles), a.ExpiresAt.UTC().Format("15:04:05 MST"), strings.Join(a.Unlocks, ", "))
	decided, err := workflow.AwaitWithTimeout(ctx, s.Approval.Timeout, func() bool {
		return a.Status != incident.ApprovalWaiting || r.closing != nil
	})
	if err == nil && decided && a.Status != incident.ApprovalWaiting {
		return
	}
	a.Status, a.DecidedAt = incident.ApprovalTimedOut, workflow.Now(ctx)
	r.event(ctx, s.ID, "", "nobody decided in time; things stay as they are")
}

// unlocks lists the step/target pairs that would run if the approval were granted, or says why there are none. People
// are not asked for a decision from which nothing follows.
func (r *response) unlocks(approval string) (pairs []string, reason string) {
	reason = "no step has anything to act on"
	r.plan.Playbook.Walk(func(_ string, s *playbooks.Step) {
		if !slices.Contains(s.Needs, approval) {
			return
		}
		others := *s
		others.Needs = slices.DeleteFunc(slices.Clone(s.Needs), func(id string) bool { return id == approval || !r.ended[id] })
		for _, t := range r.plan.Targets[s.ID] {
			if why, _ := r.blocked(&others, t); why != "" {
				reason = why
				continue
			}
			pairs = append(pairs, unlockText(s, t))
		}
	})
	return pairs, reason
}

// unlockText says what would be done, with the checkpoint and its digest where one is put in place.
func unlockText(s *playbooks.Step, t inventory.Target) string {
	text := s.Action + " on " + t.ID
	if action, _ := playbooks.FindAction(s.Action); action.NeedsKnownGood {
		text += " to " + t.KnownGood.ID + " (" + short(t.KnownGood.RootDigest) + ")"
	}
	return text
}

// decide is the handler of the decide-approval update. Every decision is recorded, the refused ones with their reason.
func (r *response) decide(ctx workflow.Context, d DecideApproval) (DecisionOutcome, error) {
	if r.plan == nil {
		return DecisionOutcome{Message: "the plan is not resolved yet"}, nil
	}
	a := r.approval(d.Step)
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
	for i := range r.plan.People {
		p := &r.plan.People[i]
		if strings.EqualFold(p.ID, name) || strings.EqualFold(p.IDP, name) || strings.EqualFold(p.Slack, name) {
			return p
		}
	}
	return nil
}
