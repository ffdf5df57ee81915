package main

import (
	"context"
	"fmt"
	"strconv"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// The workflows that the incident is compared with. Bare runs the incident's own activities, with the same inputs and
// options; empty runs as many activities that take and return nothing, all on the workflow's own queue.
const (
	bareWorkflow  = "bare"
	emptyWorkflow = "empty"
)

// activityCall is one activity as an incident scheduled it.
type activityCall struct {
	name    string
	options workflow.ActivityOptions
	input   any
	// result makes what the activity's result is decoded into.
	result func() any
}

// inARow runs a fixed list of activities, one after the other.
type inARow struct {
	calls []activityCall
}

func (w *inARow) run(ctx workflow.Context) error {
	for _, c := range w.calls {
		if err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, c.options), c.name, c.input).Get(ctx, c.result()); err != nil {
			return err
		}
	}
	return nil
}

func nothing(context.Context) error { return nil }

func (w *inARow) runEmpty(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: runTimeout})
	for range w.calls {
		if err := workflow.ExecuteActivity(ctx, nothing).Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// bare runs one of the workflows that an incident is compared with and returns its cost.
func (b *bench) bare(workflowType string) func(context.Context) (cost, error) {
	return func(ctx context.Context) (cost, error) {
		ctx, cancel := context.WithTimeout(ctx, runTimeout)
		defer cancel()
		b.runs++
		id := workflowType + "/" + strconv.Itoa(b.runs)
		run, err := b.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: string(playbooks.ContainQueue)}, workflowType)
		if err != nil {
			return cost{}, fmt.Errorf("start %s: %w", id, err)
		}
		if err := run.Get(ctx, nil); err != nil {
			return cost{}, fmt.Errorf("run %s: %w", id, err)
		}
		return readCost(ctx, b.client, id)
	}
}

// learn runs one incident and returns the activities that it scheduled until it settled.
func (b *bench) learn(ctx context.Context) ([]activityCall, error) {
	id, err := b.settle(ctx)
	if err != nil {
		return nil, err
	}
	events, err := readHistory(ctx, b.client, id)
	if err != nil {
		return nil, err
	}
	var calls []activityCall
	for _, e := range untilSettled(events) {
		if e.GetEventType() != enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED {
			continue
		}
		c, err := asCalled(e.GetActivityTaskScheduledEventAttributes())
		if err != nil {
			return nil, err
		}
		calls = append(calls, c)
	}
	return calls, nil
}

// asCalled turns a recorded activity into the call that a workflow in plain Go would make.
func asCalled(a *history.ActivityTaskScheduledEventAttributes) (activityCall, error) {
	c := activityCall{name: a.GetActivityType().GetName(), options: workflow.ActivityOptions{
		TaskQueue: a.GetTaskQueue().GetName(), StartToCloseTimeout: a.GetStartToCloseTimeout().AsDuration(),
		HeartbeatTimeout: a.GetHeartbeatTimeout().AsDuration(), WaitForCancellation: true,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: a.GetRetryPolicy().GetInitialInterval().AsDuration(), BackoffCoefficient: a.GetRetryPolicy().GetBackoffCoefficient(),
			MaximumInterval: a.GetRetryPolicy().GetMaximumInterval().AsDuration(), MaximumAttempts: a.GetRetryPolicy().GetMaximumAttempts(),
		},
	}}
	var err error
	switch c.name {
	case playbooks.PlanActivity:
		c.input, err = decode[incident.Request](a)
		c.result = func() any { return &playbooks.Plan{} }
	case playbooks.SealActivity:
		c.input, err = decode[playbooks.SealInput](a)
		c.result = func() any { return &incident.Evidence{} }
	default:
		c.input, err = decode[playbooks.Operation](a)
		c.result = func() any { return &incident.Effect{} }
	}
	if err != nil {
		return c, fmt.Errorf("decode input of %s: %w", c.name, err)
	}
	return c, nil
}

func decode[T any](a *history.ActivityTaskScheduledEventAttributes) (T, error) {
	var v T
	err := converter.GetDefaultDataConverter().FromPayloads(a.GetInput(), &v)
	return v, err
}
