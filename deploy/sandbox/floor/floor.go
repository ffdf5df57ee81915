// Package floor measures what Temporal itself costs: a bare workflow that runs a number of no-op activities in a row, on
// the same server and the same machine as the incident it is compared with.
package floor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// queue is the floor's own task queue.
const queue = "floor"

func nothing(context.Context) error { return nil }

func inARow(ctx workflow.Context, activities int) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	for range activities {
		if err := workflow.ExecuteActivity(ctx, nothing).Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// Measure runs the bare workflow rounds times and returns the median duration.
func Measure(ctx context.Context, c client.Client, activities, rounds int) (time.Duration, error) {
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflow(inARow)
	w.RegisterActivity(nothing)
	if err := w.Start(); err != nil {
		return 0, fmt.Errorf("start floor worker: %w", err)
	}
	defer w.Stop()
	times := make([]time.Duration, 0, rounds)
	for range rounds {
		began := time.Now()
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: queue}, inARow, activities)
		if err != nil {
			return 0, fmt.Errorf("start floor workflow: %w", err)
		}
		if err := run.Get(ctx, nil); err != nil {
			return 0, fmt.Errorf("run floor workflow: %w", err)
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// Activities counts the activities that a workflow has scheduled.
func Activities(ctx context.Context, c client.Client, id string) (int, error) {
	events := c.GetWorkflowHistory(ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	n := 0
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return 0, fmt.Errorf("read history of %s: %w", id, err)
		}
		if e.GetEventType() == enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED {
			n++
		}
	}
	return n, nil
}
