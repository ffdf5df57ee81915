package workflows_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

func joined(lines []string) string { return strings.Join(lines, "\n") }

func only(calls []string, target string) []string {
	return slices.DeleteFunc(calls, func(c string) bool { return !strings.Contains(c, "/"+target+" ") })
}

func index(w *world, call string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Index(w.calls, call)
}

// The attack matrix on approvals: every one is refused, told so, and recorded.
func TestApprovalsThatDoNotCount(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		with func(*workflows.DecideApproval)
		want string
	}{
		{"an outsider", func(d *workflows.DecideApproval) { d.Person = "mallory@elsewhere.example" }, "mallory@elsewhere.example is not in the inventory"},
		{"a person of another role", func(d *workflows.DecideApproval) { d.Person = "com-1" }, "com-1 (COM) holds none of the roles"},
		{"the requester", func(d *workflows.DecideApproval) { d.Person = "ic-1" }, "ic-1 started the incident and cannot approve it"},
		{"the requester under another name", func(d *workflows.DecideApproval) { d.Person = "IDA@nordwall.example" }, "ic-1 started the incident and cannot approve it"},
		{"on another plan", func(d *workflows.DecideApproval) { d.PlanDigest = "sha256:000000000000000000" }, "the decision was made on plan 000000000000; this incident's plan is"},
		{"before it is asked", func(d *workflows.DecideApproval) { d.Step = "approve-rollback" }, "the approval is pending"},
		{"one that does not exist", func(d *workflows.DecideApproval) { d.Step = "approve-everything" }, `there is no approval "approve-everything"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, incident.DatasetCompromise, "loan-applications@2026-07-31")
			w.req.Requester = "ic-1"
			var outcome workflows.DecisionOutcome
			w.at(time.Second, func() {
				d := workflows.DecideApproval{Step: "approve-revocation", Person: "sec-1", Approve: true, PlanDigest: w.status().PlanDigest}
				c.with(&d)
				w.update(workflows.DecideApprovalUpdate, &outcome, d)
			})
			w.closeAt(3*time.Hour, false)
			rec := w.run()
			require.False(t, outcome.Accepted)
			require.Contains(t, outcome.Message, c.want)
			require.Empty(t, w.sequence("revoke-writers"), "nothing was revoked")
			require.Contains(t, timeline(rec), "refused a decision of")
			require.Equal(t, incident.ContainedWithGaps, rec.Verdict, "people's silence is a gap, not a failure")
		})
	}
}

func timeline(rec incident.Record) string {
	var lines []string
	for _, e := range rec.Timeline {
		lines = append(lines, e.What)
	}
	return joined(lines)
}

func TestQuorumNeedsDistinctPeopleAndRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.DatasetCompromise, "loan-applications@2026-07-31")
	w.decide(time.Second, "approve-revocation", "sec-1", true, nil)
	var first, again, sameRole, second, late workflows.DecisionOutcome
	w.decide(20*time.Second, "approve-rollback", "mlo-1", true, &first)
	w.decide(21*time.Second, "approve-rollback", "U01MLO00001", true, &again)
	w.decide(22*time.Second, "approve-rollback", "mlo-2", true, &sameRole)
	w.decide(23*time.Second, "approve-rollback", "exe-1", true, &second)
	w.decide(24*time.Second, "approve-rollback", "ic-1", true, &late)
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, workflows.DecisionOutcome{Accepted: true, Message: "recorded; 1 of 2"}, first)
	require.Equal(t, "mlo-1 has decided already", again.Message)
	require.Contains(t, sameRole.Message, "holds none of the roles that are still wanted")
	require.Equal(t, workflows.DecisionOutcome{Accepted: true, Message: "granted"}, second, "the deputy of the incident commander may stand in")
	require.Equal(t, "the approval is granted", late.Message)
	require.Equal(t, incident.Contained, rec.Verdict, rec.Gaps)
	require.Len(t, rec.Approvals[1].Decisions, 5, "the refused ones are recorded too")
}

func TestDenialIsFinalAndStaysContained(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.DatasetCompromise, "loan-applications@2026-07-31")
	w.decide(time.Second, "approve-revocation", "sec-1", true, nil)
	w.decide(20*time.Second, "approve-rollback", "mlo-1", true, nil)
	w.decide(21*time.Second, "approve-rollback", "ic-1", false, nil)
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.ApprovalDenied, rec.Approvals[1].Status)
	require.Empty(t, w.sequence("rollback", "reopen"))
	require.Equal(t, incident.Contained, rec.Verdict, "the endpoint stays disabled")
	require.Equal(t, "approve-rollback: denied by ic-1", step(t, rec, "rollback", "credit-api").Reason)
}

func TestSilenceLeavesThingsAsTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.ExtractionEvent, "credit-api")
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.ApprovalTimedOut, rec.Approvals[0].Status)
	require.Empty(t, w.sequence("revoke-callers", "disable-endpoints"))
	require.Equal(t, incident.NotContained, rec.Verdict)
}

// Before there is a plan nobody's role is known: a click then closes nothing, and the command line only gives up waiting.
func TestNobodyClicksAnIncidentAwayBeforeItsPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.ExtractionEvent, "credit-api")
	w.fail["plan"] = []func() error{refused}
	attempt := func(d time.Duration, via, reason string) *workflows.DecisionOutcome {
		var out workflows.DecisionOutcome
		w.at(d, func() {
			w.update(workflows.CloseIncidentUpdate, &out, workflows.CloseIncident{Person: "mallory", Reason: reason, Via: via})
		})
		return &out
	}
	slack, page := attempt(time.Minute, workflows.ViaSlack, "nothing to see"), attempt(2*time.Minute, workflows.ViaPage, "nothing to see")
	mute, good := attempt(3*time.Minute, workflows.ViaCommandLine, ""), attempt(4*time.Minute, workflows.ViaCommandLine, "the asset never existed")
	rec := w.run()
	for _, out := range []*workflows.DecisionOutcome{slack, page} {
		require.False(t, out.Accepted)
		require.Contains(t, out.Message, "close the incident on the command line")
	}
	require.Equal(t, "closing needs a reason", mute.Message)
	require.True(t, good.Accepted)
	require.Equal(t, incident.NotContained, rec.Verdict)
}

func TestOnlyTheIncidentCommanderCloses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.ExtractionEvent, "credit-api")
	var outsider, wrongRole, noReason, good workflows.DecisionOutcome
	attempt := func(d time.Duration, person, reason string, outcome *workflows.DecisionOutcome) {
		w.at(d, func() {
			w.update(workflows.CloseIncidentUpdate, outcome, workflows.CloseIncident{Person: person, Reason: reason, HandOverClocks: true})
		})
	}
	attempt(time.Second, "mallory", "x", &outsider)
	attempt(2*time.Second, "com-1", "x", &wrongRole)
	attempt(3*time.Second, "ic-1", "", &noReason)
	attempt(4*time.Second, "ic-1", "handled elsewhere", &good)
	w.run()
	require.Equal(t, "mallory is not in the inventory", outsider.Message)
	require.Equal(t, "com-1 (COM) may not close an incident; an IC may", wrongRole.Message)
	require.Equal(t, "closing needs a reason", noReason.Message)
	require.True(t, good.Accepted)
}
