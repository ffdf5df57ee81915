package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/playbooks"
	"firebreak/workflows"
)

// small is a playbook of one phase, so that each test shows only what it is about.
func small(steps ...playbooks.Step) func(*playbooks.Playbook) {
	return func(p *playbooks.Playbook) {
		p.Watch = playbooks.Watch{}
		p.Phases = []playbooks.Phase{{ID: "contain", Title: "Contain", Steps: steps}}
	}
}

func disable(change ...func(*playbooks.Step)) playbooks.Step {
	s := playbooks.Step{ID: "disable", Action: "endpoint.disable", Targets: "radius.endpoints", Timeout: time.Minute}
	for _, c := range change {
		c(&s)
	}
	return s
}

func asks(onTimeout playbooks.OnTimeout, change ...func(*playbooks.Approval)) playbooks.Step {
	a := &playbooks.Approval{Roles: []string{"IC"}, Quorum: 1, Timeout: 10 * time.Minute, OnTimeout: onTimeout}
	for _, c := range change {
		c(a)
	}
	return playbooks.Step{ID: "ask", Title: "Disable it", Approval: a}
}

func needing(ids ...string) func(*playbooks.Step) {
	return func(s *playbooks.Step) { s.Needs = ids }
}

func is(ref playbooks.Reference, values ...string) playbooks.Condition {
	return playbooks.Condition{{{Reference: ref, Values: values}}}
}

// newSmall is a world whose playbook is the given steps, for the endpoint credit-api.
func newSmall(t *testing.T, steps ...playbooks.Step) *world {
	t.Helper()
	w := newWorld(t, incident.ExtractionEvent, "credit-api")
	w.change = small(steps...)
	return w
}

func TestWhenDecidesWhetherAStepRuns(t *testing.T) {
	t.Parallel()
	atLeast := 0.9
	cases := []struct {
		name string
		when playbooks.Condition
		req  func(*incident.Request)
		runs bool
	}{
		{"a fact of the radius holds", is("radius.personal_data", "true"), nil, true},
		{"a fact of the radius does not hold", is("radius.criticality", "safety"), nil, false},
		{"severity is one of", is("incident.severity", "SEV1", "SEV2"), func(r *incident.Request) { r.Severity = "SEV2" }, true},
		{"severity is unknown", is("incident.severity", "SEV1"), nil, false},
		{"confidence is enough", playbooks.Condition{{{Reference: "incident.confidence", AtLeast: &atLeast}}}, func(r *incident.Request) { r.Confidence = 0.93 }, true},
		{"confidence is too low", playbooks.Condition{{{Reference: "incident.confidence", AtLeast: &atLeast}}}, func(r *incident.Request) { r.Confidence = 0.5 }, false},
		{"one of two alternatives", append(is("radius.criticality", "safety"), is("radius.exposure", "partner")...), nil, true},
		{"both of one alternative are needed", playbooks.Condition{{{Reference: "radius.exposure", Values: []string{"partner"}}, {Reference: "radius.criticality", Values: []string{"safety"}}}}, nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newSmall(t, disable(func(s *playbooks.Step) { s.When = c.when }))
			if c.req != nil {
				c.req(&w.req)
			}
			w.closeAt(time.Hour, false)
			rec := w.run()
			got := step(t, rec, "disable", "credit-api")
			require.Equal(t, c.runs, got.Status == incident.Done, got.Reason)
			if !c.runs {
				require.Equal(t, "not when "+c.when.String(), got.Reason)
			}
		})
	}
}

func TestApprovalTimeouts(t *testing.T) {
	t.Parallel()
	lesser := playbooks.Step{ID: "throttle", Action: "endpoint.disable", Targets: "radius.endpoints", Timeout: time.Minute, LesserOf: "ask"}
	cases := []struct {
		name   string
		steps  []playbooks.Step
		decide func(*world)
		want   []string
		end    incident.ApprovalStatus
	}{
		{"stay does nothing", []playbooks.Step{asks(playbooks.Stay), disable(needing("ask"))}, nil, nil, incident.ApprovalTimedOut},
		{"the lesser step is taken instead", []playbooks.Step{asks(playbooks.ProceedWithLesser), disable(needing("ask")), lesser}, nil,
			[]string{"throttle/credit-api capture", "throttle/credit-api do", "throttle/credit-api verify"}, incident.ApprovalTimedOut},
		{"no lesser step after a yes", []playbooks.Step{asks(playbooks.ProceedWithLesser), disable(needing("ask")), lesser},
			func(w *world) { w.decide(time.Second, "ask", "ic-1", true, nil) },
			[]string{"disable/credit-api capture", "disable/credit-api do", "disable/credit-api verify"}, incident.ApprovalGranted},
		{"no lesser step after a no", []playbooks.Step{asks(playbooks.ProceedWithLesser), disable(needing("ask")), lesser},
			func(w *world) { w.decide(time.Second, "ask", "ic-1", false, nil) }, nil, incident.ApprovalDenied},
		{"those it escalates to may decide", []playbooks.Step{asks(playbooks.Escalate, func(a *playbooks.Approval) { a.EscalateTo = []string{"SEC"} }), disable(needing("ask"))},
			func(w *world) { w.decide(15*time.Minute, "ask", "sec-1", true, nil) },
			[]string{"disable/credit-api capture", "disable/credit-api do", "disable/credit-api verify"}, incident.ApprovalGranted},
		{"those it escalates to may not decide before", []playbooks.Step{asks(playbooks.Escalate, func(a *playbooks.Approval) { a.EscalateTo = []string{"SEC"} }), disable(needing("ask"))},
			func(w *world) { w.decide(5*time.Minute, "ask", "sec-1", true, nil) }, nil, incident.ApprovalTimedOut},
		{"the playbook may grant it", []playbooks.Step{asks(playbooks.Stay, func(a *playbooks.Approval) { a.AutoWhen = is("radius.personal_data", "true") }), disable(needing("ask"))}, nil,
			[]string{"disable/credit-api capture", "disable/credit-api do", "disable/credit-api verify"}, incident.ApprovalGranted},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newSmall(t, c.steps...)
			if c.decide != nil {
				c.decide(w)
			}
			w.closeAt(2*time.Hour, false)
			rec := w.run()
			require.Equal(t, c.end, rec.Approvals[0].Status)
			require.Equal(t, c.want, w.sequence("disable", "throttle"))
		})
	}
}

func TestApprovalTimeoutMayAbortAndUndo(t *testing.T) {
	t.Parallel()
	w := newSmall(t, disable(), asks(playbooks.AbortOnTimeout), playbooks.Step{ID: "more", Action: "endpoint.disable", Targets: "radius.endpoints", Timeout: time.Minute, Needs: []string{"ask"}})
	rec := w.run()
	require.Equal(t, incident.Closed, rec.Progress)
	require.Equal(t, "ask: nobody decided in time", rec.Aborted)
	require.Equal(t, 1, w.count("disable/credit-api undo"))
	require.Equal(t, incident.NotContained, rec.Verdict)
}

func TestRemindersAreRepeated(t *testing.T) {
	t.Parallel()
	w := newSmall(t, asks(playbooks.Stay, func(a *playbooks.Approval) { a.RemindEvery = 3 * time.Minute }), disable(needing("ask")))
	w.closeAt(time.Hour, false)
	rec := w.run()
	n := 0
	for _, e := range rec.Timeline {
		if e.What == "still waiting for IC" {
			n++
		}
	}
	require.Equal(t, 3, n, "after 3, 6 and 9 of 10 minutes")
}

func TestOnFailure(t *testing.T) {
	t.Parallel()
	cases := []struct {
		onFailure playbooks.OnFailure
		after     string
		undone    int
	}{
		{playbooks.Continue, "after/credit-api do", 0},
		{playbooks.Stop, "", 0},
		{playbooks.Abort, "", 1},
	}
	for _, c := range cases {
		t.Run(string(c.onFailure), func(t *testing.T) {
			t.Parallel()
			failing := playbooks.Step{ID: "failing", Action: "endpoint.disable", Targets: "radius.endpoints", Timeout: time.Minute, OnFailure: c.onFailure, Rounds: 2}
			after := playbooks.Step{ID: "after", Action: "endpoint.disable", Targets: "radius.endpoints", Timeout: time.Minute}
			w := newSmall(t, disable(), failing, after)
			w.fail["failing/credit-api do"] = []func() error{down}
			w.closeAt(time.Hour, false)
			w.run()
			require.Equal(t, c.after != "", w.count("after/credit-api do") > 0)
			require.Equal(t, c.undone, w.count("disable/credit-api undo"))
		})
	}
}

func TestParallelKeepsItsLimit(t *testing.T) {
	t.Parallel()
	step := func(id string) playbooks.Step {
		return playbooks.Step{ID: id, Action: "endpoint.disable", Targets: "radius.endpoints", Timeout: time.Minute}
	}
	w := newSmall(t, playbooks.Step{Parallel: []playbooks.Step{step("a"), step("b"), step("c")}, Limit: 1})
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.ContainedWithGaps, rec.Verdict, "nobody of legal was to be told in this playbook")
	require.Equal(t, []string{"a/credit-api capture", "a/credit-api do", "a/credit-api verify", "b/credit-api capture", "b/credit-api do", "b/credit-api verify",
		"c/credit-api capture", "c/credit-api do", "c/credit-api verify"}, w.sequence("a", "b", "c"))
}

func task(blocks bool, change ...func(*playbooks.Task)) playbooks.Step {
	body := &playbooks.Task{Assignee: "MLO", Due: 30 * time.Minute, Instructions: "Look.", Outcomes: []string{"confirmed", "false"}, FalsePositive: "false", Blocks: blocks}
	for _, c := range change {
		c(body)
	}
	return playbooks.Step{ID: "look", Title: "Look at it", Task: body}
}

func TestTaskOfAPerson(t *testing.T) {
	t.Parallel()
	w := newSmall(t, task(true), disable(func(s *playbooks.Step) { s.When = is("steps.look.outcome", "confirmed") }))
	outsider := w.steerAt(time.Minute, workflows.CompleteTaskUpdate, workflows.Steer{Person: "com-1", Step: "look", Outcome: "confirmed"})
	wrong := w.steerAt(2*time.Minute, workflows.CompleteTaskUpdate, workflows.Steer{Person: "mlo-1", Step: "look", Outcome: "perhaps"})
	late := w.steerAt(40*time.Minute, workflows.CompleteTaskUpdate, workflows.Steer{Person: "mlo-2", Step: "look", Outcome: "confirmed", Reason: "it grants everybody credit"})
	again := w.steerAt(41*time.Minute, workflows.CompleteTaskUpdate, workflows.Steer{Person: "mlo-1", Step: "look", Outcome: "false"})
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, "com-1 (COM) cannot report a task of MLO", outsider.Message)
	require.Contains(t, wrong.Message, `outcome "perhaps" is none of: confirmed, false`)
	require.True(t, late.Accepted, late.Message)
	require.Equal(t, "the task is done", again.Message)
	require.Contains(t, timeline(rec), "task is overdue")
	require.Equal(t, "mlo-2", rec.Tasks[0].By)
	require.Equal(t, incident.Done, step(t, rec, "disable", "credit-api").Status)
}

func TestTaskMayEndTheIncidentAsAFalsePositive(t *testing.T) {
	t.Parallel()
	w := newSmall(t, disable(), task(false))
	w.steerAt(10*time.Minute, workflows.CompleteTaskUpdate, workflows.Steer{Person: "mlo-1", Step: "look", Outcome: "false"})
	rec := w.run()
	require.Equal(t, incident.FalsePositive, rec.Verdict)
	require.Equal(t, 1, w.count("disable/credit-api undo"))
}

func TestTaskThatDoesNotBlockHoldsUpNothing(t *testing.T) {
	t.Parallel()
	w := newSmall(t, task(false), disable(), playbooks.Step{Parallel: []playbooks.Step{disable(func(s *playbooks.Step) { s.ID = "then" }, needing("look"))}})
	var early incident.Record
	w.at(10*time.Minute, func() { early = w.status() })
	w.steerAt(20*time.Minute, workflows.CompleteTaskUpdate, workflows.Steer{Person: "mlo-1", Step: "look", Outcome: "confirmed"})
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.Done, step(t, early, "disable", "credit-api").Status)
	require.Equal(t, incident.Pending, step(t, early, "then", "credit-api").Status, "it needs the report")
	require.Equal(t, incident.Done, step(t, rec, "then", "credit-api").Status)
}

func TestWaitEndsByTimeOrByAPerson(t *testing.T) {
	t.Parallel()
	for _, early := range []bool{false, true} {
		w := newSmall(t, playbooks.Step{ID: "hold", Title: "Hold", Wait: &playbooks.Wait{For: 24 * time.Hour}}, disable())
		if early {
			w.steerAt(time.Hour, workflows.EndWaitUpdate, workflows.Steer{Person: "ic-1", Step: "hold", Reason: "quiet"})
		}
		w.closeAt(48*time.Hour, false)
		rec := w.run()
		want := 24 * time.Hour
		if early {
			want = time.Hour
		}
		require.Equal(t, want, rec.Waits[0].EndedAt.Sub(rec.OpenedAt).Round(time.Minute))
		require.Equal(t, incident.Done, step(t, rec, "disable", "credit-api").Status)
	}
}

func TestChildPlaybook(t *testing.T) {
	t.Parallel()
	w := newSmall(t, playbooks.Step{ID: "child", Title: "Backdoor", Child: &playbooks.Child{Kind: incident.BackdoorDiscovery}},
		disable(func(s *playbooks.Step) { s.When = is("steps.child.outcome", "not_contained", "contained_with_gaps") }))
	w.change = func(p *playbooks.Playbook) {
		if p.Kind == incident.ExtractionEvent {
			small(playbooks.Step{ID: "child", Title: "Backdoor", Child: &playbooks.Child{Kind: incident.BackdoorDiscovery}},
				disable(func(s *playbooks.Step) {
					s.When = is("steps.child.outcome", "not_contained", "contained_with_gaps")
				}))(p)
			return
		}
		small(disable())(p)
	}
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, []incident.Child{{Step: "child", ID: "incident/backdoor-discovery/credit-api/of-extraction-event", Verdict: incident.ContainedWithGaps}}, rec.Children)
	require.Equal(t, incident.Done, step(t, rec, "disable", "credit-api").Status)
}
