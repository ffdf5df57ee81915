package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/alert"
	"firebreak/internal/runbook"
	"firebreak/playbooks"
)

// secretLeak is a playbook of a kind of a team's own, in the file of the name that it must have.
const secretLeak = `version: 1
kind: secret-leak
title: Secret leaked
threat: {scenario: A prompt makes the assistant show a key.}
phases:
  - id: contain
    title: Contain
    steps:
      - {id: tell-legal, action: legal.notify, targets: radius.stakeholders}
      - {id: disable, action: endpoint.disable, targets: radius.endpoints}
`

func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// folder is a folder of playbooks: those that firebreak ships, and one of a team's own.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	shipped, err := filepath.Glob("../../playbooks/*.yaml")
	require.NoError(t, err)
	for _, path := range shipped {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		writeFile(t, dir, filepath.Base(path), string(raw))
	}
	writeFile(t, dir, "secret-leak.yaml", secretLeak)
	return dir
}

func TestValidate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := writeFile(t, dir, "secret-leak.yaml", secretLeak)
	misnamed := writeFile(t, dir, "other-leak.yaml", secretLeak)
	shouting := writeFile(t, dir, "Secret.YML", secretLeak)
	broken := writeFile(t, dir, "broken.yaml", "version: 1\nkind: broken\ntitel: \x1b[2Jx\n")
	got := invoke(t, nil, "", nil, "playbook", "validate", good)
	require.Equal(t, invocation{exitOK, "1 playbook, no fault\n", ""}, got)

	got = invoke(t, nil, "", nil, "playbook", "validate", good, misnamed, shouting)
	require.Equal(t, exitError, got.code)
	require.Regexp(t, `(?m)^`+misnamed+`:2:7: [a-z-]+: the file's name says other-leak, its kind is secret-leak \(`, got.stdout)
	require.Contains(t, got.stdout, shouting+":1:1: file-name: the file's name says no kind (")
	require.Equal(t, "trigger: 2 faults in 3 playbooks\n", got.stderr)

	got = invoke(t, nil, "", nil, "playbook", "validate", "-o", "json", broken)
	require.Equal(t, exitError, got.code)
	var faults []fault
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &faults))
	require.NotEmpty(t, faults)
	for _, f := range faults {
		require.Equal(t, broken, f.File)
		require.Positive(t, f.Line)
		require.Positive(t, f.Column)
		require.NotEmpty(t, f.Code)
		require.NotEmpty(t, f.Message)
	}
	plainly := invoke(t, nil, "", nil, "playbook", "validate", broken)
	require.Len(t, strings.Split(strings.TrimSpace(plainly.stdout), "\n"), len(faults), "every fault is one line")
	require.NotContains(t, plainly.stdout, "\x1b")

	require.Equal(t, "[]\n", invoke(t, nil, "", nil, "playbook", "validate", "-o", "json", good).stdout)
	got = invoke(t, nil, "", nil, "playbook", "validate", good, filepath.Join(dir, "absent.yaml"))
	require.Equal(t, exitError, got.code)
	require.Contains(t, got.stderr, "absent.yaml: no such file")
}

func TestValidateFolder(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	got := invoke(t, nil, "", nil, "playbook", "validate", dir)
	require.Equal(t, exitOK, got.code, got.stdout+got.stderr)
	require.Contains(t, got.stdout, " playbooks, no fault\n")

	require.NoError(t, os.Remove(filepath.Join(dir, "extraction-event.yaml")))
	writeFile(t, dir, "Backdoor.yaml", secretLeak)
	got = invoke(t, nil, "", nil, "playbook", "validate", dir)
	require.Equal(t, exitError, got.code)
	require.Contains(t, got.stdout, "there is no playbook of extraction-event")
	require.Contains(t, got.stdout, "Backdoor.yaml:1:1: file-name:")
}

func TestPlan(t *testing.T) {
	t.Parallel()
	inv := []string{inventoryVariable + "=" + testInventory}
	args := []string{"playbook", "plan", "dataset-compromise", "--asset", "loan-applications@2026-07-31", "--severity", "critical", "--confidence", "0.95", "--as", "mara@nordwall.example"}
	got := invoke(t, nil, "", inv, args...)
	require.Equal(t, exitOK, got.code, got.stderr)
	for _, text := range []string{"severity    SEV1, confidence 0.95", "BLAST RADIUS: personal data", "credit-scorer@17", "excluded    mlo-1: started the incident", "IRREVERSIBLE", "told in     #ir-legal"} {
		require.Contains(t, got.stdout, text)
	}
	got = invoke(t, nil, "", inv, append(args, "-o", "json")...)
	var p runbook.Preview
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &p))
	require.Equal(t, "mlo-1", p.Requester)
	require.Equal(t, "SEV1", p.Severity)
	require.NotEmpty(t, p.Steps)

	own := writeFile(t, t.TempDir(), "secret-leak.yaml", secretLeak)
	got = invoke(t, nil, "", nil, "playbook", "plan", own, "--inventory", testInventory, "--asset", "credit-api-stg", "--mode", "drill")
	require.Equal(t, exitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, "disable     endpoint.disable  credit-api-stg")
	require.Contains(t, got.stdout, "told in     #drill-ir-legal")
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	broken := writeFile(t, t.TempDir(), "broken.yaml", "version: 1\nkind: broken\ntitel: x\n")
	tests := map[string]struct {
		args string
		code int
		text string
	}{
		"unknown kind":        {"dataset --inventory INV --asset credit-api", exitUsage, `unknown incident kind "dataset" (known: backdoor-discovery`},
		"no asset":            {"dataset-compromise --inventory INV", exitUsage, `required flag(s) "asset" not set`},
		"empty asset":         {"dataset-compromise --inventory INV --asset=", exitUsage, `--asset ""`},
		"no inventory":        {"dataset-compromise --asset credit-api", exitUsage, "--asset needs an inventory"},
		"unknown asset":       {"dataset-compromise --inventory INV --asset credit-apii", exitRefused, `asset "credit-apii" is not in the inventory`},
		"other environment":   {"dataset-compromise --inventory INV --asset credit-api --mode drill", exitRefused, "which a drill incident may not touch (--mode)"},
		"unknown person":      {"dataset-compromise --inventory INV --asset credit-api --as mallory", exitRefused, `"mallory" is not a person of the inventory`},
		"bad severity":        {"dataset-compromise --inventory INV --asset credit-api --severity 1", exitUsage, `--severity "1"`},
		"bad mode":            {"dataset-compromise --inventory INV --asset credit-api --mode dry", exitUsage, `--mode "dry"`},
		"bad output":          {"dataset-compromise --inventory INV --asset credit-api -o yaml", exitUsage, `--output "yaml"`},
		"absent file":         {"./absent.yaml --inventory INV --asset credit-api", exitError, "absent.yaml: no such file"},
		"faulty file":         {broken + " --inventory INV --asset credit-api", exitError, broken + ":3:1: unknown-key"},
		"a folder for a file": {"../../playbooks/.yaml --inventory INV --asset credit-api", exitError, "no such file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, nil, "", nil, append([]string{"playbook", "plan"}, strings.Fields(strings.Replace(tt.args, "INV", testInventory, 1))...)...)
			require.Equal(t, tt.code, got.code, got.stderr)
			require.Contains(t, got.stderr, tt.text)
			require.Empty(t, got.stdout)
		})
	}
}

// TestPlaybookVerbsTouchNothing runs the real program in a folder that holds two files, next to a Temporal that counts who
// calls. That the packages behind the verbs cannot open a connection is held by a test of package runbook.
func TestPlaybookVerbsTouchNothing(t *testing.T) {
	raw, err := os.ReadFile(testInventory)
	require.NoError(t, err)
	dir := t.TempDir()
	writeFile(t, dir, "inventory.yaml", string(raw))
	writeFile(t, dir, "secret-leak.yaml", secretLeak)
	t.Chdir(dir)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var called atomic.Int32
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
			called.Add(1)
		}
	}()
	before := listing(t, dir)
	aimed := []string{"secret-leak.yaml", "--inventory", "inventory.yaml", "--asset", "credit-api"}
	for _, verb := range []string{"plan", "render", "graph", "validate", "list", "schema"} {
		args := []string{"playbook", verb}
		switch verb {
		case "plan", "render":
			args = append(args, aimed...)
		case "graph", "validate":
			args = append(args, aimed[0])
		}
		var stdout, stderr strings.Builder
		code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, []string{"TEMPORAL_ADDRESS=" + l.Addr().String(), "HOME=" + dir})
		require.Equal(t, exitOK, code, stderr.String())
		require.NotEmpty(t, stdout.String(), verb)
	}
	require.NoError(t, l.Close())
	<-stopped
	require.Zero(t, called.Load(), "nobody called Temporal")
	require.Equal(t, before, listing(t, dir))
}

// listing describes the files of a folder.
func listing(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := map[string]time.Time{}
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		out[e.Name()] = info.ModTime()
	}
	return out
}

func TestRender(t *testing.T) {
	t.Parallel()
	got := invoke(t, nil, "", nil, "playbook", "render", "backdoor-discovery")
	require.Equal(t, exitOK, got.code, got.stderr)
	require.True(t, strings.HasPrefix(got.stdout, "# "))
	require.Contains(t, got.stdout, "name and phone: ____")
	require.NotContains(t, got.stdout, "+49 30")

	got = invoke(t, nil, "", nil, "playbook", "render", "backdoor-discovery", "--inventory", testInventory, "--format", "html")
	require.Contains(t, got.stdout, "&#43;49 30 5550101")
	require.Contains(t, got.stdout, "radius.endpoints in the inventory")

	got = invoke(t, nil, "", nil, "playbook", "render", "backdoor-discovery", "--inventory", testInventory, "--asset", "credit-scorer@17")
	require.Contains(t, got.stdout, "ROLE ci-registry-push")

	got = invoke(t, nil, "", nil, "playbook", "render", "backdoor-discovery", "--format", "pdf")
	require.Equal(t, exitUsage, got.code)
	got = invoke(t, nil, "", nil, "playbook", "render", "backdoor-discovery", "--inventory", testInventory, "--asset", "credit-api-stg")
	require.Equal(t, exitRefused, got.code)
}

func TestPlaybookListGraphAndSchema(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	kinds, err := playbooks.Folder(dir).Kinds()
	require.NoError(t, err)
	got := invoke(t, nil, "", []string{playbooksVariable + "=" + dir}, "playbook", "list")
	require.Equal(t, exitOK, got.code, got.stderr)
	require.Equal(t, len(kinds)+1, strings.Count(got.stdout, "\n"))
	require.Regexp(t, `secret-leak +2 +0 +0 +sha256:[0-9a-f]{12}… +Secret leaked`, got.stdout)
	got = invoke(t, nil, "", nil, "playbook", "list", "-o", "json")
	var list []shelf
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &list))
	require.NotEmpty(t, list)

	got = invoke(t, nil, "", nil, "playbook", "graph", "secret-leak", "--playbooks", dir)
	require.True(t, strings.HasPrefix(got.stdout, "flowchart TD\n"), got.stderr)
	require.Contains(t, got.stdout, `s_disable["disable<br>endpoint.disable"]`)

	got = invoke(t, nil, "", nil, "playbook", "schema")
	var schema map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &schema))
	require.Contains(t, schema["$schema"], "json-schema.org")
}

func TestStartOfACustomKind(t *testing.T) {
	t.Parallel()
	f := desks()
	start := strings.Fields("start --kind secret-leak --asset assist-chat --as sec-1 --severity warning --confidence 0.7 --facet malware")
	got := invoke(t, f, "", nil, append(start, "--playbooks", folder(t))...)
	require.Equal(t, exitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, "started incident/secret-leak/assist-chat (live)")
	require.Equal(t, "SEV2", f.started[0].Severity)
	require.InDelta(t, 0.7, f.started[0].Confidence, 0)
	require.Equal(t, "malware", f.started[0].Facet)

	got = invoke(t, nil, "", nil, strings.Fields("start --kind no-such-kind --asset assist-chat --as sec-1")...)
	require.Equal(t, exitUsage, got.code)
	got = invoke(t, nil, "", nil, append(start, "--playbooks", "/nowhere")...)
	require.Equal(t, exitError, got.code)
	require.Contains(t, got.stderr, "look for playbooks (--playbooks or "+playbooksVariable)
}

// The words that flags and labels take are those that a playbook can compare with.
func TestFacetsAndSeveritiesAreThoseOfTheLanguage(t *testing.T) {
	t.Parallel()
	for reference, want := range map[string][]string{"incident.facet": alert.Facets(), "incident.severity": alert.Severities()} {
		when := func(values []string) string {
			return strings.Replace(secretLeak, "{id: disable,", "{id: disable, when: {"+reference+": ["+strings.Join(values, ", ")+"]},", 1)
		}
		_, err := playbooks.Parse("secret-leak.yaml", []byte(when(want)))
		require.NoError(t, err)
		_, err = playbooks.Parse("secret-leak.yaml", []byte(when([]string{"another"})))
		require.ErrorContains(t, err, strings.Join(want, ", "))
	}
}
