package workflows

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// fanOut bounds how many targets of one step are acted on at a time. One workflow serialises its children, so more would
// gain nothing and would crowd the history.
const fanOut = 20

// steps runs a list of steps in order. A step that fails does not stop the ones after it, unless its on_failure says so:
// they say in needs what they cannot do without.
func (r *response) steps(ctx workflow.Context, list []playbooks.Step, pass int) {
	for i := range list {
		s := &list[i]
		if s.Parallel != nil {
			r.parallel(ctx, s, pass)
			continue
		}
		r.step(ctx, s, pass)
	}
}

// parallel runs steps side by side. One that needs a sibling waits for it without holding a place.
func (r *response) parallel(ctx workflow.Context, set *playbooks.Step, pass int) {
	limit := int64(set.Limit)
	if limit == 0 {
		limit = int64(len(set.Parallel))
	}
	places := workflow.NewSemaphore(ctx, limit)
	wg := workflow.NewWaitGroup(ctx)
	for i := range set.Parallel {
		s := &set.Parallel[i]
		wg.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer wg.Done()
			r.awaitNeeds(ctx, s, pass)
			if err := places.Acquire(ctx, 1); err != nil {
				return
			}
			defer places.Release(1)
			r.step(ctx, s, pass)
		})
	}
	wg.Wait(ctx)
}

// step runs one step once what it needs has ended and the incident is not paused.
func (r *response) step(ctx workflow.Context, s *playbooks.Step, pass int) {
	r.awaitNeeds(ctx, s, pass)
	_ = workflow.Await(ctx, func() bool { return !r.rec.Paused || r.closing != nil })
	omit := r.omitted(s)
	if omit.reason != "" {
		r.left[s.ID] = omit.reason
	}
	switch {
	case s.Approval != nil:
		r.ask(ctx, s, pass, omit.reason)
	case s.Task != nil:
		r.assign(ctx, s, pass, omit.reason)
		return // a task ends when it is reported
	case s.Wait != nil:
		r.pause(ctx, s, pass, omit.reason)
	case s.Child != nil:
		r.runChild(ctx, s, pass, omit.reason)
	default:
		r.withinBudget(ctx, s, pass, func(ctx workflow.Context) { r.act(ctx, s, pass, omit) })
		return
	}
	r.end(pass, s.ID)
}

// withinBudget runs an action and returns when it has ended or its budget is spent; it then goes on beside what follows.
// The incident settles after it.
func (r *response) withinBudget(ctx workflow.Context, s *playbooks.Step, pass int, run func(workflow.Context)) {
	if s.Budget == 0 {
		run(ctx)
		r.end(pass, s.ID)
		return
	}
	r.trailing.Add(1)
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer r.trailing.Done()
		run(ctx)
		r.end(pass, s.ID)
	})
	ended, err := workflow.AwaitWithTimeout(ctx, s.Budget, func() bool { return r.ended[stepKey(pass, s.ID)] || r.closing != nil })
	if ended || err != nil {
		return
	}
	for _, t := range r.targets(s.ID, pass) {
		if row := r.row(s.ID, t.ID); !row.Verified {
			row.Late = true
			r.event(ctx, s.ID, t.ID, "not proved within its budget of %s; going on without it", s.Budget)
		}
	}
}

func stepKey(pass int, id string) string { return strconv.Itoa(pass) + "/" + id }

func (r *response) end(pass int, id string) { r.ended[stepKey(pass, id)] = true }

func (r *response) awaitNeeds(ctx workflow.Context, s *playbooks.Step, pass int) {
	needs := s.Needs
	if s.LesserOf != "" {
		needs = append(slices.Clone(needs), s.LesserOf)
	}
	_ = workflow.Await(ctx, func() bool {
		return r.closing != nil || !slices.ContainsFunc(needs, func(id string) bool { return !r.ended[stepKey(pass, id)] })
	})
}

// omission is why a step is not run for any of its targets; it has no reason if it is run.
type omission struct {
	reason string
	// denied is true if people decided so, ruled if the playbook did.
	denied, ruled bool
}

func (r *response) omitted(s *playbooks.Step) omission {
	switch {
	case r.closing != nil:
		return omission{reason: "the incident was closed"}
	case r.halted != "":
		return omission{reason: r.halted}
	case r.skips[s.ID+"/"] != "":
		return omission{reason: r.skips[s.ID+"/"], denied: true}
	case !s.When.Holds(r.facts(s.When)):
		return omission{reason: "not when " + s.When.String(), ruled: true}
	}
	if s.LesserOf != "" {
		if a := r.approval(s.LesserOf); a == nil || a.Status != incident.ApprovalTimedOut {
			return omission{reason: s.LesserOf + " did not time out", ruled: true}
		}
	}
	return omission{}
}

// act runs an action step on all its targets of this pass.
func (r *response) act(ctx workflow.Context, s *playbooks.Step, pass int, omit omission) {
	targets := r.targets(s.ID, pass)
	if len(targets) == 0 {
		if row := r.row(s.ID, ""); row != nil && row.Status == incident.Pending {
			r.skip(ctx, row, "nothing in the blast radius to act on", false)
		}
		return
	}
	action, _ := playbooks.FindAction(s.Action)
	wg := workflow.NewWaitGroup(ctx)
	if action.Role == incident.RoleNotification {
		// Containment never waits for a message: a rate limit of Slack may last a minute. The incident settles after it.
		wg = r.trailing
	}
	slots := workflow.NewSemaphore(ctx, fanOut)
	for i := range targets {
		if omit.reason != "" {
			row := r.row(s.ID, targets[i].ID)
			row.Omitted = omit.ruled
			r.skip(ctx, row, omit.reason, omit.denied)
			continue
		}
		wg.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer wg.Done()
			if err := slots.Acquire(ctx, 1); err != nil {
				return
			}
			defer slots.Release(1)
			r.target(ctx, s, targets[i], pass)
		})
	}
	if wg != r.trailing {
		wg.Wait(ctx)
	}
}

// targets are those of the step that belong to the pass.
func (r *response) targets(step string, pass int) []inventory.Target {
	var out []inventory.Target
	for _, t := range r.plan.Targets[step] {
		if r.pass[step+"/"+t.ID] == pass {
			out = append(out, t)
		}
	}
	return out
}

// target runs an action step on one target, or says why not.
func (r *response) target(ctx workflow.Context, s *playbooks.Step, t inventory.Target, pass int) {
	row := r.row(s.ID, t.ID)
	if reason, denied := r.blocked(s, t, pass); reason != "" {
		r.skip(ctx, row, reason, denied)
		return
	}
	action, _ := playbooks.FindAction(s.Action)
	i := slices.IndexFunc(r.rec.Steps, func(x incident.Step) bool { return x.ID == s.ID && x.Target == t.ID })
	a := &act{response: r, step: s, action: action, target: t, index: i}
	a.run(ctx)
}

// blocked returns why a step cannot run on a target, or "". Denied is true if people decided against it.
func (r *response) blocked(s *playbooks.Step, t inventory.Target, pass int) (reason string, denied bool) {
	if reason := r.skips[s.ID+"/"+t.ID]; reason != "" {
		return reason, true
	}
	if action, _ := playbooks.FindAction(s.Action); action.NeedsKnownGood && t.KnownGood == nil {
		return "no known-good checkpoint: " + strings.Join(t.Rejected, "; "), false
	}
	uncovered := ""
	for _, need := range s.Needs {
		if a := r.approval(need); a != nil {
			covered := r.approved(need, pair(s, t))
			if !covered && a.Status == incident.ApprovalGranted {
				uncovered = need + " was granted, but not for this"
				continue
			}
			if !covered {
				return fmt.Sprintf("%s: %s", need, a.Outcome()), a.Status == incident.ApprovalDenied || a.Status == incident.ApprovalTimedOut
			}
			continue
		}
		if reason := r.unmet(need, t.ID, pass); reason != "" {
			return reason, false
		}
	}
	return uncovered, false
}

// unmet returns what is missing of a needed step that is no approval: a task's report, a child's verdict, or the proof for
// the same target, or else for every target of this pass and the ones before.
func (r *response) unmet(need, target string, pass int) string {
	if task := r.task(need); task != nil {
		if task.Status != incident.TaskDone || task.Outcome == notDone {
			return fmt.Sprintf("%s is %s", need, firstOf(task.Outcome, string(task.Status)))
		}
		return ""
	}
	if reason := r.left[need]; reason != "" {
		return need + " was left out: " + reason
	}
	if row := r.row(need, target); row != nil {
		return missingProof(row)
	}
	for i := range r.rec.Steps {
		row := &r.rec.Steps[i]
		if row.ID != need || r.pass[row.ID+"/"+row.Target] > pass {
			continue
		}
		if reason := missingProof(row); reason != "" {
			return reason
		}
	}
	return ""
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
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

// find returns the playbook's step with the id, or nil.
func (r *response) find(id string) *playbooks.Step {
	var out *playbooks.Step
	r.plan.Playbook.Walk(func(_ string, s *playbooks.Step) {
		if s.ID == id {
			out = s
		}
	})
	return out
}
