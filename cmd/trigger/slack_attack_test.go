package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/slackui"
	"firebreak/workflows"
)

// playedBy runs an incident in which somebody does something at a time, and returns what was recorded.
func playedBy(t *testing.T, at time.Duration, do func(c *cockpit, f *fakeSlack, rec *incident.Record)) (*incident.Record, *fakeSlack, *engine, *cockpit) {
	t.Helper()
	e := newEngine(t)
	c, f, _ := newCockpit(t, e)
	c.jobs.ackWithin = 10 * time.Second
	var rec *incident.Record
	e.env.RegisterDelayedCallback(func() { rec = e.now() }, at-time.Millisecond)
	e.at(at, func() { do(c, f, rec) })
	return e.run(), f, e, c
}

func approvalOf(t *testing.T, rec *incident.Record, step string) *incident.Approval {
	t.Helper()
	for i := range rec.Approvals {
		if rec.Approvals[i].Step == step {
			return &rec.Approvals[i]
		}
	}
	require.Failf(t, "no such approval", "%s", step)
	return nil
}

func lines(rec *incident.Record) string {
	var out strings.Builder
	for _, e := range rec.Timeline {
		out.WriteString(e.Step + " " + e.What + "\n")
	}
	return out.String()
}

const revocation = "approve-revocation"

// The attack matrix on approvals by Slack, on the real engine: nothing counts, everything is recorded, and whoever clicked is
// told why.
func TestApprovalAttacks(t *testing.T) {
	t.Parallel()
	button := func(t *testing.T, rec *incident.Record, change func(*slackui.Ref)) string {
		ref := slackui.RefOf(rec)
		ref.Step, ref.Plan = revocation, rec.PlanDigest
		change(&ref)
		value, err := ref.Encode()
		require.NoError(t, err)
		return value
	}
	same := func(*slackui.Ref) {}
	clickWith := func(user string, change func(*slackui.Ref)) func(*testing.T, *cockpit, *fakeSlack, *incident.Record) {
		return func(t *testing.T, c *cockpit, f *fakeSlack, rec *incident.Record) {
			require.Equal(t, http.StatusOK, c.interact(click(f, user, slackui.ActionApprove, button(t, rec, change))).Code)
		}
	}
	tests := map[string]struct {
		at   time.Duration
		do   func(*testing.T, *cockpit, *fakeSlack, *incident.Record)
		told string
		// recorded is in the timeline; by default that the decision was refused.
		recorded string
	}{
		"an outsider": {time.Second, clickWith(outsider, same), "your Slack id " + outsider + " is nobody's in the inventory", "refused a decision of slack:" + outsider},
		"an outsider denies": {time.Second, func(t *testing.T, c *cockpit, f *fakeSlack, rec *incident.Record) {
			c.interact(click(f, outsider, slackui.ActionDeny, button(t, rec, same)))
		}, "is nobody's in the inventory", "refused a decision of slack:" + outsider},
		"the requester":         {time.Second, clickWith(slackIC, same), "ic-1 started the incident and cannot approve it", "refused a decision of ic-1"},
		"a person of no role":   {time.Second, clickWith("U01COM00001", same), "com-1 (COM) holds none of the roles", "refused a decision of com-1"},
		"a superseded plan":     {time.Second, clickWith(slackSEC, func(r *slackui.Ref) { r.Plan = "sha256:" + strings.Repeat("0", 64) }), "the decision was made on plan 000000000000", "refused a decision of sec-1"},
		"no plan":               {time.Second, clickWith(slackSEC, func(r *slackui.Ref) { r.Plan = "" }), "the decision was made on plan", "refused a decision of sec-1"},
		"another step":          {time.Second, clickWith(slackSEC, func(r *slackui.Ref) { r.Step = "approve-rollback" }), "the approval is pending", "refused a decision of sec-1"},
		"a step of no playbook": {time.Second, clickWith(slackSEC, func(r *slackui.Ref) { r.Step = "approve-everything" }), "there is no approval", "refused a decision of sec-1"},
		"no step":               {time.Second, clickWith(slackSEC, func(r *slackui.Ref) { r.Step = "" }), "there is no approval", "refused a decision of sec-1"},
		"an earlier incident":   {time.Second, clickWith(slackSEC, func(r *slackui.Ref) { r.Opened -= 1000 }), "the button is of an earlier incident", "refused a decision of sec-1 (the button is of an earlier incident"},
		"after it expired":      {40 * time.Minute, clickWith(slackSEC, same), "the approval is timed_out", "refused a decision of sec-1"},
		"typed by an outsider": {time.Second, func(_ *testing.T, c *cockpit, f *fakeSlack, _ *incident.Record) {
			c.typed(f, outsider, "approve "+revocation)
		}, "is nobody's in the inventory", "refused a decision of slack:" + outsider},
		"typed plan of before": {time.Second, func(_ *testing.T, c *cockpit, f *fakeSlack, _ *incident.Record) {
			c.typed(f, slackSEC, "approve "+revocation+" sha256:000000000000")
		},
			"the decision was made on plan", "refused a decision of sec-1"},
		"typed after it expired": {40 * time.Minute, func(_ *testing.T, c *cockpit, f *fakeSlack, _ *incident.Record) {
			c.typed(f, slackSEC, "approve "+revocation)
		}, "the approval is timed_out", "refused a decision of sec-1"},
		"another one's modal": {time.Second, func(t *testing.T, c *cockpit, f *fakeSlack, rec *incident.Record) {
			metadata := button(t, rec, func(r *slackui.Ref) { r.Verb = slackui.VerbDeny })
			c.interact(submit(f, slackSEC, slackMLO, slackui.CallbackReason, metadata, reasonState("not today")))
		}, "the modal was opened for somebody else", "refused a decision of sec-1 (the modal was opened for somebody else)"},
		"an outsider closes": {time.Second, func(_ *testing.T, c *cockpit, f *fakeSlack, _ *incident.Record) { c.typed(f, outsider, "close") }, "is nobody's in the inventory", "refused to close for slack:" + outsider},
		"an outsider skips": {time.Second, func(t *testing.T, c *cockpit, f *fakeSlack, rec *incident.Record) {
			c.interact(click(f, outsider, slackui.ActionVerb+":skip", button(t, rec, func(r *slackui.Ref) { r.Verb = slackui.VerbSkip })))
		}, "is nobody's in the inventory", "refused skip-step of slack:" + outsider},
		"the requester skips the approval": {time.Second, func(t *testing.T, c *cockpit, f *fakeSlack, rec *incident.Record) {
			metadata := button(t, rec, func(r *slackui.Ref) { r.Verb = slackui.VerbSkip })
			c.interact(submit(f, slackIC, slackIC, slackui.CallbackReason, metadata, reasonState("in a hurry")))
		}, "ic-1 started the incident and cannot skip a step", "refused skip-step of ic-1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec, f, _, _ := playedBy(t, tt.at, func(c *cockpit, f *fakeSlack, rec *incident.Record) { tt.do(t, c, f, rec) })
			require.Contains(t, f.told(t, "Refused").text, tt.told)
			require.Contains(t, lines(rec), tt.recorded)
			a := approvalOf(t, rec, revocation)
			require.NotEqual(t, incident.ApprovalGranted, a.Status)
			require.NotEqual(t, incident.ApprovalDenied, a.Status)
			require.NotContains(t, lines(rec), "closed by slack")
		})
	}
}

// Two clicks of one person, and one person's two names, count once.
func TestOnePersonCountsOnce(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	e.req.Requester = "alertmanager"
	c, f, _ := newCockpit(t, e)
	c.jobs.ackWithin = 10 * time.Second
	const rollback = "approve-rollback"
	press := func(user, step string, at time.Duration) {
		var value string
		e.env.RegisterDelayedCallback(func() { value = approveButton(t, e.now(), step) }, at-time.Millisecond)
		e.at(at, func() { c.interact(click(f, user, slackui.ActionApprove, value)) })
	}
	press(slackSEC, revocation, time.Second)
	press(slackMLO, rollback, time.Minute)
	press(slackMLO, rollback, 2*time.Minute)
	// The same person by another name, on another way in.
	e.env.RegisterDelayedCallback(func() {
		d := workflows.DecideApproval{Step: rollback, Person: "mara@nordwall.example", Approve: true, PlanDigest: e.now().PlanDigest, Via: "cli"}
		go func() { _, _ = e.decide(t.Context(), engineIncident, d) }()
		(<-e.calls)()
	}, 3*time.Minute)
	rec := e.run()
	f.told(t, "Recorded for sec-1: approve approve-revocation: granted")
	f.told(t, "Recorded for mlo-1: approve approve-rollback: recorded; 1 of 2")
	f.told(t, "Refused: approve approve-rollback: mlo-1 has decided already")
	a := approvalOf(t, rec, rollback)
	require.Equal(t, 1, a.Granted())
	require.Equal(t, incident.ApprovalTimedOut, a.Status)
	require.Len(t, a.Decisions, 3, "refused decisions are kept")
	require.Equal(t, "slack", a.Decisions[0].Via)
}

// The same click, delivered again or replayed with its valid signature, is one decision, and one update id everywhere.
func TestRedeliveredClickIsOneDecision(t *testing.T) {
	t.Parallel()
	var id string
	rec, f, e, c := playedBy(t, time.Second, func(c *cockpit, f *fakeSlack, rec *incident.Record) {
		p := click(f, slackSEC, slackui.ActionApprove, approveButton(t, rec, revocation))
		d, err := interactionForm([]byte(interactionBody(p)))
		require.NoError(t, err)
		id = d.key()
		for range 3 {
			require.Equal(t, http.StatusOK, c.interact(p).Code)
		}
	})
	require.Equal(t, incident.ApprovalGranted, approvalOf(t, rec, revocation).Status)
	require.Len(t, approvalOf(t, rec, revocation).Decisions, 1)
	require.Equal(t, []string{id}, e.sent, "the update bears the delivery's name")
	f.told(t, "granted")
	require.True(t, c.jobs.wait(10*time.Second))
	require.Len(t, f.made("/hooks/1"), 1, "answered once")
}

// An answer is never good news before the incident has confirmed it.
func TestNobodyIsToldApprovedTooEarly(t *testing.T) {
	t.Parallel()
	rec := waitingRecord()
	c, f, _ := newCockpit(t, blocked{})
	c.jobs.ackWithin = 20 * time.Millisecond
	w := c.interact(click(f, slackMLO, slackui.ActionApprove, approveButton(t, rec, "approve-rollback")))
	require.Equal(t, http.StatusOK, w.Code)
	require.Empty(t, w.Body.String())
	f.told(t, "Nothing counts as done before you are told so here")
	c.jobs.stopWork()
	told := f.told(t, "Temporal did not answer in time")
	require.Contains(t, told.text, "trigger approve "+rec.ID+" approve-rollback --as mlo-1 --plan "+rec.PlanDigest)
	for _, call := range f.made("") {
		require.NotContains(t, call.text, "Recorded")
	}
}

// What somebody types decides nothing about who they are.
func TestTextSmuggling(t *testing.T) {
	t.Parallel()
	rec := waitingRecord()
	for _, text := range []string{
		"approve approve-rollback --as ic-1", "approve approve-rollback " + testPlan + " --as ic-1", "approve approve-rollback <@" + slackIC + "> x",
		"approve", "deny approve-rollback because", "close now please", "undo --as ic-1", "list all of them",
		"status incident/ x", "approve incident/a/b", "contain everything", "<!channel> approve",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			desk := desks(rec)
			c, f, _ := newCockpit(t, desk)
			w := c.typed(f, slackMLO, text)
			require.Equal(t, http.StatusOK, w.Code)
			require.Empty(t, desk.decided)
			require.Empty(t, desk.finished)
			require.Empty(t, desk.steered)
			require.NotContains(t, w.Body.String(), "<!channel>")
			require.Empty(t, f.made("views.open"))
		})
	}
	desk := desks(rec)
	c, f, _ := newCockpit(t, desk)
	require.Equal(t, http.StatusOK, c.typed(f, slackMLO, "approve approve-rollback "+testPlan[:24]).Code)
	f.told(t, "Recorded for mlo-1")
	require.Equal(t, []workflows.DecideApproval{{Step: "approve-rollback", Person: "mlo-1", Approve: true, PlanDigest: testPlan, Via: "slack"}}, desk.decided)
}
