package plan_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowv1 "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"firebreak/activities/failure"
	"firebreak/activities/plan"
	"firebreak/internal/incident"
)

const closedID = "incident/dataset-compromise/loan-applications@2026-07-31"

// ended is a Temporal that knows one incident.
type ended struct {
	status      enums.WorkflowExecutionStatus
	lookup, get error
	rec         incident.Record
	asked       string
}

func (e *ended) DescribeWorkflowExecution(_ context.Context, id, _ string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflowv1.WorkflowExecutionInfo{
		Status: e.status, Execution: &common.WorkflowExecution{WorkflowId: id, RunId: "run-7"}}}, e.lookup
}

func (e *ended) GetWorkflow(_ context.Context, id, run string) client.WorkflowRun {
	e.asked = id + " " + run
	return endedRun{e: e}
}

type endedRun struct {
	client.WorkflowRun
	e *ended
}

func (r endedRun) Get(_ context.Context, out any) error {
	if rec, ok := out.(*incident.Record); ok {
		*rec = r.e.rec
	}
	return r.e.get
}

func TestPrevious(t *testing.T) {
	t.Parallel()
	const completed = enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	large := incident.Record{ID: closedID, Steps: []incident.Step{{ID: "contain"}}}
	for range 100 {
		large.Timeline = append(large.Timeline, incident.Event{What: strings.Repeat("x", 20_000)})
	}
	tooLarge := incident.Record{ID: closedID, Steps: []incident.Step{{ID: "contain", Reason: strings.Repeat("x", 2<<20)}}}
	cases := []struct {
		name     string
		id       string
		temporal *ended
		wrong    string
		final    bool
	}{
		{"closed", closedID, &ended{status: completed, rec: incident.Record{ID: closedID, Steps: []incident.Step{{ID: "contain"}}}}, "", false},
		{"a long timeline", closedID, &ended{status: completed, rec: large}, "", false},
		{"too large without it", closedID, &ended{status: completed, rec: tooLarge}, "its record has 2097", true},
		{"still open", closedID, &ended{status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING}, "it is not closed", true},
		{"terminated", closedID, &ended{status: enums.WORKFLOW_EXECUTION_STATUS_TERMINATED}, "it ended as Terminated and left no record", true},
		{"forgotten", closedID, &ended{lookup: serviceerror.NewNotFound("gone")}, "its retention is over", true},
		{"Temporal is away", closedID, &ended{lookup: serviceerror.NewUnavailable("away")}, "look up previous incident", false},
		{"Temporal goes away", closedID, &ended{status: completed, get: errors.New("away")}, "read record of previous incident", false},
		{"another's record", closedID, &ended{status: completed, rec: incident.Record{ID: "incident/x/y"}}, `is the record of "incident/x/y"`, true},
		{"another workflow", "triage/alertmanager/00", &ended{status: completed}, "not an incident's id", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := (&plan.Previous{Temporal: c.temporal}).Read(t.Context(), c.id)
			if c.wrong != "" {
				require.ErrorContains(t, err, c.wrong)
				_, final := failure.CodeOf(err)
				require.Equal(t, c.final, final)
				return
			}
			require.NoError(t, err)
			require.Equal(t, closedID+" run-7", c.temporal.asked, "the run that was looked at, not a later one")
			require.Equal(t, "contain", got.Steps[0].ID)
			if len(c.temporal.rec.Timeline) > 0 {
				require.Len(t, got.Timeline, 1)
				require.Contains(t, got.Timeline[0].What, "100 events and 0 alerts are left out")
			}
		})
	}
	_, err := (&plan.Previous{}).Read(t.Context(), closedID)
	require.ErrorContains(t, err, "not connected to Temporal")
}
