package main

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

func TestDetectedIsNotInTheFuture(t *testing.T) {
	t.Parallel()
	a := loanAlert()
	require.Equal(t, a.StartsAt, detected(a))
	a.StartsAt = received.Add(time.Hour)
	require.Equal(t, received, detected(a))
	a.StartsAt = time.Time{}
	require.Equal(t, received, detected(a))
}

func TestDeskStart(t *testing.T) {
	t.Parallel()
	f, d := newFrontend(t)
	request := incident.Request{Kind: incident.ExtractionEvent, Asset: "credit-api", Mode: incident.Live, Requester: "sec-1"}
	id := incident.WorkflowID(request.Kind, request.Asset, "")
	require.NoError(t, d.start(t.Context(), id, request))
	require.Equal(t, enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL, f.started[0].GetWorkflowIdConflictPolicy())
	require.Equal(t, "ExtractionEvent", f.started[0].GetWorkflowType().GetName())
	require.ErrorIs(t, d.start(t.Context(), id, request), errOpen)
}

func TestDeskRecord(t *testing.T) {
	t.Parallel()
	f, d := newFrontend(t)
	_, err := d.record(t.Context(), loanIncident, "")
	require.ErrorIs(t, err, errNone)
	f.record = containedRecord()
	r, err := d.record(t.Context(), f.record.ID, "")
	require.NoError(t, err)
	require.Equal(t, f.record.Steps, r.Steps)
	f.noWorker = true
	_, err = d.record(t.Context(), f.record.ID, "")
	require.ErrorContains(t, err, "ask "+f.record.ID+" for its status: no worker answered, is one running?: no poller")
	f.ended = true
	r, err = d.record(t.Context(), f.record.ID, "")
	require.NoError(t, err, "a run that has ended needs no worker")
	require.Equal(t, f.record.Steps, r.Steps)
}

func TestDeskUpdates(t *testing.T) {
	t.Parallel()
	f, d := newFrontend(t)
	decision := workflows.DecideApproval{Step: "rollback", Person: "mlo-1", Approve: true, PlanDigest: "sha256:aa", Via: "cli"}
	_, err := d.decide(t.Context(), loanIncident, decision)
	require.ErrorIs(t, err, errNone)

	f.open[loanIncident] = true
	f.outcome = workflows.DecisionOutcome{Accepted: false, Message: "mlo-1 started the incident"}
	outcome, err := d.decide(t.Context(), loanIncident, decision)
	require.NoError(t, err)
	require.Equal(t, f.outcome, outcome)
	require.Equal(t, workflows.DecideApprovalUpdate, f.updates[0].GetRequest().GetInput().GetName())
	require.Equal(t, enumspb.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED, f.updates[0].GetWaitPolicy().GetLifecycleStage())
	var sent workflows.DecideApproval
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(f.updates[0].GetRequest().GetInput().GetArgs(), &sent))
	require.Equal(t, decision, sent)

	f.outcome = workflows.DecisionOutcome{Accepted: true, Message: "closed"}
	closing := workflows.CloseIncident{Person: "ic-1", FalsePositive: true, Reason: "load test", Via: "cli"}
	outcome, err = d.finish(t.Context(), loanIncident, closing)
	require.NoError(t, err)
	require.True(t, outcome.Accepted)
	require.Equal(t, workflows.CloseIncidentUpdate, f.updates[1].GetRequest().GetInput().GetName())

	steered := workflows.Steer{Person: "ic-1", Step: "rollback", Reason: "done by hand", Via: "cli"}
	outcome, err = d.steer(t.Context(), loanIncident, workflows.SkipStepUpdate, steered)
	require.NoError(t, err)
	require.True(t, outcome.Accepted)
	require.Equal(t, workflows.SkipStepUpdate, f.updates[2].GetRequest().GetInput().GetName())
	var received workflows.Steer
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(f.updates[2].GetRequest().GetInput().GetArgs(), &received))
	require.Equal(t, steered, received)
}

func TestDeskList(t *testing.T) {
	t.Parallel()
	f, d := newFrontend(t)
	runs, err := d.list(t.Context(), false)
	require.NoError(t, err)
	require.Len(t, runs, 2, "workflows that are no incidents are left out")
	require.Equal(t, loanIncident, runs[0].id)
	require.Equal(t, "running", runs[0].status)
	require.Equal(t, "WorkflowType IN ('Custom', 'BackdoorDiscovery', 'ExtractionEvent', 'DatasetCompromise') AND ExecutionStatus = 'Running'", f.listed[0].GetQuery())
	_, err = d.list(t.Context(), true)
	require.NoError(t, err)
	require.NotContains(t, f.listed[2].GetQuery(), "ExecutionStatus")
}

func TestDialNamesTheAddress(t *testing.T) {
	t.Parallel()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := gone.Addr().String()
	require.NoError(t, gone.Close())
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = dialTemporal(ctx, temporalEnvironment(t, address))
	require.ErrorContains(t, err, "connect to Temporal at "+address+" (TEMPORAL_ADDRESS sets the address)")
}

func TestTriageIsStartedOnce(t *testing.T) {
	t.Parallel()
	f, d := newFrontend(t)
	r := workflows.TriageRequest{Alert: loanAlert(), Reason: "no rule fits", Mode: incident.Live}
	for range 3 {
		require.NoError(t, d.startTriage(t.Context(), r), "that it is started already is as good")
	}
	require.Len(t, f.started, 1)
	got := f.started[0]
	require.Equal(t, workflows.TriageID(r.Alert), got.GetWorkflowId())
	require.Equal(t, "Triage", got.GetWorkflowType().GetName())
	require.Equal(t, "contain", got.GetTaskQueue().GetName())
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, got.GetWorkflowIdReusePolicy())
	var sent workflows.TriageRequest
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(got.GetInput(), &sent))
	require.Equal(t, r, sent)

	r.Alert.Key, r.Mode = "another", incident.Drill
	require.NoError(t, d.startTriage(t.Context(), r))
	require.Equal(t, "drill", f.started[1].GetTaskQueue().GetName())
	gone := &desk{client: d.client, address: d.address}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, gone.startTriage(ctx, r), "start triage/alertmanager/")
}
