package server

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"firebreak/deploy/sandbox/build"
)

func greet(_ workflow.Context, name string) (string, error) { return "hello " + name, nil }

func TestTemporalRunsAWorkflowAndKeepsItOverARestart(t *testing.T) {
	t.Parallel()
	path, began := binary(t, build.Temporal), time.Now()
	server, err := Again(func() (*Temporal, error) {
		return StartTemporal(t.Context(), path, t.TempDir(), map[string]string{"Severity": "Keyword"})
	})
	require.NoError(t, err)
	t.Logf("started in %s", time.Since(began).Round(time.Millisecond))
	stopsAtTheEnd(t, server.Process, server.Address)

	c, err := client.Dial(client.Options{HostPort: server.Address, Namespace: server.Namespace})
	require.NoError(t, err)
	defer c.Close()
	w := worker.New(c, "greetings", worker.Options{})
	w.RegisterWorkflow(greet)
	require.NoError(t, w.Start())
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: "greeting", TaskQueue: "greetings",
		TypedSearchAttributes: temporal.NewSearchAttributes(temporal.NewSearchAttributeKeyKeyword("Severity").ValueSet("high")),
	}, greet, "vault")
	require.NoError(t, err)
	var said string
	require.NoError(t, run.Get(t.Context(), &said))
	require.Equal(t, "hello vault", said)
	w.Stop()

	require.NoError(t, answersOK(&httpClient, server.UI, nil)(t.Context()))
	require.NoError(t, server.Restart(t.Context()))
	var again string
	require.NoError(t, c.GetWorkflow(t.Context(), "greeting", "").Get(t.Context(), &again))
	require.Equal(t, said, again)
}
