// Package inventory knows an organisation's AI assets and how they descend from one another: datasets, checkpoints,
// models, endpoints, credentials and people (schema ai-assets/v1).
//
// It answers two questions for every playbook: what does a compromised asset reach (BlastRadius), and what are the
// targets of a step (Resolve). Targets come from here and from nowhere else. The package does no I/O beyond reading the
// document it is given and imports nothing of firebreak but the record.
package inventory
