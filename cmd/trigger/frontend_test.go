package main

import (
	"context"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	updatepb "go.temporal.io/api/update/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

// frontend answers the calls of Temporal's API that the trigger makes.
type frontend struct {
	workflowservice.UnimplementedWorkflowServiceServer
	mu        sync.Mutex
	open      map[string]bool
	closed    map[string]bool
	signalled []*workflowservice.SignalWithStartWorkflowExecutionRequest
	started   []*workflowservice.StartWorkflowExecutionRequest
	joined    []*workflowservice.SignalWorkflowExecutionRequest
	listed    []*workflowservice.ListWorkflowExecutionsRequest
	record    *incident.Record
	// noWorker is true if nobody answers queries, ended if the run has completed with the record as its result.
	noWorker, ended bool
	updates         []*workflowservice.UpdateWorkflowExecutionRequest
	outcome         workflows.DecisionOutcome
}

// wire is an error as Temporal sends it.
func wire(err error) error { return serviceerror.ToStatus(err).Err() }

func (f *frontend) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (f *frontend) SignalWithStartWorkflowExecution(_ context.Context, r *workflowservice.SignalWithStartWorkflowExecutionRequest) (*workflowservice.SignalWithStartWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed[r.GetWorkflowId()] {
		if r.GetWorkflowIdReusePolicy() != enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE {
			return nil, wire(serviceerror.NewInvalidArgument("this fake knows no other policy"))
		}
		return nil, wire(serviceerror.NewWorkflowExecutionAlreadyStarted("Workflow execution already finished.", "", "run"))
	}
	started := !f.open[r.GetWorkflowId()]
	f.open[r.GetWorkflowId()] = true
	f.signalled = append(f.signalled, r)
	return &workflowservice.SignalWithStartWorkflowExecutionResponse{RunId: "run", Started: started}, nil
}

func (f *frontend) SignalWorkflowExecution(_ context.Context, r *workflowservice.SignalWorkflowExecutionRequest) (*workflowservice.SignalWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.open[r.GetWorkflowExecution().GetWorkflowId()] {
		return nil, wire(serviceerror.NewNotFound("workflow not found"))
	}
	f.joined = append(f.joined, r)
	return &workflowservice.SignalWorkflowExecutionResponse{}, nil
}

func (f *frontend) StartWorkflowExecution(_ context.Context, r *workflowservice.StartWorkflowExecutionRequest) (*workflowservice.StartWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[r.GetWorkflowId()] {
		return nil, wire(serviceerror.NewWorkflowExecutionAlreadyStarted("already started", "", "run"))
	}
	f.open[r.GetWorkflowId()] = true
	f.started = append(f.started, r)
	return &workflowservice.StartWorkflowExecutionResponse{RunId: "run"}, nil
}

func (f *frontend) QueryWorkflow(_ context.Context, r *workflowservice.QueryWorkflowRequest) (*workflowservice.QueryWorkflowResponse, error) {
	if f.record == nil || f.record.ID != r.GetExecution().GetWorkflowId() {
		return nil, wire(serviceerror.NewNotFound("workflow not found"))
	}
	if f.noWorker {
		return nil, wire(serviceerror.NewFailedPrecondition("no poller has been seen recently"))
	}
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(f.record)
	return &workflowservice.QueryWorkflowResponse{QueryResult: payloads}, err
}

func (f *frontend) ListWorkflowExecutions(_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listed = append(f.listed, r)
	info := func(id string) *workflowpb.WorkflowExecutionInfo {
		return &workflowpb.WorkflowExecutionInfo{
			Execution: &commonpb.WorkflowExecution{WorkflowId: id, RunId: "run"}, Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
		}
	}
	if len(r.GetNextPageToken()) == 0 {
		return &workflowservice.ListWorkflowExecutionsResponse{
			Executions: []*workflowpb.WorkflowExecutionInfo{info(loanIncident), info("somebody-elses")}, NextPageToken: []byte("2"),
		}, nil
	}
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflowpb.WorkflowExecutionInfo{info("incident/extraction-event/credit-api")}}, nil
}

func (f *frontend) DescribeWorkflowExecution(_ context.Context, r *workflowservice.DescribeWorkflowExecutionRequest) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id := r.GetExecution().GetWorkflowId(); f.record == nil && !f.open[id] && !f.closed[id] {
		return nil, wire(serviceerror.NewNotFound("workflow not found"))
	}
	info := &workflowpb.WorkflowExecutionInfo{Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}
	if f.ended {
		info.Status = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: info}, nil
}

func (f *frontend) GetWorkflowExecutionHistory(context.Context, *workflowservice.GetWorkflowExecutionHistoryRequest) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(f.record)
	return &workflowservice.GetWorkflowExecutionHistoryResponse{History: &historypb.History{Events: []*historypb.HistoryEvent{{
		EventId: 9, EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
		Attributes: &historypb.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
			WorkflowExecutionCompletedEventAttributes: &historypb.WorkflowExecutionCompletedEventAttributes{Result: payloads},
		},
	}}}}, err
}

func (f *frontend) UpdateWorkflowExecution(_ context.Context, r *workflowservice.UpdateWorkflowExecutionRequest) (*workflowservice.UpdateWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.open[r.GetWorkflowExecution().GetWorkflowId()] {
		return nil, wire(serviceerror.NewNotFound("workflow execution already completed"))
	}
	f.updates = append(f.updates, r)
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(f.outcome)
	return &workflowservice.UpdateWorkflowExecutionResponse{
		UpdateRef: &updatepb.UpdateRef{WorkflowExecution: r.GetWorkflowExecution(), UpdateId: r.GetRequest().GetMeta().GetUpdateId()},
		Stage:     enumspb.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED,
		Outcome:   &updatepb.Outcome{Value: &updatepb.Outcome_Success{Success: payloads}},
	}, err
}

// newFrontend serves a frontend and returns a desk that is connected to it as the program connects.
func newFrontend(t *testing.T) (*frontend, *desk) {
	t.Helper()
	f := &frontend{open: map[string]bool{}, closed: map[string]bool{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, f)
	alive := health.NewServer()
	alive.SetServingStatus("temporal.api.workflowservice.v1.WorkflowService", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, alive)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	conn, err := dialTemporal(t.Context(), temporalEnvironment(t, l.Addr().String()))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return f, conn.(*desk)
}

func temporalEnvironment(t *testing.T, address string) environment {
	t.Helper()
	return newEnvironment([]string{"TEMPORAL_ADDRESS=" + address, "TEMPORAL_CONFIG_FILE=" + filepath.Join(t.TempDir(), "absent")})
}
