package pending_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"firebreak/internal/incident"
	"firebreak/internal/progress"
	"firebreak/internal/progress/pending"
)

type temporal struct {
	beats []*commonpb.Payloads
	err   error
	asked int
}

func (f *temporal) DescribeWorkflowExecution(context.Context, string, string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	f.asked++
	out := &workflowservice.DescribeWorkflowExecutionResponse{}
	for _, b := range f.beats {
		out.PendingActivities = append(out.PendingActivities, &workflowpb.PendingActivityInfo{HeartbeatDetails: b})
	}
	return out, f.err
}

func beat(t *testing.T, detail any) *commonpb.Payloads {
	t.Helper()
	p, err := converter.GetDefaultDataConverter().ToPayloads(detail)
	require.NoError(t, err)
	return p
}

func record() *incident.Record {
	return &incident.Record{ID: "i", Progress: incident.Responding, Steps: []incident.Step{
		{ID: "snapshot", Target: "a", Status: incident.Running}, {ID: "snapshot", Target: "b", Status: incident.Running},
		{ID: "snapshot", Target: "c", Status: incident.Done},
	}}
}

func TestShow(t *testing.T) {
	t.Parallel()
	at := func(target string) progress.Report {
		return progress.Report{Step: "snapshot", Target: target, Stage: "copying", Objects: 3, Total: 10, Bytes: 1 << 29, Size: 1 << 30, Rate: 1 << 20}
	}
	f := &temporal{beats: []*commonpb.Payloads{beat(t, at("b")), nil, beat(t, at("c")), beat(t, "an older worker's"), beat(t, at("elsewhere"))}}
	rec := record()
	require.NoError(t, pending.Show(t.Context(), f, rec, ""))
	require.Empty(t, rec.Steps[0].HowFar)
	require.Equal(t, "copying: 3 of 10 objects, 0.5 of 1.0 GiB, 1.0 MiB/s", rec.Steps[1].HowFar)
	require.Empty(t, rec.Steps[2].HowFar, "what is done is not under way")

	require.ErrorContains(t, pending.Show(t.Context(), &temporal{err: errors.New("no connection")}, record(), ""), "no connection")
	idle, closed := record(), record()
	idle.Steps = idle.Steps[2:]
	closed.Progress = incident.Closed
	f.asked = 0
	require.NoError(t, pending.Show(t.Context(), f, idle, ""))
	require.NoError(t, pending.Show(t.Context(), f, closed, ""))
	require.Zero(t, f.asked, "nothing is under way")
}
