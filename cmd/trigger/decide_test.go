package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/workflows"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	decide := func(verb, rest string) string {
		return verb + " " + scorerIncident + " approve-rollback --as mlo-1 " + rest
	}
	refusal := workflows.DecisionOutcome{Message: "the plan has changed since: look at it again"}
	yes := workflows.DecisionOutcome{Accepted: true, Message: "recorded: 2 of 2"}
	tests := map[string]struct {
		args    string
		outcome workflows.DecisionOutcome
		code    int
		text    string
		sent    *workflows.DecideApproval
	}{
		"approve the plan seen": {decide("approve", "--plan sha256:seen --comment checked"), yes, exitOK, "recorded: 2 of 2\n",
			&workflows.DecideApproval{Approve: true, PlanDigest: "sha256:seen", Comment: "checked"}},
		"approve as it is": {decide("approve", "--yes"), yes, exitOK, "unlocks   checkpoint.rollback on credit-api",
			&workflows.DecideApproval{Approve: true, PlanDigest: testPlan}},
		"deny": {decide("deny", "--yes"), yes, exitOK, "DENY approve-rollback of " + scorerIncident + " as mlo-1", &workflows.DecideApproval{PlanDigest: testPlan}},
		"refused": {decide("approve", "--plan sha256:old"), refusal, exitRefused, "trigger: refused: the plan has changed since",
			&workflows.DecideApproval{Approve: true, PlanDigest: "sha256:old"}},
		"decided already": {"approve " + scorerIncident + " approve-notice --as mlo-1 --yes", yes, exitConflict,
			`step "approve-notice" of ` + scorerIncident + " does not wait for approval; waiting: approve-rollback", nil},
		"nothing waits":    {"approve " + loanIncident + " approve-rollback --as mlo-1 --yes", yes, exitConflict, "has nothing that waits for approval", nil},
		"no such incident": {"approve " + chatIncident + " x --as mlo-1 --yes", yes, exitConflict, "there is no open incident " + chatIncident, nil},
		"gone since":       {"approve " + chatIncident + " x --as mlo-1 --plan sha256:seen", yes, exitConflict, "there is no open incident " + chatIncident, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := desks(waitingRecord(), containedRecord())
			f.outcome = tt.outcome
			got := invoke(t, f, "", nil, strings.Fields(tt.args)...)
			require.Equal(t, tt.code, got.code, got.stderr)
			require.Contains(t, got.stdout+got.stderr, tt.text)
			if tt.sent == nil {
				require.Empty(t, f.decided)
				return
			}
			tt.sent.Step, tt.sent.Person, tt.sent.Via = "approve-rollback", "mlo-1", "cli"
			require.Equal(t, []workflows.DecideApproval{*tt.sent}, f.decided)
		})
	}
}

func TestConfirmAsks(t *testing.T) {
	t.Parallel()
	for answer, agreed := range map[string]bool{"yes\n": true, "YES\n": true, "yes": true, "y\n": false, "no\n": false, "\n": false, "": false} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			var stdout strings.Builder
			a := &app{stdin: strings.NewReader(answer), stdout: &stdout}
			plan, err := a.confirm(t.Context(), desks(waitingRecord()), scorerIncident, workflows.DecideApproval{Step: "approve-rollback", Approve: true}, decideFlags{})
			require.Contains(t, stdout.String(), "Type yes to go on: ")
			require.Contains(t, stdout.String(), testPlan, "the digest is shown before it is agreed to")
			if agreed {
				require.NoError(t, err)
				require.Equal(t, testPlan, plan)
				return
			}
			var e *exit
			require.ErrorAs(t, err, &e)
			require.Equal(t, exitRefused, e.code)
			require.Empty(t, plan)
		})
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	f := desks(waitingRecord())
	got := invoke(t, f, "", nil, "close", scorerIncident, "--as", "ic-1", "--reason", "load test", "--false-positive")
	require.Equal(t, exitOK, got.code, got.stderr)
	require.Equal(t, []workflows.CloseIncident{{Person: "ic-1", FalsePositive: true, Reason: "load test", Via: "cli"}}, f.finished)

	f = desks(waitingRecord())
	f.outcome = workflows.DecisionOutcome{Message: "only an incident commander may close"}
	got = invoke(t, f, "", nil, "close", "backdoor-discovery/credit-scorer@17", "--as", "do-1", "--reason", "done")
	require.Equal(t, exitRefused, got.code)
	require.Contains(t, got.stderr, "only an incident commander may close")

	got = invoke(t, desks(), "", nil, "close", chatIncident, "--as", "ic-1", "--reason", "done")
	require.Equal(t, exitConflict, got.code)
}
