package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/workflows/rehearsal"
)

const caseFolder = "../../testdata/playbooks/cases"

// extraction is a case that names neither a folder nor an inventory.
const extraction = `title: Cut off
playbook: extraction-event
incident: {asset: credit-api}
people:
  - {as: sre-1, after: 1m, complete: capture-limits, outcome: captured}
  - {as: ic-1, after: 1m, approve: approve-containment}
  - {as: mlo-1, after: 2m, approve: approve-containment}
expect: {verdict: contained, sequence: [disable-endpoints do]}
`

func TestPlaybookTest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := writeFile(t, dir, "a.yaml", extraction)
	env := []string{inventoryVariable + "=" + testInventory}
	got := invoke(t, nil, "", env, "playbook", "test", good)
	require.Equal(t, invocation{exitOK, "ok    " + good + ": Cut off\n1 case passed\n", ""}, got)

	wrong := writeFile(t, dir, "b.yaml", strings.Replace(extraction, "verdict: contained", "verdict: not_contained, never: [revoke-callers]", 1))
	faulty := writeFile(t, dir, "c.yaml", extraction+"expects: \x1b[2J\n")
	absent := writeFile(t, dir, "d.yaml", strings.Replace(extraction, "disable-endpoints", "disable", 1))
	got = invoke(t, nil, "", nil, "playbook", "test", dir, "--inventory", testInventory)
	require.Equal(t, exitError, got.code)
	require.Equal(t, "trigger: 3 of 4 cases failed\n", got.stderr)
	require.NotContains(t, got.stdout, "\x1b")
	require.Contains(t, got.stdout, "ok    "+good+": Cut off\nFAIL  "+wrong+`: Cut off
        never
          want
            revoke-callers
          got
            revoke-callers/brightcart-api-key capture at 3m0s
        verdict
          want
            not_contained
          got
            contained
FAIL  `+faulty+"\n        "+faulty+":1: control characters are not allowed\n")
	require.Contains(t, got.stdout, absent+`:1: sequence: there is no step "disable" in this playbook`)

	got = invoke(t, nil, "", env, "playbook", "test", good, wrong, absent, "-o", "json")
	require.Equal(t, exitError, got.code)
	var all []rehearsed
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &all))
	require.Len(t, all, 3)
	require.Equal(t, rehearsed{File: good, Title: "Cut off", Passed: true, Verdict: incident.Contained}, all[0])
	require.Equal(t, []rehearsal.Mismatch{
		{What: "never", Want: "revoke-callers", Got: "revoke-callers/brightcart-api-key capture at 3m0s"},
		{What: "verdict", Want: "not_contained", Got: "contained"},
	}, all[1].Mismatches)
	require.Contains(t, all[2].Fault, "there is no step")
}

func TestPlaybookTestOfOtherPlaybooks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := "title: A team's own\nplaybook: secret-leak\nincident: {asset: assist-chat}\nexpect: {verdict: contained}\n"
	path := writeFile(t, dir, "own.yaml", text)
	args := []string{"playbook", "test", path, "--inventory", testInventory}
	require.Equal(t, exitOK, invoke(t, nil, "", nil, append(args, "--playbooks", folder(t))...).code)
	got := invoke(t, nil, "", nil, args...)
	require.Equal(t, exitError, got.code)
	require.Contains(t, got.stdout, "read playbook of secret-leak")
}

func TestPlaybookTestWithoutCases(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.Contains(t, invoke(t, nil, "", nil, "playbook", "test", dir).stderr, "holds no *.yaml")
	require.Contains(t, invoke(t, nil, "", nil, "playbook", "test", filepath.Join(dir, "x.yaml")).stderr, "find cases")
	got := invoke(t, nil, "", nil, "playbook", "test", writeFile(t, dir, "a.yaml", extraction))
	require.Equal(t, exitError, got.code)
	require.Contains(t, got.stdout, "a.yaml:1: no inventory: name one in the case, or give the runner one")
	require.Equal(t, exitUsage, invoke(t, nil, "", nil, "playbook", "test").code)
	require.Equal(t, exitUsage, invoke(t, nil, "", nil, "playbook", "test", dir, "-o", "yaml").code)
}

// finished is the record of an incident that has a bit of everything.
func finished(t *testing.T, name string) *incident.Record {
	t.Helper()
	c, err := rehearsal.Load(filepath.Join(caseFolder, name))
	require.NoError(t, err)
	res, err := rehearsal.Runner{}.Run(c)
	require.NoError(t, err)
	return res.Final
}

func TestExportedCasePasses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rec := finished(t, "dataset-step-retried.yaml")
	file := filepath.Join(dir, "exported.yaml")
	args := []string{"playbook", "export-case", rec.ID, "--inventory", testInventory, "--severity", "SEV1", "--confidence", "0.95", "-o", file}
	got := invoke(t, desks(rec), "", nil, args...)
	require.Equal(t, exitOK, got.code, got.stderr)
	require.Contains(t, got.stdout, "run it with: trigger playbook test "+file)
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(raw), "# playbook sha256:"), string(raw))
	require.Contains(t, string(raw), "fail: the object changed since it was captured")
	got = invoke(t, nil, "", nil, "playbook", "test", file)
	require.Equal(t, exitOK, got.code, got.stdout)

	got = invoke(t, desks(rec), "", nil, args...)
	require.Equal(t, exitError, got.code)
	require.Contains(t, got.stderr, "file exists", "what somebody may have edited is not replaced")
}

func TestExportCaseRefuses(t *testing.T) {
	t.Parallel()
	custom := finished(t, "custom-exact-order.yaml")
	tests := map[string]struct {
		rec  *incident.Record
		args string
		code int
		text string
	}{
		"an open incident":     {waitingRecord(), scorerIncident, exitRefused, "only a closed incident has an outcome"},
		"no incident":          {waitingRecord(), chatIncident, exitConflict, "there is no open incident"},
		"a kind of a team's":   {custom, custom.ID, exitRefused, "one-by-one is no built-in playbook; say which file it is"},
		"one with a child":     {finished(t, "leak-keys-used.yaml"), "prompt-injection-leak/credit-api", exitRefused, "an incident with a child playbook has more than one record"},
		"a wrong confidence":   {waitingRecord(), scorerIncident + " --confidence 7", exitUsage, "--confidence 7"},
		"what is no incident":  {waitingRecord(), "credit-api", exitUsage, "want incident/KIND/ASSET"},
		"with the file, it is": {custom, custom.ID + " --playbook " + caseFolder + "/playbooks/one-by-one.yaml", exitOK, "playbook: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, desks(tt.rec), "", nil, append([]string{"playbook", "export-case"}, strings.Fields(tt.args)...)...)
			require.Equal(t, tt.code, got.code, got.stderr)
			require.Contains(t, got.stdout+got.stderr, tt.text)
		})
	}
}
