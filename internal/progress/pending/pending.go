// Package pending reads from Temporal how far the activities are that an incident waits for: the details of their latest
// heartbeats. The incident's workflow knows nothing of them, so that they are put into its record by whoever shows it.
package pending

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"firebreak/internal/incident"
	"firebreak/internal/progress"
)

// timeout bounds the call: a status is shown without progress rather than late.
const timeout = 2 * time.Second

// Describer is the part of Temporal's client that knows of running activities.
type Describer interface {
	DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error)
}

// Show puts into the record how far its running steps are. An empty run is the newest. An error leaves the record as it is.
func Show(ctx context.Context, d Describer, rec *incident.Record, run string) error {
	if !running(rec) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err := d.DescribeWorkflowExecution(ctx, rec.ID, run)
	if err != nil {
		return fmt.Errorf("ask how far %s is: %w", rec.ID, err)
	}
	for _, a := range answer.GetPendingActivities() {
		var r progress.Report
		if a.GetHeartbeatDetails() == nil || converter.GetDefaultDataConverter().FromPayloads(a.GetHeartbeatDetails(), &r) != nil {
			continue // it counts nothing, or is a worker's of another version
		}
		for i := range rec.Steps {
			if s := &rec.Steps[i]; s.ID == r.Step && s.Target == r.Target && s.Status == incident.Running {
				s.HowFar = r.String()
			}
		}
	}
	return nil
}

func running(rec *incident.Record) bool {
	if rec.Progress == incident.Closed {
		return false
	}
	for i := range rec.Steps {
		if rec.Steps[i].Status == incident.Running {
			return true
		}
	}
	return false
}
