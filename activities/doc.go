// Package activities wires the actions of the catalogue to Temporal: one activity for each stage of each action, with
// heartbeats, one classification of errors, and redaction of anything that looks like a secret.
//
// The adapters are in the packages below it, one a capability: vault, serving, registry, evidence, notify and probe.
// They know nothing of Temporal and nothing of one another's platforms.
package activities
