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
	// ID is the idempotency key of NewOperationID. It survives retries, resets and continue-as-new.
	ID         string `json:"id"`
	IncidentID string `json:"incident_id"`
	// OpenedAt tells this run of the incident from an earlier one with the same id.
	OpenedAt time.Time         `json:"opened_at,omitzero"`
	Kind     incident.Kind     `json:"kind"`
	Mode     incident.Mode     `json:"mode"`
	Step     string            `json:"step"`
	Action   string            `json:"action"`
	Target   inventory.Target  `json:"target"`
	With     map[string]string `json:"with,omitempty"`
	// Store is where evidence goes.
	Store inventory.Store `json:"store"`
	// Brief is what legal is told; only legal.notify has it.
	Brief *Brief `json:"brief,omitempty"`
	// Capture is the prior state; Do, Verify and Undo have it.
	Capture *incident.Capture `json:"capture,omitempty"`
	// Effect is what Do did; Verify and Undo have it.
	Effect *incident.Effect `json:"effect,omitempty"`
	// Superseded is what the act whose effect this one ends captured and did on the same target; nil if it did nothing.
	Superseded *incident.Receipt `json:"superseded,omitempty"`
}

// Names of the activities that belong to no action.
const (
	// PlanActivity takes an incident.Request and returns a Plan.
	PlanActivity = "incident.plan"
	// SealActivity takes a SealInput and returns an incident.Evidence.
	SealActivity = "evidence.seal"
	// KeepAlertActivity takes a KeepAlert and returns a KeptAlert: the raw alert under Object Lock.
	KeepAlertActivity = "evidence.keep-alert"
	// RecordAccessActivity takes a RecordAccess and returns a RecordedAccess: a link in the chain of custody.
	RecordAccessActivity = "evidence.record-access"
	// ThreadActivity takes a ThreadUpdate and returns a Thread: the incident's thread in the on-call channel.
	ThreadActivity = "notify.thread"
	// PageActivity takes a Page and returns an incident.Effect: on-call is told of an alert that started nothing.
	PageActivity = "notify.page"
	// OncallActivity takes an incident.Mode and returns an Oncall, for what needs no plan.
	OncallActivity = "incident.oncall"
	// PreviousActivity takes the id of a closed incident and returns its incident.Record.
	PreviousActivity = "incident.previous"
)

// KeepAlert is a raw alert to be kept as evidence of an incident, or of a triage.
type KeepAlert struct {
	IncidentID string          `json:"incident_id"`
	Mode       incident.Mode   `json:"mode"`
	Alert      incident.Alert  `json:"alert"`
	Store      inventory.Store `json:"store"`
}

// KeptAlert is where a raw alert is kept: the S3 URI with its version id.
type KeptAlert struct {
	URI    string `json:"uri"`
	SHA256 string `json:"sha256"`
}

// RecordAccess says that a person handled evidence of an incident.
type RecordAccess struct {
	// ID makes one act one link, however often it is sent.
	ID         string          `json:"id"`
	IncidentID string          `json:"incident_id"`
	Mode       incident.Mode   `json:"mode"`
	Store      inventory.Store `json:"store"`
	// Person is an id of the inventory.
	Person string `json:"person"`
	// Action is read, copy, transfer, release or extend_hold.
	Action string `json:"action"`
	// Evidence is the S3 URI of an object of the incident, with its version id.
	Evidence  string    `json:"evidence"`
	Reason    string    `json:"reason"`
	Authority string    `json:"authority,omitempty"`
	At        time.Time `json:"at"`
}

// RecordedAccess is the link that was made.
type RecordedAccess struct {
	Number int    `json:"number"`
	Hash   string `json:"hash"`
}

// Thread is the incident's thread in Slack, and ThreadMessage a message in it.
type (
	Thread        = incident.Thread
	ThreadMessage = incident.ThreadMessage
)

// ThreadUpdate asks for the root message to show the record as it is now, and for the events after Thread.Shown to be
// posted below it. Record's timeline begins at Thread.Shown.
type ThreadUpdate struct {
	Thread Thread           `json:"thread"`
	Record incident.Record  `json:"record"`
	Oncall inventory.Oncall `json:"oncall"`
	// People are called when something is asked of their role. Without them nobody is called.
	People []inventory.Person `json:"people,omitempty"`
}

// Page is what on-call is told of an alert for which no incident was started.
type Page struct {
	ID     string         `json:"id"`
	Mode   incident.Mode  `json:"mode"`
	Alert  incident.Alert `json:"alert"`
	Reason string         `json:"reason"`
	// RawURI is where the raw alert is kept; empty if it could not be.
	RawURI string           `json:"raw_uri,omitempty"`
	Oncall inventory.Oncall `json:"oncall"`
}

// Oncall is what a workflow without a plan needs of the inventory.
type Oncall struct {
	Oncall inventory.Oncall `json:"oncall"`
	Store  inventory.Store  `json:"store"`
	// People are everybody whom the inventory knows.
	People []inventory.Person `json:"people,omitempty"`
}

// SealInput is what the evidence manifest of an incident is made from.
type SealInput struct {
	Record incident.Record `json:"record"`
	Store  inventory.Store `json:"store"`
}

// RunName tells the runs of one incident apart, by when each was opened; it is empty for a time that is not known.
func RunName(opened time.Time) string {
	if opened.IsZero() {
		return ""
	}
	return opened.UTC().Format("20060102T150405.000")
}

// NewOperationID builds the idempotency key of an action on a target: incident@opened/step/target. An incident that is opened
// again after it was closed has the same id: what its last run did is not what this one has to do.
func NewOperationID(incidentID string, opened time.Time, step, target string) string {
	if run := RunName(opened); run != "" {
		incidentID += "@" + run
	}
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
