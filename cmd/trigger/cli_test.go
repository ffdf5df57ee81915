package main

import (
	"encoding/json"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

const (
	scorerIncident = "incident/backdoor-discovery/credit-scorer@17"
	chatIncident   = "incident/extraction-event/assist-chat"
)

func desks(records ...*incident.Record) *fakeDesk {
	f := &fakeDesk{records: map[string]*incident.Record{}, outcome: workflows.DecisionOutcome{Accepted: true, Message: "recorded"}}
	for _, r := range records {
		f.records[r.ID] = r
		f.runs = append(f.runs, listed{id: r.ID, run: "run-1", started: r.OpenedAt, status: "running"})
	}
	return f
}

func TestUsageErrorsNeverConnect(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args string
		text string
	}{
		"unknown verb":        {"contain", "unknown command"},
		"unknown flag":        {"status --wach", "unknown flag: --wach"},
		"two incidents":       {"status a b", "accepts at most 1 arg"},
		"not an incident":     {"status credit-api", `incident "credit-api": want incident/KIND/ASSET`},
		"no asset":            {"status extraction-event/", "want incident/KIND/ASSET"},
		"bad output":          {"status -o yaml", `--output "yaml": want table or json`},
		"bad list output":     {"list -o yaml", "want table or json"},
		"start without kind":  {"start --asset credit-api --as sec-1", `required flag(s) "kind" not set`},
		"start bad kind":      {"start --kind extraction --asset credit-api --as sec-1", `--kind: unknown incident kind "extraction" (known: backdoor-discovery`},
		"start empty asset":   {"start --kind extraction-event --asset= --as sec-1", "--asset"},
		"start, bad severity": {"start --kind extraction-event --asset credit-api --as sec-1 --severity high", `--severity "high": want one of SEV1, SEV2`},
		"start, over certain": {"start --kind extraction-event --asset credit-api --as sec-1 --confidence 95", "--confidence 95: want a number from 0 to 1"},
		"start, bad time":     {"start --kind backdoor-discovery --asset credit-api --as sec-1 --compromised-since yesterday", `--compromised-since "yesterday": want a time such as`},
		"start, bad facet":    {"start --kind extraction-event --asset credit-api --as sec-1 --facet all", `--facet "all": want one of integrity, `},
		"start bad mode":      {"start --kind extraction-event --asset credit-api --as sec-1 --mode dry", `--mode "dry"`},
		"approve without as":  {"approve extraction-event/credit-api rollback", `required flag(s) "as" not set`},
		"approve no step":     {"approve extraction-event/credit-api --as mlo-1", "accepts 2 arg(s), received 1"},
		"approve unseen":      {"approve extraction-event/credit-api rollback --as mlo-1", "standard input is not a terminal: give --plan"},
		"close without why":   {"close extraction-event/credit-api --as ic-1", `required flag(s) "reason" not set`},
		"close, empty reason": {"close extraction-event/credit-api --as ic-1 --reason=", "--reason is empty"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, nil, "", nil, strings.Fields(tt.args)...)
			require.Equal(t, exitUsage, got.code)
			require.Contains(t, got.stderr, tt.text)
			require.Contains(t, got.stderr, "--help'.")
			require.Empty(t, got.stdout)
		})
	}
}

func TestHelpDocumentsExitCodesAndExamples(t *testing.T) {
	t.Parallel()
	got := invoke(t, nil, "", nil, "--help")
	require.Equal(t, exitOK, got.code)
	for _, text := range []string{"3  conflict", "4  refused", "TEMPORAL_ADDRESS"} {
		require.Contains(t, got.stdout, text)
	}
	for _, verb := range []string{
		"serve", "start", "status", "list", "approve", "deny", "close", "pause", "resume", "skip", "retry", "add-target", "abort", "task", "end-wait",
		"clock set-anchor", "clock dismiss", "clock file", "acknowledge",
		"playbook validate", "playbook plan", "playbook render", "playbook graph", "playbook list", "playbook schema", "route test", "route validate",
	} {
		require.Contains(t, invoke(t, nil, "", nil, append(strings.Fields(verb), "--help")...).stdout, "Examples:\n  ", verb)
	}
	require.Contains(t, invoke(t, nil, "", nil, "version").stdout, "trigger ")
}

func TestTemporalAwayIsNamed(t *testing.T) {
	t.Parallel()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := gone.Addr().String()
	require.NoError(t, gone.Close())
	var stdout, stderr strings.Builder
	code := run(t.Context(), []string{"list"}, strings.NewReader(""), &stdout, &stderr,
		[]string{"TEMPORAL_ADDRESS=" + address, "TEMPORAL_CONFIG_FILE=" + filepath.Join(t.TempDir(), "absent")})
	require.Equal(t, exitError, code)
	require.Contains(t, stderr.String(), "connect to Temporal at "+address+" (TEMPORAL_ADDRESS sets the address)")
}

func TestStart(t *testing.T) {
	t.Parallel()
	inv := []string{inventoryVariable + "=" + testInventory}
	start := "start --kind extraction-event --asset assist-chat --as "
	tests := map[string]struct {
		env       []string
		args      string
		code      int
		text      string
		requester string
		mode      incident.Mode
	}{
		"without inventory":  {nil, start + "whoever", exitOK, "started " + chatIncident + " (live)", "whoever", incident.Live},
		"with inventory":     {inv, start + "sam@nordwall.example", exitOK, "trigger status " + chatIncident + " --watch", "sec-1", incident.Live},
		"drill":              {inv, "start --kind extraction-event --asset credit-api-stg --as sec-1 --mode drill", exitOK, "(drill)", "sec-1", incident.Drill},
		"open already":       {inv, "start --kind backdoor-discovery --asset credit-scorer@17 --as sec-1", exitConflict, scorerIncident + " is already open", "", ""},
		"unknown asset":      {inv, "start --kind extraction-event --asset assist-chta --as sec-1", exitRefused, `asset "assist-chta" is not in the inventory`, "", ""},
		"other environment":  {inv, "start --kind extraction-event --asset credit-api-stg --as sec-1", exitRefused, `in environment "staging", which a live incident may not touch`, "", ""},
		"unknown person":     {inv, start + "mallory", exitRefused, `"mallory" is not a person of the inventory`, "", ""},
		"absent inventory":   {nil, start + "sec-1 --inventory /nowhere.yaml", exitError, "load the inventory", "", ""},
		"flag over variable": {[]string{inventoryVariable + "=/nowhere.yaml"}, start + "sec-1 --inventory " + testInventory, exitOK, "started", "sec-1", incident.Live},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := desks(waitingRecord())
			got := invoke(t, f, "", tt.env, strings.Fields(tt.args)...)
			require.Equal(t, tt.code, got.code, got.stderr)
			require.Contains(t, got.stdout+got.stderr, tt.text)
			if tt.requester == "" {
				require.Empty(t, f.started)
				return
			}
			require.Len(t, f.started, 1)
			require.Equal(t, tt.requester, f.started[0].Requester)
			require.Equal(t, tt.mode, f.started[0].Mode)
			require.False(t, f.started[0].DetectedAt.IsZero())
		})
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	t.Run("the only one", func(t *testing.T) {
		t.Parallel()
		got := invoke(t, desks(waitingRecord()), "", nil, "status")
		require.Equal(t, exitOK, got.code, got.stderr)
		golden(t, "waiting.txt", got.stdout)
	})
	t.Run("by short name, as json", func(t *testing.T) {
		t.Parallel()
		got := invoke(t, desks(waitingRecord(), containedRecord()), "", nil, "status", "dataset-compromise/loan-applications@2026-07-31", "-o", "json")
		require.Equal(t, exitOK, got.code, got.stderr)
		var r incident.Record
		require.NoError(t, json.Unmarshal([]byte(got.stdout), &r))
		require.Equal(t, containedRecord(), &r)
	})
	t.Run("none open", func(t *testing.T) {
		t.Parallel()
		got := invoke(t, desks(), "", nil, "status")
		require.Equal(t, exitConflict, got.code)
		require.Contains(t, got.stderr, "no incident is open")
	})
	t.Run("several open", func(t *testing.T) {
		t.Parallel()
		got := invoke(t, desks(waitingRecord(), containedRecord()), "", nil, "status")
		require.Equal(t, exitConflict, got.code)
		require.Contains(t, got.stderr, "2 incidents are open; name one of them:\n  "+scorerIncident+"\n  "+loanIncident)
	})
	t.Run("unknown", func(t *testing.T) {
		t.Parallel()
		got := invoke(t, desks(), "", nil, "status", chatIncident)
		require.Equal(t, exitConflict, got.code)
		require.Contains(t, got.stderr, "there is no open incident "+chatIncident)
	})
	t.Run("no answer", func(t *testing.T) {
		t.Parallel()
		f := desks(waitingRecord())
		f.err = errors.New("ask for its status: no worker answered")
		got := invoke(t, f, "", nil, "status", scorerIncident)
		require.Equal(t, exitError, got.code)
		require.Contains(t, got.stderr, "no worker answered")
	})
}

func TestStatusWatchPrintsChangesUntilClosed(t *testing.T) {
	t.Parallel()
	for _, output := range []string{"table", "json"} {
		t.Run(output, func(t *testing.T) {
			t.Parallel()
			f := desks(waitingRecord())
			looks := 0
			f.next = func() {
				looks++
				r := *f.records[scorerIncident]
				switch looks {
				case 3:
					r.Verdict = incident.Contained
				case 4:
					f.err = errors.New("connection lost")
				case 5:
					f.err = nil
				case 6:
					r.Progress = incident.Closed
				}
				f.records[scorerIncident] = &r
			}
			got := invoke(t, f, "", nil, "status", scorerIncident, "--watch", "-o", output)
			require.Equal(t, exitOK, got.code, got.stderr)
			require.Equal(t, 6, looks)
			require.Contains(t, got.stderr, "connection lost; trying again")
			if output == "json" {
				require.Equal(t, 3, strings.Count(got.stdout, "\n"), "one record a line, only when it changed")
				return
			}
			require.Equal(t, 2, strings.Count(got.stdout, "----\n"))
			require.True(t, strings.HasPrefix(got.stdout, "NOT CONTAINED"))
			require.Contains(t, got.stdout, "----\nCONTAINED")
		})
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	f := desks(waitingRecord(), containedRecord())
	f.runs = append(f.runs, listed{id: chatIncident, run: "run-2", started: at(9), status: "failed"})
	got := invoke(t, f, "", nil, "list", "--all")
	require.Equal(t, exitOK, got.code, got.stderr)
	golden(t, "list.txt", got.stdout)

	got = invoke(t, desks(waitingRecord()), "", nil, "list", "-o", "json")
	var rows []row
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &rows))
	require.Equal(t, []row{{
		ID: scorerIncident, Run: "run-1", StartedAt: at(36), Workflow: "running", Mode: incident.Live, Progress: incident.Responding,
		Verdict: incident.NotContained, Waiting: 1,
	}}, rows)

	require.Equal(t, "no incidents\n", invoke(t, desks(), "", nil, "list").stdout)
	require.Equal(t, "[]\n", invoke(t, desks(), "", nil, "list", "-o", "json").stdout)
}
