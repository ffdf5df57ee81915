package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

const (
	// dialTimeout bounds how long a person waits to hear that Temporal is not there.
	dialTimeout = 5 * time.Second
	// workflowTaskTimeout is how soon another worker takes over from one that died while deciding; the default is 10 s.
	workflowTaskTimeout = 5 * time.Second
)

// desk is firebreak's side of a Temporal client.
type desk struct {
	client  client.Client
	address string
}

// Close ends the connection.
func (d *desk) Close() { d.client.Close() }

// temporalOptions reads the connection settings as Temporal's own tools do.
func temporalOptions(env environment, logger *slog.Logger) (client.Options, error) {
	opts, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: env})
	if err != nil {
		return opts, fmt.Errorf("read Temporal's connection settings (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, "+
			"TEMPORAL_TLS_*, or the file that TEMPORAL_CONFIG_FILE names): %w", err)
	}
	opts.HostPort = cmp.Or(opts.HostPort, client.DefaultHostPort)
	opts.Logger = log.NewStructuredLogger(logger)
	opts.ConnectionOptions.DialOptions = append(opts.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(noteStarted))
	return opts, nil
}

// dialTemporal connects for a verb of the operator.
func dialTemporal(ctx context.Context, env environment) (connection, error) {
	opts, err := temporalOptions(env, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := client.DialContext(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("connect to Temporal at %s (TEMPORAL_ADDRESS sets the address): %w", opts.HostPort, err)
	}
	return &desk{client: c, address: opts.HostPort}, nil
}

// lazyTemporal makes a desk that connects on first use, so that the service comes up while Temporal is away.
func lazyTemporal(env environment, logger *slog.Logger) (*desk, error) {
	opts, err := temporalOptions(env, logger)
	if err != nil {
		return nil, err
	}
	c, err := client.NewLazyClient(opts)
	if err != nil {
		return nil, fmt.Errorf("use Temporal's connection settings for %s (TEMPORAL_ADDRESS): %w", opts.HostPort, err)
	}
	return &desk{client: c, address: opts.HostPort}, nil
}

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

// options are those of every incident, however it is started.
func options(id string, mode incident.Mode) client.StartWorkflowOptions {
	// Incidents outrank drills in the backlog; 3 is Temporal's default.
	priority := 1
	if mode == incident.Drill {
		priority = 5
	}
	return client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.TaskQueue(mode), WorkflowTaskTimeout: workflowTaskTimeout,
		Priority: temporal.Priority{PriorityKey: priority},
	}
}

// startOrJoin returns once the alert is durably in Temporal: as the start of the requested incident, or as a signal to the
// open one.
func (d *desk) startOrJoin(ctx context.Context, a incident.Alert, r incident.Request) (started bool, err error) {
	opts := options(incident.WorkflowID(r.Kind, r.Asset, ""), r.Mode)
	opts.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	ctx = context.WithValue(ctx, startedKey{}, &started)
	_, err = d.client.SignalWithStartWorkflow(ctx, opts.ID, workflows.AlertSignal, a, opts, workflows.WorkflowType(r.Kind), r)
	if err != nil {
		return false, fmt.Errorf("signal with start %s at %s: %w", opts.ID, d.address, err)
	}
	return started, nil
}

// join signals the open incident and starts none; it reports false if none is open.
func (d *desk) join(ctx context.Context, a incident.Alert) (open bool, err error) {
	id := incident.WorkflowID(a.Kind, a.Asset, "")
	err = d.client.SignalWorkflow(ctx, id, "", workflows.AlertSignal, a)
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("signal %s at %s: %w", id, d.address, err)
	}
	return true, nil
}

// triage returns once the workflow that pages a person is durably started. The same alert is paged once: that it is started
// already, or was, is as good.
func (d *desk) triage(ctx context.Context, r workflows.TriageRequest) error {
	opts := options(workflows.TriageID(r.Alert), r.Mode)
	opts.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	opts.WorkflowExecutionErrorWhenAlreadyStarted = true
	_, err := d.client.ExecuteWorkflow(ctx, opts, workflows.TriageWorkflow, r)
	var already *serviceerror.WorkflowExecutionAlreadyStarted
	if err != nil && !errors.As(err, &already) {
		return fmt.Errorf("start %s at %s: %w", opts.ID, d.address, err)
	}
	return nil
}

// ready returns an error while Temporal cannot take alerts.
func (d *desk) ready(ctx context.Context) error {
	if _, err := d.client.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("check Temporal at %s: %w", d.address, err)
	}
	return nil
}
