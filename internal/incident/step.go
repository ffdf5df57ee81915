package incident

import (
	"encoding/json"
	"time"
)

// Role is what a step is for; the verdict weighs steps by it.
type Role string

// The roles of steps.
const (
	RoleEvidence    Role = "evidence"
	RoleContainment Role = "containment"
	RoleRecovery    Role = "recovery"
	// RoleEradication takes the cause away and contains nobody who is served: it is watched like containment, and what is
	// missing of it is a gap.
	RoleEradication  Role = "eradication"
	RoleNotification Role = "notification"
)

// StepStatus is where a step stands for one target.
type StepStatus string

// A step ends in done (acted and proved), failed, skipped or undone; retrying means that it failed and is tried again
// in the background.
const (
	Pending  StepStatus = "pending"
	Running  StepStatus = "running"
	Done     StepStatus = "done"
	Retrying StepStatus = "retrying"
	Failed   StepStatus = "failed"
	Skipped  StepStatus = "skipped"
	Undone   StepStatus = "undone"
)

// Step is one action on one target. A step with three targets has three of these.
type Step struct {
	ID     string     `json:"id"`
	Phase  string     `json:"phase"`
	Action string     `json:"action"`
	Role   Role       `json:"role"`
	Target string     `json:"target"`
	Status StepStatus `json:"status"`
	// Verified is true only while the proof of the step's effect holds.
	Verified  bool      `json:"verified"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	Attempts  int       `json:"attempts,omitempty"`
	// Reason says why a step was skipped or what its last failure was.
	Reason string `json:"reason,omitempty"`
	// HowFar is how far the step is as its activity last said. Whoever shows a record puts it in; the engine knows nothing of it.
	HowFar string `json:"how_far,omitempty"`
	// Late is set when what followed stopped waiting for the step: its budget was spent.
	Late bool `json:"late,omitempty"`
	// Omitted is true if the playbook itself left the step out, by its when or because no lesser step was called for.
	Omitted bool `json:"omitted,omitempty"`
	// Denied is true if the step was skipped because people decided against it.
	Denied  bool     `json:"denied,omitempty"`
	Receipt *Receipt `json:"receipt,omitempty"`
}

// Receipt is what a step proves: the prior state, what was done and how it was verified.
type Receipt struct {
	// Operation is the idempotency key incident/step/target.
	Operation string   `json:"operation"`
	Capture   *Capture `json:"capture,omitempty"`
	Effect    *Effect  `json:"effect,omitempty"`
	Proof     *Proof   `json:"proof,omitempty"`
	Undo      *Effect  `json:"undo,omitempty"`
}

// Capture is the prior state of a target, read before anything changed. State is what undo needs and holds no secret:
// secrets travel only as Vault transit ciphertext.
type Capture struct {
	Summary string          `json:"summary"`
	State   json.RawMessage `json:"state,omitempty"`
	At      time.Time       `json:"at"`
}

// Effect is what an act did. Changed is false if the target was already in the wanted state.
type Effect struct {
	Summary string            `json:"summary"`
	Changed bool              `json:"changed"`
	Facts   map[string]string `json:"facts,omitempty"`
	State   json.RawMessage   `json:"state,omitempty"`
	At      time.Time         `json:"at"`
}

// Proof is the outcome of verifying an effect by another path than the one that caused it.
type Proof struct {
	// Proved is false if the effect could be observed not to hold. An error means that it could not be observed.
	Proved bool `json:"proved"`
	// Method names the path, e.g. "POST predict from outside, 5 of 5 refused".
	Method string            `json:"method"`
	Facts  map[string]string `json:"facts,omitempty"`
	// Gaps say what a proof that holds leaves open, e.g. copies that stay valid. The verdict shows them.
	Gaps []string  `json:"gaps,omitempty"`
	At   time.Time `json:"at"`
}

// Keys of Facts that the engine reads.
const (
	FactManifest = "manifest"
	FactSHA256   = "sha256"
	FactObjects  = "objects"
	FactChannel  = "channel"
	FactTS       = "ts"
	FactDigest   = "digest"
)
