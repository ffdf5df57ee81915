package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

func startOptions(kind incident.Kind, asset string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: incident.WorkflowID(kind, asset, ""), TaskQueue: workflows.TaskQueue(incident.Live)}
}

// approveAll gives the approvals of the dataset and backdoor playbooks as the inventory's people do.
func approveAll(w *world) {
	w.decide(time.Second, "approve-revocation", "sec-1", true, nil)
	w.decide(20*time.Second, "approve-rollback", "mlo-1", true, nil)
	w.decide(21*time.Second, "approve-rollback", "ida@nordwall.example", true, nil)
}

func TestDatasetCompromiseIsContainedInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.DatasetCompromise, "loan-applications@2026-07-31")
	approveAll(w)
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.Contained, rec.Verdict, rec.Gaps)
	require.Equal(t, incident.Closed, rec.Progress)
	require.Equal(t, []string{
		"disable-endpoints/credit-api capture", "disable-endpoints/credit-api do", "disable-endpoints/credit-api verify",
		"rollback/credit-api capture", "rollback/credit-api do", "rollback/credit-api verify",
		"reopen/credit-api capture", "reopen/credit-api do", "reopen/credit-api verify",
	}, only(w.sequence("disable-endpoints", "rollback", "reopen"), "credit-api"))
	require.Less(t, index(w, "snapshot-checkpoints/credit-scorer@17 verify"), index(w, "disable-endpoints/credit-api capture"), "evidence comes before what destroys it")
	require.Equal(t, 4, rec.Evidence.Objects)
	require.Equal(t, "#ir-legal", rec.Legal.Channel)
	for _, s := range rec.Steps {
		require.Equal(t, incident.Done, s.Status, s.ID)
		require.True(t, s.Verified, s.ID)
	}
}

func TestExtractionEventHasNoRollback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.ExtractionEvent, "credit-api")
	w.decide(time.Second, "approve-containment", "ic-1", true, nil)
	w.decide(2*time.Second, "approve-containment", "mlo-1", true, nil)
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.Contained, rec.Verdict, rec.Gaps)
	require.Equal(t, incident.Skipped, step(t, rec, "snapshot-requests", "").Status)
	require.True(t, step(t, rec, "revoke-callers", "brightcart-api-key").Verified)
	require.True(t, step(t, rec, "disable-endpoints", "credit-api").Verified)
}

// One thing is broken at a time; the verdict must follow from the proofs.
func TestVerdictFollowsTheProofs(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		breaks func(*world)
		want   incident.Verdict
		gap    string
	}{
		{"a revocation that does not hold", func(w *world) { w.unproved["revoke-writers/ci-registry-push"] = true },
			incident.NotContained, "revoke-writers: vault.revoke on ci-registry-push is retrying: not proved: looked"},
		{"an endpoint that still answers", func(w *world) { w.unproved["disable-endpoints/credit-api"] = true },
			incident.NotContained, "disable-endpoints: endpoint.disable on credit-api is retrying"},
		{"a reopened endpoint that serves something else is closed again", func(w *world) { w.unproved["reopen/credit-api"] = true },
			incident.ContainedWithGaps, "reopen: endpoint.enable on credit-api is undone: not proved"},
		{"a reopened endpoint that cannot be closed again", func(w *world) {
			w.unproved["reopen/credit-api"] = true
			w.fail["reopen/credit-api undo"] = []func() error{down}
		}, incident.NotContained, "reopen: endpoint.enable on credit-api is failed"},
		{"evidence that is not locked", func(w *world) { w.unproved["snapshot-datasets/loan-applications@2026-07-31"] = true },
			incident.ContainedWithGaps, "snapshot-datasets: dataset.snapshot on loan-applications@2026-07-31 is retrying"},
		{"Slack is down", func(w *world) { w.fail["tell-legal/#ir-legal do"] = []func() error{down} },
			incident.ContainedWithGaps, "tell-legal: legal is not told in #ir-legal (retrying): connection refused"},
		{"no adapter for the platform", func(w *world) { w.fail["disable-endpoints/credit-batch capture"] = []func() error{refused} },
			incident.NotContained, "disable-endpoints: endpoint.disable on credit-batch is failed: no adapter"},
		{"the manifest cannot be sealed", func(w *world) { w.fail["seal"] = []func() error{down} },
			incident.ContainedWithGaps, "the incident's evidence manifest is not sealed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, incident.DatasetCompromise, "loan-applications@2026-07-31")
			c.breaks(w)
			w.decide(30*time.Second, "approve-revocation", "sec-1", true, nil)
			w.decide(time.Minute, "approve-rollback", "mlo-1", true, nil)
			w.decide(time.Minute, "approve-rollback", "ic-1", true, nil)
			var settled incident.Record
			w.at(40*time.Minute, func() { settled = w.status() })
			w.closeAt(time.Hour, false)
			w.run()
			require.Equal(t, incident.Settled, settled.Progress)
			require.Equal(t, c.want, settled.Verdict, settled.Gaps)
			require.Contains(t, joined(settled.Gaps), c.gap)
		})
	}
}

func TestRollbackNeedsItsEvidence(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.DatasetCompromise, "loan-applications@2026-07-31")
	w.unproved["snapshot-checkpoints/credit-scorer@17"] = true
	w.decide(time.Second, "approve-revocation", "sec-1", true, nil)
	w.closeAt(2*time.Hour, false)
	rec := w.run()
	require.Empty(t, w.sequence("rollback", "reopen"), "no state is replaced without proved evidence")
	require.Equal(t, "approve-rollback: not asked: snapshot-checkpoints on credit-scorer@17 is not proved", step(t, rec, "rollback", "credit-api").Reason)
}

func TestNoKnownGoodStaysContained(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.DatasetCompromise, "loan-applications")
	w.decide(time.Second, "approve-revocation", "sec-1", true, nil)
	w.closeAt(2*time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.Contained, rec.Verdict, rec.Gaps)
	require.Contains(t, step(t, rec, "rollback", "credit-api").Reason, "no known-good checkpoint: credit-scorer@16: in the blast radius")
	require.Empty(t, w.sequence("rollback", "reopen"))
}

func TestWhatFailedIsTriedAgainUntilProved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.DatasetCompromise, "loan-applications@2026-07-31")
	approveAll(w)
	w.fail["tell-legal/#ir-legal do"] = []func() error{down, down, down, down, down, down, down, down, down, down, down, down, works}
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.Contained, rec.Verdict, rec.Gaps)
	require.Equal(t, 13, w.count("tell-legal/#ir-legal do"))
	require.True(t, step(t, rec, "tell-legal", "#ir-legal").Verified)
}

func TestCaptureIsTakenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.DatasetCompromise, "loan-applications@2026-07-31")
	approveAll(w)
	w.fail["disable-endpoints/credit-api do"] = []func() error{down, down, down, down, works}
	w.closeAt(time.Hour, false)
	w.run()
	require.Equal(t, 1, w.count("disable-endpoints/credit-api capture"), "a later capture would save the contained state as the state to restore")
}

func TestFalsePositiveUndoesNewestFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.BackdoorDiscovery, "assist-llm@5")
	approveAll(w)
	w.fail["disable-endpoints/assist-chat undo"] = []func() error{down, down, down, down, works}
	w.closeAt(time.Hour, true)
	rec := w.run()
	require.Equal(t, incident.FalsePositive, rec.Verdict)
	var undone []string
	for _, c := range w.sequence("tell-legal", "snapshot-checkpoints", "disable-endpoints", "revoke-writers", "rollback", "reopen") {
		if len(c) > 5 && c[len(c)-5:] == " undo" && (len(undone) == 0 || undone[len(undone)-1] != c) {
			undone = append(undone, c)
		}
	}
	require.Equal(t, []string{"reopen/assist-chat undo", "rollback/assist-chat undo"}, undone[:2])
	// Messages run beside everything else, so theirs may come anywhere among the rest.
	require.ElementsMatch(t, []string{"disable-endpoints/assist-chat undo", "revoke-writers/ci-registry-push undo",
		"snapshot-checkpoints/assist-llm@5 undo", "tell-legal/#ir-legal undo"}, undone[2:])
	require.Equal(t, incident.Done, step(t, rec, "snapshot-checkpoints", "assist-llm@5").Status, "evidence is kept")
	require.Equal(t, incident.Undone, step(t, rec, "disable-endpoints", "assist-chat").Status)
}

func TestUnplannableRequestFailsBeforeAnythingIsTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.ExtractionEvent, "nothing")
	w.ExecuteWorkflow(workflows.ExtractionEventWorkflow, w.req)
	var app *temporal.ApplicationError
	require.ErrorAs(t, w.GetWorkflowError(), &app)
	require.Contains(t, app.Message(), `asset "nothing" is not in the inventory`)
	require.Equal(t, 1, w.count("plan"))
	require.Len(t, w.calls, 1)
}

func TestFaultyPlaybookKeepsTheIncidentOpenUntilMended(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.ExtractionEvent, "credit-api")
	w.fail["plan"] = []func() error{down, down, down, down, works}
	w.decide(time.Minute, "approve-containment", "ic-1", true, nil)
	w.decide(time.Minute, "approve-containment", "mlo-1", true, nil)
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.Contained, rec.Verdict, rec.Gaps)
	require.Contains(t, rec.Timeline[1].What, "the plan could not be made; trying again every 15s: connection refused")
}

func TestAlertsJoin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.ExtractionEvent, "credit-api")
	signal := func(key string) func() {
		return func() { w.SignalWorkflow(workflows.AlertSignal, incident.Alert{Key: key, Source: "alertmanager"}) }
	}
	w.at(0, signal("a"))
	w.at(time.Second, signal("a"))
	w.at(2*time.Second, signal("b"))
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, 3, rec.AlertCount)
	require.Len(t, rec.Alerts, 2, "the same alert again is counted, not kept twice")
}
