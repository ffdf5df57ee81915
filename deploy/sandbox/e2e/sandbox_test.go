package e2e_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/scenario"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
)

// patience bounds one test after its stack is up. A run takes seconds; a loaded machine may need much longer.
const patience = 4 * time.Minute

// start brings up a stack of the test's own and removes it afterwards.
func start(t *testing.T) *stack.Stack {
	t.Helper()
	s, err := stack.Start(t.Context(), stack.Options{Data: t.TempDir(), Log: io.Discard})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return s
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// play runs one incident until it has settled. The timeline is shown if the test fails.
func play(t *testing.T, ctx context.Context, s *stack.Stack, kind incident.Kind, deny ...string) (*scenario.Run, *incident.Record) {
	t.Helper()
	r := post(t, ctx, s, kind)
	r.Deny = deny
	rec, err := r.Until(ctx, scenario.Settled)
	require.NoError(t, err)
	return r, rec
}

func post(t *testing.T, ctx context.Context, s *stack.Stack, kind incident.Kind) *scenario.Run {
	t.Helper()
	var timeline strings.Builder
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("\n" + timeline.String())
		}
	})
	r, err := scenario.Start(ctx, s, kind, &timeline)
	require.NoError(t, err)
	return r
}

func step(t *testing.T, rec *incident.Record, id, target string) incident.Step {
	t.Helper()
	for _, s := range rec.Steps {
		if s.ID == id && s.Target == target {
			return s
		}
	}
	require.Failf(t, "no such step", "%s on %s", id, target)
	return incident.Step{}
}

func gaps(rec *incident.Record) string { return strings.Join(rec.Gaps, "\n") }
