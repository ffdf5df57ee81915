package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/workflows"
)

// verbs are those that ask something of an open incident, complete as a person types them.
func verbs() map[string]string {
	i := " " + scorerIncident + " "
	return map[string]string{
		"approve": "approve" + i + "approve-rollback --as mlo-1 --plan " + testPlan, "deny": "deny" + i + "approve-rollback --as mlo-1 --plan " + testPlan,
		"close": "close" + i + "--as ic-1 --reason done", "pause": "pause" + i + "--as ic-1 --reason why", "resume": "resume" + i + "--as ic-1",
		"skip": "skip" + i + "rollback --as ic-1 --reason why", "retry": "retry" + i + "rollback --as ic-1",
		"add-target": "add-target" + i + "credit-scorer@16 --as ic-1 --reason why", "abort": "abort" + i + "--as ic-1 --reason why",
		"task": "task" + i + "confirm confirmed --as mlo-1", "end-wait": "end-wait" + i + "cool-off --as ic-1 --reason why",
		"set-anchor": "clock set-anchor" + i + "aware_at 2026-09-14T06:00:00Z --as leg-1 --reason why",
		"dismiss":    "clock dismiss" + i + "gdpr-33-1 --as leg-1 --reason why", "file": "clock file" + i + "gdpr-33-1 --reference R-1 --as leg-1",
		"acknowledge": "acknowledge" + i + "--as leg-1", "evidence access": "evidence access" + i + "--as leg-1 --reason why",
	}
}

// TestExitCodes shows that every verb ends with the codes that the long help documents.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	for name, line := range verbs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := strings.Fields(line)
			require.Equal(t, exitOK, invoke(t, desks(waitingRecord()), "", nil, args...).code)
			require.Equal(t, exitUsage, invoke(t, nil, "", nil, append(args, "--no-such-flag")...).code)
			require.Equal(t, exitUsage, invoke(t, nil, "", nil, append(args, "-o", "yaml")...).code)
			require.Equal(t, exitConflict, invoke(t, desks(), "", nil, args...).code)
			refusing := desks(waitingRecord())
			refusing.outcome = workflows.DecisionOutcome{Message: "not you"}
			got := invoke(t, refusing, "", nil, args...)
			require.Equal(t, exitRefused, got.code)
			require.Equal(t, "trigger: refused: not you\n", got.stderr)
			failing := desks(waitingRecord())
			failing.err = errors.New("connection lost")
			require.Equal(t, exitError, invoke(t, failing, "", nil, args...).code)
		})
	}
	for name, line := range map[string]string{"status": "status " + scorerIncident, "list": "list", "start": "start --kind extraction-event --asset assist-chat --as sec-1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := strings.Fields(line)
			require.Equal(t, exitOK, invoke(t, desks(waitingRecord()), "", nil, args...).code)
			require.Equal(t, exitUsage, invoke(t, nil, "", nil, append(args, "-o", "yaml")...).code)
			failing := desks(waitingRecord())
			failing.err = errors.New("connection lost")
			require.Equal(t, exitError, invoke(t, failing, "", nil, args...).code)
		})
	}
}

func TestResultsAsJSON(t *testing.T) {
	t.Parallel()
	for name, line := range verbs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append(strings.Fields(line), "-o", "json")
			for _, accepted := range []bool{true, false} {
				f := desks(waitingRecord())
				f.outcome = workflows.DecisionOutcome{Accepted: accepted, Message: "so it is"}
				got := invoke(t, f, "", nil, args...)
				var out conclusion
				require.NoError(t, json.Unmarshal([]byte(got.stdout), &out), got.stdout)
				require.Equal(t, conclusion{ID: scorerIncident, Accepted: accepted, Message: "so it is"}, out)
				require.Equal(t, accepted, got.code == exitOK)
			}
		})
	}
	got := invoke(t, desks(), "", nil, strings.Fields("start --kind extraction-event --asset assist-chat --as sec-1 -o json")...)
	require.JSONEq(t, `{"incident_id":"`+chatIncident+`","mode":"live"}`, got.stdout)
	got = invoke(t, nil, "", nil, "version", "-o", "json")
	require.True(t, json.Valid([]byte(got.stdout)))
	got = invoke(t, desks(waitingRecord()), "", nil, "approve", scorerIncident, "approve-rollback", "--as", "mlo-1", "--yes", "-o", "json")
	require.True(t, json.Valid([]byte(got.stdout)), "what is asked goes to standard error: %s", got.stdout)
	require.Contains(t, got.stderr, "APPROVE approve-rollback")
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	inv := []string{inventoryVariable + "=" + testInventory}
	short := strings.TrimPrefix(scorerIncident, "incident/")
	tests := map[string]struct {
		desk *fakeDesk
		args string
		want string
	}{
		"incident":         {desks(waitingRecord()), "status |", short + "\n"},
		"approval":         {desks(waitingRecord()), "approve " + short + " |", "approve-rollback\n"},
		"task":             {desks(workRecord()), "task " + short + " |", "confirm\nassess\n"},
		"wait":             {desks(workRecord()), "end-wait " + short + " |", "cool-off\n"},
		"step":             {desks(waitingRecord()), "retry " + short + " |", "snapshot\ndisable\nrollback\nrevoke-callers\n"},
		"clock":            {desks(workRecord()), "clock dismiss " + short + " |", "gdpr-33-1\n"},
		"anchor":           {desks(workRecord()), "clock set-anchor " + short + " |", "aware_at\n"},
		"no more":          {desks(waitingRecord()), "status " + short + " |", ":4\n"},
		"no such incident": {desks(), "approve " + short + " |", ":4\n"},
		"person":           {desks(waitingRecord()), "approve " + short + " approve-rollback --as |", "mlo-1\tMLO\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := strings.Fields(tt.args)
			args[len(args)-1] = ""
			got := invoke(t, tt.desk, "", inv, append([]string{"__complete"}, args...)...)
			require.Equal(t, exitOK, got.code, got.stderr)
			require.Contains(t, got.stdout, tt.want)
		})
	}
	require.Contains(t, invoke(t, nil, "", nil, "--help").stdout, "completion ")
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		require.Contains(t, invoke(t, nil, "", nil, "completion", shell).stdout, "trigger", shell)
	}
}

func TestColour(t *testing.T) {
	t.Parallel()
	require.True(t, colourful(true, newEnvironment(nil)))
	require.False(t, colourful(false, newEnvironment(nil)))
	require.False(t, colourful(true, newEnvironment([]string{"NO_COLOR=1"})))
	require.False(t, colourful(true, newEnvironment([]string{"TERM=dumb"})))
}
