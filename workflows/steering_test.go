package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/playbooks"
	"firebreak/workflows"
)

func TestSteeringRefuses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, update string
		in           workflows.Steer
		want         string
	}{
		{"an outsider", workflows.PauseIncidentUpdate, workflows.Steer{Person: "mallory", Reason: "x"}, "mallory is not in the inventory"},
		{"another role", workflows.AbortIncidentUpdate, workflows.Steer{Person: "com-1", Reason: "x"}, "com-1 (COM) may not; wanted: [IC]"},
		{"no reason", workflows.SkipStepUpdate, workflows.Steer{Person: "ic-1", Step: "ask"}, "skip-step needs a reason"},
		{"no such step", workflows.SkipStepUpdate, workflows.Steer{Person: "ic-1", Step: "everything", Reason: "x"}, `there is no step "everything"`},
		{"no such target", workflows.SkipStepUpdate, workflows.Steer{Person: "ic-1", Step: "disable", Target: "assist-chat", Reason: "x"}, `step disable has no target "assist-chat"`},
		{"the requester skips", workflows.SkipStepUpdate, workflows.Steer{Person: "exe-1", Step: "ask", Reason: "x"}, "exe-1 started the incident and cannot skip a step"},
		{"nothing has failed", workflows.RetryStepUpdate, workflows.Steer{Person: "ic-1", Step: "disable"}, "no target of the step has failed"},
		{"an approval is not tried again", workflows.RetryStepUpdate, workflows.Steer{Person: "ic-1", Step: "ask"}, "only actions can be tried again"},
		{"nothing waits", workflows.EndWaitUpdate, workflows.Steer{Person: "ic-1", Step: "hold", Reason: "x"}, `nothing waits in "hold"`},
		{"an unknown asset", workflows.AddTargetUpdate, workflows.Steer{Person: "ic-1", Asset: "nothing", Reason: "x"}, `asset "nothing" is not in the inventory`},
		{"an asset of another environment", workflows.AddTargetUpdate, workflows.Steer{Person: "ic-1", Asset: "credit-api-stg", Reason: "x"}, "may not touch"},
		{"what is there already", workflows.AddTargetUpdate, workflows.Steer{Person: "ic-1", Asset: "credit-api", Reason: "x"}, "credit-api adds nothing to this incident"},
		{"resume what is not paused", workflows.ResumeIncidentUpdate, workflows.Steer{Person: "ic-1"}, "paused is false already"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newSmall(t, asks(playbooks.Stay), disable(needing("ask")))
			w.req.Requester = "exe-1"
			outcome := w.steerAt(time.Second, c.update, c.in)
			w.closeAt(time.Hour, false)
			rec := w.run()
			require.False(t, outcome.Accepted)
			require.Contains(t, outcome.Message, c.want)
			require.Contains(t, timeline(rec), "refused "+c.update+" of "+c.in.Person)
		})
	}
}

func TestPauseStartsNothingNewUntilResumed(t *testing.T) {
	t.Parallel()
	w := newSmall(t, asks(playbooks.Stay), disable(needing("ask")))
	w.steerAt(time.Second, workflows.PauseIncidentUpdate, workflows.Steer{Person: "ic-1", Reason: "wait for the bridge"})
	w.decide(2*time.Second, "ask", "ic-1", true, nil)
	var paused incident.Record
	w.at(5*time.Minute, func() { paused = w.status() })
	w.steerAt(6*time.Minute, workflows.ResumeIncidentUpdate, workflows.Steer{Person: "ic-1"})
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.True(t, paused.Paused)
	require.Equal(t, incident.Pending, step(t, paused, "disable", "credit-api").Status)
	require.Equal(t, incident.Done, step(t, rec, "disable", "credit-api").Status)
}

func TestSkippedStepIsAGap(t *testing.T) {
	t.Parallel()
	w := newSmall(t, disable(), disable(func(s *playbooks.Step) { s.ID = "second" }))
	w.fail["second/credit-api do"] = []func() error{down}
	w.steerAt(10*time.Minute, workflows.SkipStepUpdate, workflows.Steer{Person: "ic-1", Step: "second", Reason: "the gateway is off anyway"})
	w.closeAt(time.Hour, false)
	rec := w.run()
	got := step(t, rec, "second", "credit-api")
	require.Equal(t, incident.Skipped, got.Status)
	require.Equal(t, "skipped by ic-1: the gateway is off anyway", got.Reason)
	require.Equal(t, incident.ContainedWithGaps, rec.Verdict)
}

func TestRetryOfAFailedStep(t *testing.T) {
	t.Parallel()
	w := newSmall(t, disable())
	w.fail["disable/credit-api do"] = []func() error{refused, works}
	outcome := w.steerAt(10*time.Minute, workflows.RetryStepUpdate, workflows.Steer{Person: "ic-1", Step: "disable"})
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.True(t, outcome.Accepted, outcome.Message)
	require.Equal(t, incident.Done, step(t, rec, "disable", "credit-api").Status)
	require.Equal(t, 1, w.count("disable/credit-api capture"), "the restore point of the first try is kept")
}

func TestRetryHurriesWhatIsTriedInTheBackground(t *testing.T) {
	t.Parallel()
	w := newSmall(t, disable())
	w.fail["disable/credit-api do"] = []func() error{down, down, down, down, down, down, down, down, down, down, down, down, down, down, down, down, down, down, works}
	w.steerAt(20*time.Second, workflows.RetryStepUpdate, workflows.Steer{Person: "ic-1", Step: "disable"})
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.True(t, step(t, rec, "disable", "credit-api").Verified)
	require.Contains(t, timeline(rec), "tried again by ic-1")
}

func TestAddedTargetIsContainedAndOpenApprovalsAreAskedAgain(t *testing.T) {
	t.Parallel()
	w := newSmall(t, asks(playbooks.Stay, func(a *playbooks.Approval) {
		a.Roles, a.Quorum = []string{"IC", "MLO"}, 2
	}), disable(needing("ask")))
	w.decide(time.Second, "ask", "mlo-1", true, nil)
	var before, after incident.Record
	w.at(2*time.Second, func() { before = w.status() })
	w.steerAt(3*time.Second, workflows.AddTargetUpdate, workflows.Steer{Person: "ic-1", Asset: "credit-batch", Reason: "it serves the same checkpoint"})
	w.at(4*time.Second, func() { after = w.status() })
	var stale workflows.DecisionOutcome
	w.at(5*time.Second, func() {
		w.update(workflows.DecideApprovalUpdate, &stale, workflows.DecideApproval{Step: "ask", Person: "ic-1", Approve: true, PlanDigest: before.PlanDigest})
	})
	w.decide(6*time.Second, "ask", "ic-1", true, nil)
	w.decide(7*time.Second, "ask", "mlo-1", true, nil)
	w.decide(8*time.Second, "ask", "ic-1", true, nil)
	w.decide(9*time.Second, "ask", "mlo-1", true, nil)
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.NotEqual(t, before.PlanDigest, after.PlanDigest)
	require.Contains(t, stale.Message, "the decision was made on plan")
	require.Contains(t, timeline(rec), "the plan changed; the approval is asked again")
	require.True(t, step(t, rec, "disable", "credit-api").Verified)
	require.True(t, step(t, rec, "disable", "credit-batch").Verified)
	require.Len(t, rec.Approvals, 2, "the added target needed an approval of its own")
}

func TestAddedTargetAfterSettling(t *testing.T) {
	t.Parallel()
	w := newSmall(t, disable())
	w.steerAt(10*time.Minute, workflows.AddTargetUpdate, workflows.Steer{Person: "ic-1", Asset: "assist-llm@5", Reason: "same registry"})
	var settled incident.Record
	w.at(11*time.Minute, func() { settled = w.status() })
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.Settled, settled.Progress)
	require.True(t, step(t, rec, "disable", "assist-chat").Verified)
	require.Equal(t, 1, w.count("disable/credit-api do"), "what was done is not done again")
}

func TestAbortUndoesOnlyIfAsked(t *testing.T) {
	t.Parallel()
	for _, undo := range []bool{false, true} {
		w := newSmall(t, disable(), asks(playbooks.Stay), disable(func(s *playbooks.Step) { s.ID = "then" }, needing("ask")))
		w.steerAt(time.Minute, workflows.AbortIncidentUpdate, workflows.Steer{Person: "ic-1", Reason: "wrong model", Undo: undo})
		rec := w.run()
		require.Equal(t, "wrong model", rec.Aborted)
		require.Equal(t, incident.Closed, rec.Progress)
		require.Equal(t, undo, w.count("disable/credit-api undo") == 1)
		require.Empty(t, w.sequence("then"), "nothing new is started")
		require.NotEqual(t, incident.Contained, rec.Verdict)
	}
}

func TestWatchContainsAgain(t *testing.T) {
	t.Parallel()
	w := newSmall(t, disable())
	change := w.change
	w.change = func(p *playbooks.Playbook) { change(p); p.Watch.Every = 5 * time.Minute }
	w.at(12*time.Minute, func() { w.setUnproved("disable/credit-api", true) })
	var regressed incident.Record
	w.at(13*time.Minute+30*time.Second, func() {
		regressed = w.status()
		w.setUnproved("disable/credit-api", false)
	})
	w.closeAt(2*time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.NotContained, regressed.Verdict)
	require.Contains(t, timeline(regressed), "REGRESSION, containing again: looked")
	require.Equal(t, 1, rec.Watched.Regressions)
	require.Greater(t, rec.Watched.Rounds, 3)
	require.True(t, step(t, rec, "disable", "credit-api").Verified)
	require.Greater(t, w.count("disable/credit-api do"), 1)
}

func TestWatchClosesAReopenedEndpointThatServesSomethingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.DatasetCompromise, "loan-applications@2026-07-31")
	w.change = func(p *playbooks.Playbook) { p.Watch.Every = 5 * time.Minute }
	approveAll(w)
	w.at(10*time.Minute, func() { w.setUnproved("reopen/credit-api", true) })
	w.closeAt(2*time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.Undone, step(t, rec, "reopen", "credit-api").Status)
	require.Equal(t, 1, w.count("reopen/credit-api undo"))
	require.Equal(t, incident.ContainedWithGaps, rec.Verdict, rec.Gaps)
	require.Greater(t, w.count("disable-endpoints/credit-api verify"), 1, "the containment under it is watched again")
}
func TestATargetAddedWhileAnActRunsLosesNothing(t *testing.T) {
	t.Parallel()
	w := newSmall(t, disable())
	w.fail["disable/credit-api do"] = []func() error{down, down, down, works}
	added := w.steerAt(time.Second, workflows.AddTargetUpdate, workflows.Steer{Person: "ic-1", Reason: "x", Asset: "assist-chat"})
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.True(t, added.Accepted, added.Message)
	require.Equal(t, incident.Done, step(t, rec, "disable", "credit-api").Status)
	require.True(t, step(t, rec, "disable", "credit-api").Verified)
}

func TestRetryAsksAgainForWhatNobodyDecided(t *testing.T) {
	t.Parallel()
	w := newSmall(t, asks(playbooks.Stay), disable(needing("ask")))
	retried := w.steerAt(time.Hour, workflows.RetryStepUpdate, workflows.Steer{Person: "ic-1", Step: "disable"})
	w.decide(time.Hour+time.Minute, "ask", "ic-1", true, nil)
	w.closeAt(3*time.Hour, false)
	rec := w.run()
	require.True(t, retried.Accepted, retried.Message)
	require.Equal(t, []incident.ApprovalStatus{incident.ApprovalTimedOut, incident.ApprovalGranted},
		[]incident.ApprovalStatus{rec.Approvals[0].Status, rec.Approvals[1].Status})
	require.True(t, step(t, rec, "disable", "credit-api").Verified)
}
