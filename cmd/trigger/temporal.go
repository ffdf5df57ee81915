package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

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
	client   client.Client
	address  string
	rechecks rechecks
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

// ready returns an error while Temporal cannot take alerts.
func (d *desk) ready(ctx context.Context) error {
	if _, err := d.client.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("check Temporal at %s: %w", d.address, err)
	}
	return nil
}
