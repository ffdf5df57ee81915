package playbooks_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/playbooks"
)

// everything is a valid playbook that uses each construct of the language.
const everything = `version: 1
kind: weights-theft
title: Everything that can be written
threat: {scenario: x, goal: x, capabilities: [x], assets: [x], impact: x, indicators: [x], atlas: [AML.T0020], csf: [RS.MI-01]}
rating: {likelihood: low, impact: high}
watch: {every: 5m}
phases:
  - id: preserve
    title: x
    steps:
      - parallel:
          - {id: tell, action: legal.notify, targets: radius.stakeholders}
          - {id: copy, action: checkpoint.snapshot, targets: radius.checkpoints, on_failure: stop, rounds: 3}
        limit: 2
      - id: confirm
        task: {assignee: MLO, due: 30m, instructions: x, outcomes: [confirmed, "false"], false_positive: "false", blocks: true}
      - {id: pause, wait: {for: 24h}, when: {steps.confirm.outcome: confirmed, radius.criticality: [safety, business]}}
      - {id: data, playbook: {kind: dataset-compromise}, on_failure: abort}
      - id: ask
        when: [{incident.severity: [SEV1, SEV2]}, {steps.data.outcome: contained, radius.personal_data: true}]
        approval: {roles: [MLO, IC], quorum: 2, timeout: 30m, on_timeout: proceed_with_lesser, remind_every: 10m, auto_when: {incident.confidence: ">=0.9"}}
      - {id: ask-more, approval: {roles: [SEC], quorum: 1, timeout: 1h, on_timeout: escalate, escalate_to: [EXE]}}
      - {id: revoke, action: vault.revoke, targets: radius.writers, needs: [ask, ask-more], timeout: 2m}
      - {id: off, action: endpoint.disable, targets: radius.endpoints, lesser_of: ask, with: {probes: 5, interval: 200ms}}
`

func TestEveryConstructIsValid(t *testing.T) {
	t.Parallel()
	pb, err := playbooks.Parse("weights-theft.yaml", []byte(everything))
	require.NoError(t, err)
	schema := compile(t)
	doc, ok := instance(t, []byte(everything))
	require.True(t, ok)
	require.NoError(t, schema.Validate(doc))
	steps := map[string]*playbooks.Step{}
	pb.Walk(func(_ string, s *playbooks.Step) { steps[s.ID] = s })
	require.Equal(t, playbooks.ProceedWithLesser, steps["ask"].Approval.OnTimeout)
	require.InDelta(t, 0.9, *steps["ask"].Approval.AutoWhen[0][0].AtLeast, 0)
	require.Equal(t, "incident.severity is SEV1 or SEV2, or steps.data.outcome is contained and radius.personal_data is true", steps["ask"].When.String())
	require.True(t, steps["confirm"].Task.Blocks)
	require.Equal(t, "false", steps["confirm"].Task.FalsePositive)
	require.Equal(t, map[string]string{"probes": "5", "interval": "200ms"}, steps["off"].With)
	require.Equal(t, 3, steps["copy"].Rounds)
	require.Equal(t, 2, pb.Phases[0].Steps[0].Limit)
}

func FuzzParse(f *testing.F) {
	kinds, err := playbooks.BuiltIn().Kinds()
	require.NoError(f, err)
	for _, kind := range kinds {
		raw, err := os.ReadFile(string(kind) + ".yaml")
		require.NoError(f, err)
		f.Add(raw)
	}
	for _, doc := range []string{
		everything, "a: &x [*x]", "version: 1\n---\n", "phases: [{steps: [{parallel: [{parallel: []}]}]}]", "- 1", "!!map {version: !!int 1}",
		"phases: [{steps: [{when: [{incident.confidence: \">=0.9\"}, {steps.a.outcome: [b]}], approval: {auto_when: {}}}]}]",
		"phases: [{steps: [{<<: {id: a}, with: {<<: {a: b}, ? [c] : d}}]}]",
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		pb, err := playbooks.Parse("fuzz.yaml", doc)
		require.True(t, (pb == nil) == (err != nil), "a playbook or faults, never both or neither")
		if err == nil {
			return
		}
		faults := playbooks.Faults(err)
		require.NotEmpty(t, faults)
		for _, fault := range faults {
			require.Contains(t, playbooks.Codes(), fault.Code)
			require.Positive(t, fault.Line)
			require.Positive(t, fault.Column)
		}
	})
}
