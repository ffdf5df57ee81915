package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/playbooks"
	"firebreak/workflows"
)

func batch(count int, alerts ...incident.Alert) incident.AlertBatch {
	return incident.AlertBatch{Alerts: alerts, Count: count}
}

func TestBatchesCountAndJoinOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.ExtractionEvent, "credit-api")
	send := func(b incident.AlertBatch) func() { return func() { w.SignalWorkflow(workflows.AlertsSignal, b) } }
	a, b := incident.Alert{Key: "a", Source: "grafana"}, incident.Alert{Key: "b", Source: "grafana"}
	w.at(0, send(batch(1, a)))
	w.at(time.Second, send(batch(900, a, b)))
	w.at(2*time.Second, send(batch(1, incident.Alert{Key: "a", Source: "grafana", Resolved: true})))
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, 902, rec.AlertCount)
	require.Len(t, rec.Alerts, 3, "the end of an alert is not a repetition of its start")
}

func TestJoinedAlertsRaiseButNeverLower(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.ExtractionEvent, "credit-api")
	w.req.Severity, w.req.Confidence = "SEV2", 0.5
	send := func(a incident.Alert) func() { return func() { w.SignalWorkflow(workflows.AlertsSignal, batch(1, a)) } }
	w.at(time.Second, send(incident.Alert{Key: "worse", Severity: "SEV1", Confidence: 0.95, Facet: "weights"}))
	w.at(2*time.Second, send(incident.Alert{Key: "milder", Severity: "SEV4", Confidence: 0.1, Facet: "api"}))
	w.at(3*time.Second, send(incident.Alert{Key: "over", Severity: "SEV1", Confidence: 1, Resolved: true}))
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, "SEV1", rec.Severity)
	require.InDelta(t, 0.95, rec.Confidence, 0)
	require.Equal(t, "weights", rec.Facet)
}

func TestARaisedConfidenceGrantsWhatWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.ExtractionEvent, "credit-api")
	w.change = onStep("approve-containment", func(s *playbooks.Step) {
		least := 0.9
		s.Approval.AutoWhen = playbooks.Condition{{{Reference: "incident.confidence", AtLeast: &least}}}
	})
	w.at(time.Minute, func() {
		w.SignalWorkflow(workflows.AlertsSignal, batch(1, incident.Alert{Key: "sure", Confidence: 0.97}))
	})
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.ApprovalGranted, rec.Approvals[0].Status)
	require.Empty(t, rec.Approvals[0].Decisions)
	require.Equal(t, rec.OpenedAt.Add(time.Minute), rec.Approvals[0].DecidedAt)
	require.Equal(t, incident.Contained, rec.Verdict, rec.Gaps)
}

func TestRawAlertsAreKeptAsEvidence(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		fail []func() error
		gaps []string
		uri  string
	}{
		{"kept", nil, nil, "s3://evidence/aa"},
		{"kept at last", []func() error{down, down, down, down, works}, nil, "s3://evidence/aa"},
		{"never kept", []func() error{down}, []string{"evidence gap: the alert from grafana with digest aa is not kept"}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, incident.ExtractionEvent, "credit-api")
			w.fail["keep posted"] = c.fail
			w.at(0, func() {
				w.SignalWorkflow(workflows.AlertsSignal, batch(2,
					incident.Alert{Key: "a", Source: "grafana", RawSHA256: "aa", Raw: []byte("posted")}, incident.Alert{Key: "b", Source: "grafana", RawSHA256: "aa"}))
			})
			w.decide(time.Minute, "approve-containment", "ic-1", true, nil)
			w.decide(time.Minute, "approve-containment", "mlo-1", true, nil)
			w.closeAt(time.Hour, false)
			rec := w.run()
			require.Equal(t, c.gaps, rec.Gaps)
			for _, a := range rec.Alerts {
				require.Empty(t, a.Raw, "the record carries no raw alert")
				require.Equal(t, c.uri, a.RawURI)
			}
		})
	}
}

func TestTheThreadFollowsTheTimeline(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.ExtractionEvent, "credit-api")
	w.channel = "#incidents"
	w.fail["thread"] = []func() error{works, down, down, down, works}
	w.decide(time.Minute, "approve-containment", "ic-1", true, nil)
	w.decide(time.Minute, "approve-containment", "mlo-1", true, nil)
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.Contained, rec.Verdict, rec.Gaps)
	var shown []incident.Event
	for _, u := range w.updates {
		require.Equal(t, "#incidents", u.Thread.Channel)
		require.Len(t, shown, u.Thread.Shown)
		shown = append(shown, u.Record.Timeline...)
		for _, s := range u.Record.Steps {
			require.Nil(t, s.Receipt)
		}
	}
	require.Equal(t, rec.Timeline, shown, "every event is shown once, the closing last")
	require.Equal(t, incident.Closed, w.updates[len(w.updates)-1].Record.Progress)
	require.Contains(t, texts(rec.Timeline), "the incident's thread is behind: connection refused")
}

func TestClosingDoesNotWaitForASlackThatIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, incident.ExtractionEvent, "credit-api")
	w.channel = "#incidents"
	w.fail["thread"] = []func() error{down}
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Less(t, w.Now().Sub(rec.ClosedAt), time.Minute)
}
