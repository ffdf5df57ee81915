package e2e_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/scenario"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
)

// The command line's exit codes.
const (
	exitError    = 1
	exitConflict = 3
	exitRefused  = 4
)

// openIncident waits for its first approval, by an incident commander and a model owner, while decisions are tried on it.
const openIncident = "incident/extraction-event/credit-api"

// refusedDecisions tries decisions that must not count on the open incident, and then those that do.
func refusedDecisions(t *testing.T, s *stack.Stack) {
	ctx := bounded(t)
	// Nothing is revoked before its facts are saved, or their time is up: reporting them is quicker.
	until(t, ctx, s, openIncident, func(rec *incident.Record) bool { return open(rec, "capture-limits") })
	output, code, err := s.CLI(ctx, "task", openIncident, "capture-limits", "captured", "--as", "sven@nordwall.example")
	require.NoError(t, err)
	require.Zero(t, code, output)
	rec := until(t, ctx, s, openIncident, func(rec *incident.Record) bool { return waiting(rec) != nil })
	approval, plan := waiting(rec).Step, rec.PlanDigest
	cases := []struct {
		name               string
		person, step, plan string
		reason             string
	}{
		{"an outsider", "mallory@example.com", approval, plan, "mallory@example.com is not in the inventory"},
		{"a wrong role", "dirk@nordwall.example", approval, plan, "do-1 (DO) holds none of the roles that are still wanted: IC, MLO"},
		{"a wrong plan", "ida@nordwall.example", approval, "sha256:" + strings.Repeat("0", 64), "the decision was made on plan 000000000000; this incident's plan is "},
		{"a step that asks nobody", "ida@nordwall.example", "revoke-callers", plan, "there is no such approval"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			output, code := decide(t, ctx, s, c.step, c.person, c.plan)
			require.Equal(t, exitRefused, code, output)
			rec, err := scenario.Status(ctx, s.Client, openIncident)
			require.NoError(t, err)
			last := rec.Timeline[len(rec.Timeline)-1]
			require.Equal(t, c.step, last.Step)
			require.Contains(t, last.What, "refused a decision of "+c.person+": "+c.reason)
			require.Zero(t, waiting(rec).Granted())
			require.Empty(t, changes(s.VaultProxy, s.KubernetesProxy), "nothing that waits for the approval was done")
		})
	}
	output, code = decide(t, ctx, s, approval, "ida@nordwall.example", plan)
	require.Zero(t, code, output)
	output, code = decide(t, ctx, s, approval, "ida@nordwall.example", plan)
	require.Equal(t, exitRefused, code, output)
	require.Contains(t, output, "ic-1 has decided already")
	require.Empty(t, changes(s.VaultProxy, s.KubernetesProxy), "one of two is not enough")
	output, code = decide(t, ctx, s, approval, "mara@nordwall.example", plan)
	require.Zero(t, code, output)
	rec = until(t, ctx, s, openIncident, scenario.Settled)
	require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
	require.NotEmpty(t, changes(s.VaultProxy))
	require.NotEmpty(t, changes(s.KubernetesProxy))
	output, code = decide(t, ctx, s, approval, "ida@nordwall.example", plan)
	require.Equal(t, exitRefused, code, "what is decided stays decided: %s", output)
}

func decide(t *testing.T, ctx context.Context, s *stack.Stack, step, person, plan string) (output string, code int) {
	t.Helper()
	output, code, err := s.CLI(ctx, "approve", openIncident, step, "--as", person, "--plan", plan)
	require.NoError(t, err)
	return output, code
}

// open reports whether the task is open.
func open(rec *incident.Record, step string) bool {
	return slices.ContainsFunc(rec.Tasks, func(t incident.Task) bool { return t.Step == step && t.Status == incident.TaskOpen })
}

// waiting is the approval of containment if it waits for people, or nil.
func waiting(rec *incident.Record) *incident.Approval {
	for i := range rec.Approvals {
		if rec.Approvals[i].Step == "approve-containment" && rec.Approvals[i].Status == incident.ApprovalWaiting {
			return &rec.Approvals[i]
		}
	}
	return nil
}

// until waits for a state of an incident without playing anybody's part.
func until(t *testing.T, ctx context.Context, s *stack.Stack, id string, done func(*incident.Record) bool) *incident.Record {
	t.Helper()
	var last *incident.Record
	require.Eventually(t, func() bool {
		rec, err := scenario.Status(ctx, s.Client, id)
		if err == nil {
			last = rec
		}
		return err == nil && done(rec)
	}, patience, 50*time.Millisecond, "%s did not get there", id)
	return last
}
