package rehearsal

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/testsuite"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

// acting is one act of the case under way.
type acting struct {
	*Act
	// due is true once its time is set; begun once it was done, ended once it was answered.
	due, begun, ended bool
	// time is when, once it is set.
	time time.Time
	// accepted and message are the answer; wrong says why there is none.
	accepted       bool
	message, wrong string
}

// schedule sets the time of every act that has one from the start.
func (w *world) schedule() {
	for i := range w.c.People {
		a := &acting{Act: &w.c.People[i]}
		w.acts = append(w.acts, a)
		if a.At > 0 {
			w.set(a, w.c.opened().Add(a.At), a.At)
		}
	}
}

// prompt sets the time of the acts that answer something, once it is asked. Whatever waits for people has a timer, so it is
// called when a timer is set.
func (w *world) prompt() {
	w.prompting = false
	for _, a := range w.acts {
		if a.due {
			continue
		}
		rec := w.status(a.Of)
		if rec == nil {
			continue
		}
		asked := askedAt(rec, *a.verb().value)
		if asked.IsZero() {
			continue
		}
		at := asked.Add(a.After)
		w.set(a, at, max(at.Sub(w.env.Now()), time.Millisecond))
	}
}

func (w *world) set(a *acting, at time.Time, in time.Duration) {
	a.due, a.time = true, at
	w.env.RegisterDelayedCallback(func() { w.perform(a) }, in)
}

// askedAt is when people were first asked about the step, or zero.
func askedAt(rec *incident.Record, step string) time.Time {
	for _, a := range rec.Approvals {
		if a.Step == step && !a.AskedAt.IsZero() {
			return a.AskedAt
		}
	}
	for _, t := range rec.Tasks {
		if t.Step == step {
			return t.AskedAt
		}
	}
	for _, wait := range rec.Waits {
		if wait.Step == step {
			return began(rec, wait)
		}
	}
	return time.Time{}
}

// began is when a wait began: the record has only its end, the timeline both.
func began(rec *incident.Record, wait incident.Wait) time.Time {
	for _, e := range rec.Timeline {
		if e.Step == wait.Step {
			return e.At
		}
	}
	return time.Time{}
}

func (w *world) perform(a *acting) {
	a.begun = true
	rec := w.status(a.Of)
	if rec == nil {
		a.ended, a.wrong = true, "there was no such incident"
		return
	}
	if w.plan == "" {
		w.plan = rec.PlanDigest
	}
	name, arg := a.update(w.digest(a.Act, rec))
	answer := &testsuite.TestUpdateCallback{
		OnAccept:   func() {},
		OnReject:   func(err error) { a.ended, a.wrong = true, err.Error() },
		OnComplete: func(v any, err error) { a.answered(v, err) },
	}
	if a.Of == "" {
		w.env.UpdateWorkflow(name, "", answer, arg)
		return
	}
	if err := w.env.UpdateWorkflowByID(rec.ID, name, fmt.Sprintf("act-%d", a.line), answer, arg); err != nil {
		a.ended, a.wrong = true, err.Error()
	}
}

func (a *acting) answered(v any, err error) {
	a.ended = true
	out, ok := v.(workflows.DecisionOutcome)
	if err != nil || !ok {
		a.wrong = fmt.Sprintf("the incident did not answer: %v", err)
		return
	}
	a.accepted, a.message = out.Accepted, out.Message
}

// digest is the plan that the person has seen.
func (w *world) digest(a *Act, rec *incident.Record) string {
	switch {
	case !a.Stale:
		return rec.PlanDigest
	case w.plan != rec.PlanDigest:
		return w.plan
	}
	return "sha256:none"
}

// update is the name and the argument with which Temporal is asked.
func (a *Act) update(digest string) (name string, arg any) {
	v := a.verb()
	const via = "rehearsal"
	steer := workflows.Steer{Person: a.As, Reason: a.Reason, Via: via, Target: a.Target, Outcome: a.Outcome, Undo: a.Undo}
	switch v.name {
	case "approve", "deny":
		return workflows.DecideApprovalUpdate, workflows.DecideApproval{
			Step: *v.value, Person: a.As, Approve: v.name == "approve", PlanDigest: digest, Comment: a.Reason, Via: via}
	case "close":
		return workflows.CloseIncidentUpdate, workflows.CloseIncident{
			Person: a.As, FalsePositive: a.FalsePositive, HandOverClocks: a.HandOverClocks, Reason: *v.value, Via: via}
	case "add_target":
		steer.Asset = *v.value
	case "abort", "pause", "resume", "acknowledge":
		steer.Reason = *v.value
	case "set_anchor":
		steer.Anchor, steer.At, steer.Clock = *v.value, a.Instant, a.Clock
	case "dismiss_clock", "file_clock":
		steer.Clock, steer.Reference = *v.value, a.Reference
	default:
		steer.Step = *v.value
	}
	return map[string]string{
		"complete": workflows.CompleteTaskUpdate, "end_wait": workflows.EndWaitUpdate, "skip": workflows.SkipStepUpdate,
		"retry": workflows.RetryStepUpdate, "abort": workflows.AbortIncidentUpdate, "pause": workflows.PauseIncidentUpdate,
		"resume": workflows.ResumeIncidentUpdate, "add_target": workflows.AddTargetUpdate,
		"set_anchor": workflows.SetAnchorUpdate, "dismiss_clock": workflows.DismissClockUpdate,
		"file_clock": workflows.FileClockUpdate, "acknowledge": workflows.AcknowledgeBriefUpdate,
	}[v.name], steer
}
