package server

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"firebreak/deploy/sandbox/process"
)

// Temporal is a running Temporal server with its web UI.
type Temporal struct {
	*process.Process
	// Address is the frontend's host:port, for TEMPORAL_ADDRESS.
	Address string
	// Namespace is the one it creates, for TEMPORAL_NAMESPACE.
	Namespace string
	// UI is the URL of the web UI.
	UI string
}

// StartTemporal starts binary, a Temporal CLI, as a server whose state is a
// SQLite file in data: it survives a Restart. searchAttributes are registered
// in the namespace, name to type, such as "Severity" to "Keyword".
func StartTemporal(ctx context.Context, binary, data string, searchAttributes map[string]string) (*Temporal, error) {
	data, err := makeFolders(data)
	if err != nil {
		return nil, err
	}
	ports, err := process.FreePorts(4)
	if err != nil {
		return nil, err
	}
	t := &Temporal{
		Address:   fmt.Sprintf("127.0.0.1:%d", ports[0]),
		Namespace: client.DefaultNamespace,
		UI:        fmt.Sprintf("http://127.0.0.1:%d", ports[1]),
	}
	t.Process, err = process.Start(ctx, process.Command{
		Name: "Temporal", Path: binary, Args: temporalArguments(data, ports, searchAttributes),
		Env: process.BaseEnv(data), Dir: data, LogFile: filepath.Join(data, "temporal.log"),
		Ready: t.ready,
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

func temporalArguments(data string, ports []int, searchAttributes map[string]string) []string {
	args := []string{
		"server", "start-dev", "--ip", "127.0.0.1", "--ui-ip", "127.0.0.1", "--headless=false",
		"--port", strconv.Itoa(ports[0]), "--ui-port", strconv.Itoa(ports[1]),
		"--http-port", strconv.Itoa(ports[2]), "--metrics-port", strconv.Itoa(ports[3]),
		"--log-level", "warn",
		// Without these two, a file database does 3 to 8 workflows a second.
		"--db-filename", filepath.Join(data, "temporal.db"),
		"--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1",
		// A dev server has one history shard, and 20 polls a second of it cost
		// every hop from one task to the next some 50 ms.
		"--dynamic-config-value", "history.transferProcessorMaxPollRPS=5000",
		// With four partitions, a task now and then waits two seconds in one
		// that no worker is polling.
		"--dynamic-config-value", "matching.numTaskqueueReadPartitions=1",
		"--dynamic-config-value", "matching.numTaskqueueWritePartitions=1",
	}
	attributes := make([]string, 0, len(searchAttributes))
	for name, kind := range searchAttributes {
		attributes = append(attributes, name+"="+kind)
	}
	slices.Sort(attributes)
	for _, attribute := range attributes {
		args = append(args, "--search-attribute", attribute)
	}
	return args
}

// ready dials, which checks the frontend's health, and counts the workflows
// of the namespace, which is created a moment after the frontend answers.
func (t *Temporal) ready(ctx context.Context) error {
	c, err := client.DialContext(ctx, client.Options{
		HostPort: t.Address, Namespace: t.Namespace,
		Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return fmt.Errorf("dial Temporal: %w", err)
	}
	defer c.Close()
	if _, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: t.Namespace}); err != nil {
		return fmt.Errorf("count workflows: %w", err)
	}
	return nil
}
