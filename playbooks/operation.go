package playbooks

import (
	"fmt"
	"strconv"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// Operation is what every stage of an action receives: one action on one target of one step. It is recorded in workflow
// history, so it never holds a secret.
type Operation struct {
	// ID is the idempotency key incident/step/target. It survives retries, resets and continue-as-new.
	ID         string            `json:"id"`
	IncidentID string            `json:"incident_id"`
	Kind       incident.Kind     `json:"kind"`
	Mode       incident.Mode     `json:"mode"`
	Step       string            `json:"step"`
	Action     string            `json:"action"`
	Target     inventory.Target  `json:"target"`
	With       map[string]string `json:"with,omitempty"`
	// Store is where evidence goes.
	Store inventory.Store `json:"store"`
	// Brief is what legal is told; only legal.notify has it.
	Brief *Brief `json:"brief,omitempty"`
	// Capture is the prior state; Do, Verify and Undo have it.
	Capture *incident.Capture `json:"capture,omitempty"`
	// Effect is what Do did; Verify and Undo have it.
	Effect *incident.Effect `json:"effect,omitempty"`
}

// Names of the activities that belong to no action.
const (
	// PlanActivity takes an incident.Request and returns a Plan.
	PlanActivity = "incident.plan"
	// SealActivity takes a SealInput and returns an incident.Evidence.
	SealActivity = "evidence.seal"
)

// SealInput is what the evidence manifest of an incident is made from.
type SealInput struct {
	Record incident.Record `json:"record"`
	Store  inventory.Store `json:"store"`
}

// NewOperationID builds the idempotency key of an action on a target.
func NewOperationID(incidentID, step, target string) string {
	return incidentID + "/" + step + "/" + target
}

// Integer returns a parameter that the loader has checked.
func (op *Operation) Integer(name string) (int, error) {
	n, err := strconv.Atoi(op.With[name])
	if err != nil {
		return 0, fmt.Errorf("read parameter %s of %s: %w", name, op.Step, err)
	}
	return n, nil
}

// Duration returns a parameter that the loader has checked.
func (op *Operation) Duration(name string) (time.Duration, error) {
	d, err := time.ParseDuration(op.With[name])
	if err != nil {
		return 0, fmt.Errorf("read parameter %s of %s: %w", name, op.Step, err)
	}
	return d, nil
}
