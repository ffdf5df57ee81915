// Package playbooks is the language in which firebreak's responses are written, the catalogue of actions that they can
// use, and the reference playbooks themselves (the *.yaml files beside this file).
//
// A playbook says which actions fill the phases of a response, on which targets (a query on the inventory, never a
// name), with which parameters and behind which approvals. It cannot say more than that: Go owns the rules that every
// playbook must keep (see Parse), and a playbook that breaks one is refused with the file, line and column of each fault.
//
// The package does no I/O beyond reading playbook files. Workflows, activities and commands import it; it imports none
// of them.
package playbooks
