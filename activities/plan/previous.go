package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
)

const (
	// previousTimeout bounds the calls of Temporal; the incident is closed, so nothing is waited for.
	previousTimeout = 20 * time.Second
	// mostRecordBytes is the largest record that is returned. Temporal refuses results over 2 MiB.
	mostRecordBytes = 1 << 20
)

// history is the part of Temporal's client that reads an incident which has ended.
type history interface {
	DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error)
	GetWorkflow(ctx context.Context, workflowID, runID string) client.WorkflowRun
}

// Previous reads the records of incidents that are closed. Temporal is set once, before any activity runs.
type Previous struct {
	Temporal history
}

// Read returns the record with which the incident was closed. Whatever Temporal cannot say any more, or not yet, is a final
// error: trying again changes nothing.
func (p *Previous) Read(ctx context.Context, id string) (*incident.Record, error) {
	if !incident.IsWorkflowID(id) {
		return nil, failure.New(failure.Invalid, "read previous incident: %q is not an incident's id", id)
	}
	if p.Temporal == nil {
		return nil, errors.New("read previous incident: the worker is not connected to Temporal yet")
	}
	ctx, cancel := context.WithTimeout(ctx, previousTimeout)
	defer cancel()
	found, err := p.Temporal.DescribeWorkflowExecution(ctx, id, "")
	var gone *serviceerror.NotFound
	switch {
	case errors.As(err, &gone):
		return nil, failure.New(failure.Refused, "read previous incident %s: Temporal has it no more, because its retention is over, or never had it", id)
	case err != nil:
		return nil, fmt.Errorf("look up previous incident %s: %w", id, err)
	}
	info := found.GetWorkflowExecutionInfo()
	switch status := info.GetStatus(); status {
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:
	case enums.WORKFLOW_EXECUTION_STATUS_RUNNING, enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW, enums.WORKFLOW_EXECUTION_STATUS_PAUSED:
		return nil, failure.New(failure.Refused, "read previous incident %s: it is not closed", id)
	default:
		return nil, failure.New(failure.Refused, "read previous incident %s: it ended as %s and left no record", id, status)
	}
	var rec incident.Record
	if err := p.Temporal.GetWorkflow(ctx, id, info.GetExecution().GetRunId()).Get(ctx, &rec); err != nil {
		return nil, fmt.Errorf("read record of previous incident %s: %w", id, err)
	}
	if rec.ID != id {
		return nil, failure.New(failure.Invalid, "read previous incident %s: its result is the record of %q", id, rec.ID)
	}
	return bounded(&rec)
}

// bounded leaves out of a record that is too large what is read by people alone, and says so.
func bounded(rec *incident.Record) (*incident.Record, error) {
	size, err := sizeOf(rec)
	if err != nil || size <= mostRecordBytes {
		return rec, err
	}
	last := incident.Event{At: rec.ClosedAt, What: fmt.Sprintf("%d events and %d alerts are left out; they are in the incident's own record", len(rec.Timeline), len(rec.Alerts))}
	rec.Timeline, rec.Alerts = []incident.Event{last}, nil
	if size, err = sizeOf(rec); err == nil && size > mostRecordBytes {
		return nil, failure.New(failure.Refused, "read previous incident %s: its record has %d bytes, at most %d", rec.ID, size, mostRecordBytes)
	}
	return rec, err
}

func sizeOf(rec *incident.Record) (int, error) {
	raw, err := json.Marshal(rec)
	if err != nil {
		return 0, fmt.Errorf("measure record of %s: %w", rec.ID, err)
	}
	return len(raw), nil
}
