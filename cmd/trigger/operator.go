package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"firebreak/internal/incident"
	"firebreak/internal/progress/pending"
	"firebreak/workflows"
)

// operator is what a person can do with incidents.
type operator interface {
	// start opens an incident; errOpen means that it is open already.
	start(ctx context.Context, id string, r incident.Request) error
	// record returns the state of a run; an empty run is the newest. errNone means that there is no such incident.
	record(ctx context.Context, id, run string) (*incident.Record, error)
	// list returns the runs of incidents, newest first.
	list(ctx context.Context, all bool) ([]listed, error)
	// decide and finish send a decision and wait for what came of it. errNone means that the incident is not open.
	decide(ctx context.Context, id string, d workflows.DecideApproval) (workflows.DecisionOutcome, error)
	finish(ctx context.Context, id string, c workflows.CloseIncident) (workflows.DecisionOutcome, error)
	// steer sends one of the updates that take a workflows.Steer.
	steer(ctx context.Context, id, update string, s workflows.Steer) (workflows.DecisionOutcome, error)
	// access records that evidence of an incident was handled, whether it is open or closed.
	access(ctx context.Context, id string, mode incident.Mode, s workflows.Steer) (workflows.DecisionOutcome, error)
}

var (
	errOpen = errors.New("incident is already open")
	errNone = errors.New("no such incident")
)

// listed is one run of an incident as Temporal's visibility knows it.
type listed struct {
	id, run string
	started time.Time
	// status is Temporal's word for the run, in lower case.
	status string
}

const (
	queryTimeout  = 5 * time.Second
	updateTimeout = 30 * time.Second
	// listLimit bounds what list shows; more than this is a job for Temporal's own tools.
	listLimit = 200
)

func (d *desk) start(ctx context.Context, id string, r incident.Request) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	opts := options(id, r.Mode)
	opts.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL
	opts.WorkflowExecutionErrorWhenAlreadyStarted = true
	_, err := d.client.ExecuteWorkflow(ctx, opts, workflows.WorkflowType(r.Kind), r)
	var already *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &already) {
		return errOpen
	}
	if err != nil {
		return fmt.Errorf("start %s at %s: %w", id, d.address, err)
	}
	return nil
}

func (d *desk) record(ctx context.Context, id, run string) (*incident.Record, error) {
	query, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var r incident.Record
	value, err := d.client.QueryWorkflow(query, id, run, workflows.StatusQuery)
	if err == nil {
		if err = value.Get(&r); err != nil {
			return nil, fmt.Errorf("read the record of %s: %w", id, err)
		}
		_ = pending.Show(ctx, d.client, &r, run) // a status without it is better than none
		return &r, nil
	}
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return nil, errNone
	}
	if d.result(ctx, id, run, &r) {
		return &r, nil
	}
	var late *serviceerror.DeadlineExceeded
	var nobody *serviceerror.FailedPrecondition
	if errors.As(err, &late) || errors.As(err, &nobody) || errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("ask %s for its status: no worker answered, is one running?: %w", id, err)
	}
	return nil, fmt.Errorf("ask %s for its status: %w", id, err)
}

// result reads the record of a run that has ended: it is the workflow's result and needs no worker.
func (d *desk) result(ctx context.Context, id, run string, r *incident.Record) bool {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	info, err := d.client.DescribeWorkflowExecution(ctx, id, run)
	if err != nil || info.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		return false
	}
	return d.client.GetWorkflow(ctx, id, run).Get(ctx, r) == nil
}

func (d *desk) list(ctx context.Context, all bool) ([]listed, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	types := []string{"'" + workflows.CustomWorkflow + "'"}
	for _, k := range incident.Kinds() {
		types = append(types, "'"+workflows.WorkflowType(k)+"'")
	}
	query := "WorkflowType IN (" + strings.Join(types, ", ") + ")"
	if !all {
		query += " AND ExecutionStatus = 'Running'"
	}
	var out []listed
	var page []byte
	for len(out) < listLimit {
		answer, err := d.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, NextPageToken: page})
		if err != nil {
			return nil, fmt.Errorf("list incidents at %s: %w", d.address, err)
		}
		for _, e := range answer.GetExecutions() {
			if !incident.IsWorkflowID(e.GetExecution().GetWorkflowId()) {
				continue
			}
			out = append(out, listed{
				id: e.GetExecution().GetWorkflowId(), run: e.GetExecution().GetRunId(),
				started: e.GetStartTime().AsTime(), status: strings.ToLower(e.GetStatus().String()),
			})
		}
		if page = answer.GetNextPageToken(); len(page) == 0 {
			break
		}
	}
	return out[:min(len(out), listLimit)], nil
}

func (d *desk) decide(ctx context.Context, id string, decision workflows.DecideApproval) (workflows.DecisionOutcome, error) {
	return d.update(ctx, id, workflows.DecideApprovalUpdate, decision)
}

func (d *desk) finish(ctx context.Context, id string, closing workflows.CloseIncident) (workflows.DecisionOutcome, error) {
	return d.update(ctx, id, workflows.CloseIncidentUpdate, closing)
}

func (d *desk) steer(ctx context.Context, id, update string, s workflows.Steer) (workflows.DecisionOutcome, error) {
	return d.update(ctx, id, update, s)
}

// update waits until the incident has answered: only then is a decision in history.
func (d *desk) update(ctx context.Context, id, name string, arg any) (workflows.DecisionOutcome, error) {
	ctx, cancel := context.WithTimeout(ctx, updateTimeout)
	defer cancel()
	var out workflows.DecisionOutcome
	handle, err := d.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: name, UpdateID: updateID(ctx), Args: []any{arg}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, &out)
	}
	var missing *serviceerror.NotFound
	switch {
	case err == nil:
		return out, nil
	case errors.As(err, &missing):
		return out, errNone
	case ctx.Err() != nil:
		return out, fmt.Errorf("send %s to %s: no answer in %s, so it may or may not be recorded; look at its status before trying again: %w",
			name, id, updateTimeout, err)
	}
	return out, fmt.Errorf("send %s to %s: %w", name, id, err)
}
