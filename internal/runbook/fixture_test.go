package runbook

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func company(t *testing.T) *inventory.Inventory {
	t.Helper()
	inv, err := inventory.Load("testdata/company.yaml")
	require.NoError(t, err)
	return inv
}

func at90() *float64 {
	n := 0.9
	return &n
}

func is(reference playbooks.Reference, values ...string) playbooks.Comparison {
	return playbooks.Comparison{Reference: reference, Values: values}
}

// fixture is a playbook with every kind of step and key of the language. Its titles try to be more than text.
func fixture() *playbooks.File {
	probe := map[string]string{"probes": "5", "interval": "200ms"}
	return &playbooks.File{Name: "dataset-compromise.yaml", Digest: "sha256:aabbccddeeff", Playbook: &playbooks.Playbook{
		Kind: "dataset-compromise", Title: "Training dataset compromise", Rating: playbooks.Rating{Likelihood: playbooks.Medium, Impact: playbooks.High},
		Watch: playbooks.Watch{Every: 5 * time.Minute},
		Threat: playbooks.Threat{
			Scenario: "Somebody alters <training> data & waits.", Goal: "chosen answers", Capabilities: []string{"write access to a source"},
			Assets: []string{"training data", "checkpoints"}, Impact: "wrong scores", Indicators: []string{"rows differ from the manifest"},
			ATLAS: []string{"AML.T0020"}, OWASP: []string{"LLM04:2025"}, RMF: []string{"MANAGE 4.1"}, CSF: []string{"RS.MI-01"},
		},
		Phases: []playbooks.Phase{preserve(), contain(probe), recovery(probe)},
	}}
}

func preserve() playbooks.Phase {
	return playbooks.Phase{ID: "preserve", Title: "Tell legal and preserve", Steps: []playbooks.Step{
		{Limit: 2, Parallel: []playbooks.Step{
			{ID: "tell-legal", Action: "legal.notify", Targets: inventory.Stakeholders},
			{ID: "snapshot-data", Title: "Copy the *suspect* data", Action: "dataset.snapshot", Targets: inventory.DatasetVersions},
			{ID: "snapshot-checkpoints", Action: "checkpoint.snapshot", Targets: inventory.Checkpoints, OnFailure: playbooks.Stop},
			{ID: "snapshot-requests", Action: "log.snapshot", Targets: inventory.RequestLogs},
		}},
		{ID: "confirm", Title: `Confirm "poison" in </title><script>alert(1)</script>`, Task: &playbooks.Task{
			Assignee: "MLO", Due: 30 * time.Minute, Blocks: true, Outcomes: []string{"confirmed", "inconclusive", "false"}, FalsePositive: "false",
			Instructions: "Diff against the last verified version: `diff -r a b`.\n- Count the rows <that> differ.\n",
		}},
	}}
}

func contain(probe map[string]string) playbooks.Phase {
	return playbooks.Phase{ID: "contain", Title: "Contain", Steps: []playbooks.Step{
		{ID: "approve-disable", Title: "Take it out of service", Approval: &playbooks.Approval{
			Roles: []string{"IC", "MLO"}, Quorum: 2, Timeout: 15 * time.Minute, OnTimeout: playbooks.ProceedWithLesser, RemindEvery: 5 * time.Minute,
			AutoWhen: playbooks.Condition{{is("radius.criticality", "safety")}, {{Reference: "incident.confidence", AtLeast: at90()}}},
		}},
		{ID: "disable", Action: "endpoint.disable", Targets: inventory.Endpoints, With: probe, Needs: []string{"approve-disable"}, OnFailure: playbooks.Abort},
		{ID: "disable-lesser", Action: "endpoint.disable", Targets: inventory.Endpoints, With: probe, LesserOf: "approve-disable"},
		{ID: "approve-revoke", Title: "Revoke shared credentials", Approval: &playbooks.Approval{
			Roles: []string{"SEC"}, Quorum: 1, Timeout: 90 * time.Minute, OnTimeout: playbooks.Escalate, EscalateTo: []string{"EXE"},
			AutoWhen: playbooks.Condition{{is("incident.severity", "SEV1"), is("steps.confirm.outcome", "confirmed")}},
		}},
		{ID: "revoke", Action: "vault.revoke", Targets: inventory.Writers, Needs: []string{"approve-revoke"}},
		{ID: "approve-callers", Approval: &playbooks.Approval{Roles: []string{"SEC"}, Quorum: 1, Timeout: time.Hour, OnTimeout: playbooks.AbortOnTimeout}},
		{ID: "revoke-callers", Action: "vault.revoke", Targets: inventory.Callers, Needs: []string{"approve-callers"}},
		{ID: "extraction", Child: &playbooks.Child{Kind: "extraction-event"}, When: playbooks.Condition{{is("incident.facet", "confidentiality", "both")}}},
		{ID: "after-extraction", Wait: &playbooks.Wait{For: time.Hour}, Needs: []string{"extraction"}},
	}}
}

func recovery(probe map[string]string) playbooks.Phase {
	return playbooks.Phase{ID: "recover", Title: "Roll back", Steps: []playbooks.Step{
		{ID: "cool-off", Wait: &playbooks.Wait{For: 24 * time.Hour}, When: playbooks.Condition{{is("steps.confirm.outcome", "inconclusive")}}},
		{ID: "approve-rollback", Title: "Serve the known-good", Approval: &playbooks.Approval{
			Roles: []string{"MLO", "DO"}, Quorum: 2, Timeout: 30 * time.Minute, OnTimeout: playbooks.Stay,
		}},
		{ID: "rollback", Action: "checkpoint.rollback", Targets: inventory.Endpoints, Needs: []string{"approve-rollback", "snapshot-checkpoints"}},
		{ID: "reopen", Action: "endpoint.enable", Targets: inventory.Endpoints, With: probe, Needs: []string{"rollback"}},
	}}
}

func request(change func(*incident.Request)) incident.Request {
	r := incident.Request{
		Kind: "dataset-compromise", Asset: "loans@2026", Mode: incident.Live, Requester: "mara@acme.example", Severity: "SEV2", Confidence: 0.5,
		DetectedAt: time.Date(2026, 9, 14, 8, 0, 0, 0, time.UTC),
	}
	if change != nil {
		change(&r)
	}
	return r
}
