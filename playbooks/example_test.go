package playbooks_test

import (
	"fmt"

	"firebreak/playbooks"
)

// The least that a team's own playbook can be: legal is told and a person contains.
func ExampleParse() {
	pb, err := playbooks.Parse("key-leak.yaml", []byte(`
version: 1
kind: key-leak
title: An API key was published
threat: {scenario: Somebody finds a key of ours in public and calls our models with it.}
phases:
  - id: contain
    title: Tell legal and cut the key off
    steps:
      - id: tell-legal
        action: legal.notify
        targets: radius.stakeholders
      - id: cut-off
        when: {incident.confidence: ">=0.5"}
        task: {assignee: SEC, due: 15m, instructions: Delete the key in the provider's console and try it once.}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pb.Title)
	pb.Walk(func(phase string, s *playbooks.Step) {
		fmt.Printf("%s/%s action=%q when=%q\n", phase, s.ID, s.Action, s.When)
	})
	// Output:
	// An API key was published
	// contain/tell-legal action="legal.notify" when=""
	// contain/cut-off action="" when="incident.confidence >= 0.5"
}

// Every fault is named at once, with the place of the key or value that is wrong.
func ExampleParse_faults() {
	_, err := playbooks.Parse("key-leak.yaml", []byte(`version: 1
kind: key-leak
title: An API key was published
threat: {scenario: Somebody finds a key of ours in public and calls our models with it.}
phases:
  - id: contain
    title: Tell legal and cut the key off
    steps:
      - id: tell-legal
        action: legal.notify
        target: radius.stakeholders
        when: {radius.personal_data: maybe}
      - id: ask
        approval: {roles: [SEC], quorum: 2, timeout: 15m, on_timeout: approve}
      - id: revoke
        action: vault.revoke
        targets: radius.callers
        needs: [aks]
`))
	for _, f := range playbooks.Faults(err) {
		fmt.Printf("%d:%d %s: %s\n", f.Line, f.Column, f.Code, f.Message)
	}
	// Output:
	// 9:9 missing-key: step has no "targets"
	// 11:9 unknown-key: unknown key "target" in step
	// 12:9 legal: this can keep legal from being told
	// 12:38 condition: radius.personal_data is never "maybe"
	// 14:42 quorum: quorum 2 needs as many roles; there are 1
	// 14:71 on-timeout: silence never approves
	// 16:9 approval-first: step "revoke" cannot be undone in full but needs no approval
	// 18:17 unknown-step: step "revoke" needs "aks", which is not an earlier step
}

// A tool can act on the codes of faults.
func ExampleFaults() {
	_, err := playbooks.Parse("empty.yaml", nil)
	for _, f := range playbooks.Faults(err) {
		fmt.Println(f.Code)
		fmt.Println(f)
	}
	// Output:
	// empty
	// empty.yaml:1:1: empty: the file is empty (begin with version: 1)
}
