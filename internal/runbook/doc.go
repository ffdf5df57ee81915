// Package runbook shows a playbook to people: what it would do to an asset (Preview), the printed checklist for the day
// on which the engine itself cannot be trusted (Sheet), and a picture of its phases (Graph).
//
// Everything here is computed from a checked playbook and, where there is one, a loaded inventory. The package reads no
// file, calls nothing and changes nothing, so that looking at a playbook can never set it off.
package runbook
