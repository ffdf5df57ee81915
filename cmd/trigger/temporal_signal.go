package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

// startedKey finds in a call's context the place where noteStarted leaves its finding.
type startedKey struct{}

// noteStarted reads from Temporal's answer whether signal-with-start started a run or signalled the open one. The SDK
// drops that field, and a second call to find out would be slower and could be wrong by then.
func noteStarted(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	err := invoke(ctx, method, req, reply, cc, opts...)
	answer, ok := reply.(*workflowservice.SignalWithStartWorkflowExecutionResponse)
	if note, asked := ctx.Value(startedKey{}).(*bool); err == nil && ok && asked {
		*note = answer.GetStarted()
	}
	return err
}

// signal delivers a batch: it pages a person, starts or joins an incident, or only joins one.
func (d *desk) signal(ctx context.Context, b batch) (receipt, error) {
	switch {
	case b.triage != nil:
		return receipt{outcome: outcomeTriaged}, d.startTriage(ctx, *b.triage)
	case b.request != nil:
		id, started, err := d.startOrJoin(ctx, *b.request, b.alerts)
		if started {
			return receipt{incidentID: id, outcome: outcomeStarted}, err
		}
		return receipt{incidentID: id, outcome: outcomeJoined}, err
	}
	id, open, err := d.join(ctx, b.alerts)
	if !open {
		return receipt{outcome: outcomeNoOpenIncident}, err
	}
	return receipt{incidentID: id, outcome: outcomeJoined}, err
}

// incidentOf is the id of the nth incident of a kind and an asset: those after the first check again what was closed.
func incidentOf(kind incident.Kind, asset string, n int) string {
	if n == 0 {
		return incident.WorkflowID(kind, asset, "")
	}
	return incident.WorkflowID(kind, asset, "recheck-"+strconv.Itoa(n))
}

// startOrJoin returns once the alerts are durably in Temporal: as the start of the requested incident, or as a signal to the
// open one. If the incident is closed, its containment is in doubt, and a recheck is started or joined.
func (d *desk) startOrJoin(ctx context.Context, r incident.Request, alerts incident.AlertBatch) (id string, started bool, err error) {
	base := incidentOf(r.Kind, r.Asset, 0)
	newest := d.rechecks.newest(base)
	for n := newest; ; n++ {
		id = incidentOf(r.Kind, r.Asset, n)
		if r.Recheck = ""; n > 0 {
			r.Recheck = incidentOf(r.Kind, r.Asset, n-1)
		}
		started, closed, err := d.signalWithStart(ctx, id, r, alerts)
		if err != nil {
			return "", false, err
		}
		if !closed {
			d.rechecks.note(base, n)
			return id, started, nil
		}
		if n == newest && n > 0 {
			// Somebody may have started the first one again by hand: look at all of them.
			newest, n = 0, -1
		}
	}
}

// signalWithStart reports closed, and delivers nothing, if the incident has ended.
func (d *desk) signalWithStart(ctx context.Context, id string, r incident.Request, alerts incident.AlertBatch) (started, closed bool, err error) {
	opts := options(id, r.Mode)
	opts.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	opts.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	ctx = context.WithValue(ctx, startedKey{}, &started)
	_, err = d.client.SignalWithStartWorkflow(ctx, id, workflows.AlertsSignal, alerts, opts, workflows.WorkflowType(r.Kind), r)
	var ended *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &ended) {
		return false, true, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("signal with start %s at %s: %w", id, d.address, err)
	}
	return started, false, nil
}

// join signals the newest open incident and starts none; it reports false if none is open.
func (d *desk) join(ctx context.Context, alerts incident.AlertBatch) (id string, open bool, err error) {
	first := alerts.Alerts[0]
	newest := d.rechecks.newest(incidentOf(first.Kind, first.Asset, 0))
	for n := newest; ; n++ {
		id = incidentOf(first.Kind, first.Asset, n)
		err := d.client.SignalWorkflow(ctx, id, "", workflows.AlertsSignal, alerts)
		var missing *serviceerror.NotFound
		if err == nil {
			return id, true, nil
		}
		if !errors.As(err, &missing) {
			return "", false, fmt.Errorf("signal %s at %s: %w", id, d.address, err)
		}
		// The answer is the same for an incident that is closed and one that never was.
		_, err = d.client.DescribeWorkflowExecution(ctx, id, "")
		if errors.As(err, &missing) {
			return "", false, nil
		}
		if err != nil {
			return "", false, fmt.Errorf("look for %s at %s: %w", id, d.address, err)
		}
		if n == newest && n > 0 {
			newest, n = 0, -1
		}
	}
}

// startTriage returns once a person is going to be paged for the alert. The same alert is paged once.
func (d *desk) startTriage(ctx context.Context, r workflows.TriageRequest) error {
	opts := options(workflows.TriageID(r.Alert), r.Mode)
	opts.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	opts.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	if _, err := d.client.ExecuteWorkflow(ctx, opts, workflows.TriageWorkflow, r); err != nil {
		return fmt.Errorf("start %s at %s: %w", opts.ID, d.address, err)
	}
	return nil
}
