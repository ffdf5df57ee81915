// Package workflows runs incidents on Temporal: BackdoorDiscovery, ExtractionEvent and DatasetCompromise over one engine.
//
// The engine knows phases, steps, approvals, proofs and undo; it knows no platform. It reaches the world only through the
// activities that the catalogue of package playbooks names, and imports neither the activities nor any cloud SDK.
// Starters need contract.go alone.
package workflows
