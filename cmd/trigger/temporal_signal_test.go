package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"

	"firebreak/internal/alert/route"
	"firebreak/internal/incident"
	"firebreak/workflows"
)

func loanAlert() incident.Alert {
	return incident.Alert{
		Key: "k", Source: "alertmanager", Kind: incident.DatasetCompromise, Asset: "loan-applications@2026-07-31", Summary: "rows differ",
		StartsAt: received.Add(-time.Minute), ReceivedAt: received, RawSHA256: "aa",
	}
}

func loanBatch(mode incident.Mode) batch {
	a := loanAlert()
	d := delivery{alert: a, judgement: judgement{mode: mode, Decision: route.Decision{
		Kind: a.Kind, Asset: a.Asset, Severity: "SEV1", Confidence: 0.9, Facet: "both",
	}}}
	r := d.request()
	return batch{request: &r, alerts: incident.AlertBatch{Alerts: []incident.Alert{a}, Count: 3}}
}

func TestSignalStartsThenJoins(t *testing.T) {
	t.Parallel()
	f, d := newFrontend(t)
	b := loanBatch(incident.Live)
	for i, want := range []string{outcomeStarted, outcomeJoined, outcomeJoined} {
		r, err := d.signal(t.Context(), b)
		require.NoError(t, err)
		require.Equal(t, receipt{incidentID: loanIncident, outcome: want}, r, "post %d", i)
	}
	r := f.signalled[0]
	require.Equal(t, loanIncident, r.GetWorkflowId())
	require.Equal(t, "DatasetCompromise", r.GetWorkflowType().GetName())
	require.Equal(t, "contain", r.GetTaskQueue().GetName())
	require.Equal(t, 5*time.Second, r.GetWorkflowTaskTimeout().AsDuration())
	require.Equal(t, enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, r.GetWorkflowIdConflictPolicy())
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, r.GetWorkflowIdReusePolicy())
	require.Equal(t, int32(1), r.GetPriority().GetPriorityKey())
	require.Equal(t, "alerts", r.GetSignalName())
	var sent incident.Request
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(r.GetInput(), &sent))
	a := loanAlert()
	require.Equal(t, incident.Request{
		Kind: incident.DatasetCompromise, Asset: a.Asset, Mode: incident.Live, Requester: "alertmanager", Summary: "rows differ", DetectedAt: a.StartsAt,
		Severity: "SEV1", Confidence: 0.9, Facet: "both",
	}, sent)
	var signal incident.AlertBatch
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(r.GetSignalInput(), &signal))
	require.Equal(t, b.alerts, signal)

	_, err := d.signal(t.Context(), loanBatch(incident.Drill))
	require.NoError(t, err)
	require.Equal(t, "drill", f.signalled[3].GetTaskQueue().GetName())
	require.Equal(t, int32(5), f.signalled[3].GetPriority().GetPriorityKey())
	require.NoError(t, d.ready(t.Context()))
}

func TestSignalStartsARecheckOfWhatIsClosed(t *testing.T) {
	t.Parallel()
	f, d := newFrontend(t)
	deliver := func() receipt {
		r, err := d.signal(t.Context(), loanBatch(incident.Live))
		require.NoError(t, err)
		return r
	}
	recheck := func() string {
		var sent incident.Request
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(f.signalled[len(f.signalled)-1].GetInput(), &sent))
		return sent.Recheck
	}
	first, second := loanIncident+"/recheck-1", loanIncident+"/recheck-2"

	f.closed[loanIncident] = true
	require.Equal(t, receipt{incidentID: first, outcome: outcomeStarted}, deliver())
	require.Equal(t, loanIncident, recheck())
	require.Equal(t, receipt{incidentID: first, outcome: outcomeJoined}, deliver())

	f.closed[first] = true
	require.Equal(t, receipt{incidentID: second, outcome: outcomeStarted}, deliver())
	require.Equal(t, first, recheck())

	d.rechecks = rechecks{}
	require.Equal(t, receipt{incidentID: second, outcome: outcomeJoined}, deliver(), "another trigger finds it without having seen it")

	f.closed[second], f.closed[loanIncident], f.open[loanIncident] = true, false, true
	require.Equal(t, receipt{incidentID: loanIncident, outcome: outcomeJoined}, deliver(), "somebody started the first one again by hand")
}

func TestSignalOfAResolvedAlertStartsNothing(t *testing.T) {
	t.Parallel()
	f, d := newFrontend(t)
	b := loanBatch(incident.Live)
	b.request = nil
	deliver := func() receipt {
		r, err := d.signal(t.Context(), b)
		require.NoError(t, err)
		return r
	}
	none := receipt{outcome: outcomeNoOpenIncident}
	require.Equal(t, none, deliver())

	f.open[loanIncident] = true
	require.Equal(t, receipt{incidentID: loanIncident, outcome: outcomeJoined}, deliver())
	require.Equal(t, workflows.AlertsSignal, f.joined[0].GetSignalName())

	f.open[loanIncident], f.closed[loanIncident] = false, true
	require.Equal(t, none, deliver())

	newest := loanIncident + "/recheck-2"
	f.closed[loanIncident+"/recheck-1"], f.open[newest] = true, true
	require.Equal(t, receipt{incidentID: newest, outcome: outcomeJoined}, deliver())
	d.rechecks.note(loanIncident, 1)
	require.Equal(t, receipt{incidentID: newest, outcome: outcomeJoined}, deliver(), "the one that is remembered is closed")
	require.Empty(t, f.started)
	require.Empty(t, f.signalled)
}

func TestSignalPagesAPersonOnce(t *testing.T) {
	t.Parallel()
	f, d := newFrontend(t)
	triage := &workflows.TriageRequest{Alert: loanAlert(), Reason: "no route", Mode: incident.Live}
	for range 2 {
		r, err := d.signal(t.Context(), batch{triage: triage})
		require.NoError(t, err)
		require.Equal(t, receipt{outcome: outcomeTriaged}, r)
	}
	require.Len(t, f.started, 1)
	require.Equal(t, workflows.TriageID(triage.Alert), f.started[0].GetWorkflowId())
	require.Equal(t, workflows.TriageWorkflow, f.started[0].GetWorkflowType().GetName())
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, f.started[0].GetWorkflowIdReusePolicy())
}
