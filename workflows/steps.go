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

// fanOut bounds how many targets of one step are acted on at a time. One workflow serialises its children, so more would
// gain nothing and would crowd the history.
const fanOut = 20

// steps runs a list of steps in order. A step that fails does not stop the ones after it: they say in needs what they
// cannot do without.
func (r *response) steps(ctx workflow.Context, list []playbooks.Step) {
	for i := range list {
		s := &list[i]
		switch {
		case s.Parallel != nil:
			r.parallel(ctx, s.Parallel)
		case s.Approval != nil:
			r.ask(ctx, s)
		default:
			r.act(ctx, s)
		}
		r.ended[s.ID] = true
	}
}

// parallel runs steps side by side. One that needs a sibling waits for it.
func (r *response) parallel(ctx workflow.Context, list []playbooks.Step) {
	wg := workflow.NewWaitGroup(ctx)
	for i := range list {
		s := &list[i]
		wg.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer wg.Done()
			_ = workflow.Await(ctx, func() bool {
				return !slices.ContainsFunc(s.Needs, func(id string) bool { return !r.ended[id] })
			})
			r.steps(ctx, list[i:i+1])
		})
	}
	wg.Wait(ctx)
}

// act runs an action step on all its targets.
func (r *response) act(ctx workflow.Context, s *playbooks.Step) {
	targets := r.plan.Targets[s.ID]
	if len(targets) == 0 {
		r.skip(ctx, r.row(s.ID, ""), "nothing in the blast radius to act on", false)
		return
	}
	wg := workflow.NewWaitGroup(ctx)
	if action, _ := playbooks.FindAction(s.Action); action.Role == incident.RoleNotification {
		// Containment never waits for a message: a rate limit of Slack may last a minute. The incident settles after it.
		wg = r.messages
	}
	slots := workflow.NewSemaphore(ctx, fanOut)
	for i := range targets {
		wg.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer wg.Done()
			if err := slots.Acquire(ctx, 1); err != nil {
				return
			}
			defer slots.Release(1)
			r.target(ctx, s, targets[i])
		})
	}
	if wg != r.messages {
		wg.Wait(ctx)
	}
}

// target runs an action step on one target, or says why not.
func (r *response) target(ctx workflow.Context, s *playbooks.Step, t inventory.Target) {
	row := r.row(s.ID, t.ID)
	if r.closing != nil {
		r.skip(ctx, row, "the incident was closed", false)
		return
	}
	if reason, denied := r.blocked(s, t); reason != "" {
		r.skip(ctx, row, reason, denied)
		return
	}
	action, _ := playbooks.FindAction(s.Action)
	a := &act{response: r, step: s, action: action, target: t, row: row}
	a.run(ctx)
}

// blocked returns why a step cannot run on a target, or "". Denied is true if people decided against it.
func (r *response) blocked(s *playbooks.Step, t inventory.Target) (reason string, denied bool) {
	if action, _ := playbooks.FindAction(s.Action); action.NeedsKnownGood && t.KnownGood == nil {
		return "no known-good checkpoint: " + strings.Join(t.Rejected, "; "), false
	}
	for _, need := range s.Needs {
		if a := r.approval(need); a != nil {
			if a.Status != incident.ApprovalGranted {
				return fmt.Sprintf("%s: %s", need, a.Outcome()), a.Status == incident.ApprovalDenied || a.Status == incident.ApprovalTimedOut
			}
			continue
		}
		if reason := r.unproved(need, t.ID); reason != "" {
			return reason, false
		}
	}
	return "", false
}

// unproved returns which proof of a needed step is missing: the one for the same target if the step has it, or else for
// any of its targets.
func (r *response) unproved(need, target string) string {
	if row := r.row(need, target); row != nil {
		return missingProof(row)
	}
	for i := range r.rec.Steps {
		if r.rec.Steps[i].ID != need {
			continue
		}
		if reason := missingProof(&r.rec.Steps[i]); reason != "" {
			return reason
		}
	}
	return ""
}

func missingProof(row *incident.Step) string {
	if row.Target == "" || row.Status == incident.Done && row.Verified {
		return ""
	}
	return fmt.Sprintf("%s on %s is not proved", row.ID, row.Target)
}

func (r *response) skip(ctx workflow.Context, row *incident.Step, reason string, denied bool) {
	row.Status, row.Reason, row.Denied = incident.Skipped, reason, denied
	row.EndedAt = workflow.Now(ctx)
	r.event(ctx, row.ID, row.Target, "skipped: %s", reason)
}

func (r *response) row(step, target string) *incident.Step {
	for i := range r.rec.Steps {
		if r.rec.Steps[i].ID == step && r.rec.Steps[i].Target == target {
			return &r.rec.Steps[i]
		}
	}
	return nil
}

func (r *response) approval(step string) *incident.Approval {
	for i := range r.rec.Approvals {
		if r.rec.Approvals[i].Step == step {
			return &r.rec.Approvals[i]
		}
	}
	return nil
}
