package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Every name by which another process reaches an incident. Starters import this file, never the implementation.
const (
	// BackdoorDiscoveryWorkflow, ExtractionEventWorkflow and DatasetCompromiseWorkflow are the registered workflow types.
	BackdoorDiscoveryWorkflow = "BackdoorDiscovery"
	ExtractionEventWorkflow   = "ExtractionEvent"
	DatasetCompromiseWorkflow = "DatasetCompromise"
	// CustomWorkflow runs the playbook of any other kind.
	CustomWorkflow = "Custom"

	// StatusQuery returns the incident.Record.
	StatusQuery = "status"
	// AlertsSignal carries an incident.AlertBatch; it starts the incident or joins it (signal-with-start). AlertSignal carries
	// a single incident.Alert and is what callers sent before there were batches.
	AlertsSignal = "alerts"
	AlertSignal  = "alert"

	// TriageWorkflow takes a TriageRequest: it keeps an alert that no incident was started for as evidence, pages a person
	// and ends. Its id is TriageID.
	TriageWorkflow = "Triage"
	// DecideApprovalUpdate takes a DecideApproval and returns a DecisionOutcome. It is accepted even if the decision is
	// refused, because a rejected update would leave no trace in history.
	DecideApprovalUpdate = "decide-approval"
	// CloseIncidentUpdate takes a CloseIncident and returns a DecisionOutcome.
	CloseIncidentUpdate = "close-incident"

	// The updates that steer an open incident. Each takes a Steer and returns a DecisionOutcome; a refusal is recorded.
	PauseIncidentUpdate    = "pause-incident"
	ResumeIncidentUpdate   = "resume-incident"
	SkipStepUpdate         = "skip-step"
	RetryStepUpdate        = "retry-step"
	AddTargetUpdate        = "add-target"
	AbortIncidentUpdate    = "abort-incident"
	CompleteTaskUpdate     = "complete-task"
	EndWaitUpdate          = "end-wait"
	SetAnchorUpdate        = "set-anchor"
	DismissClockUpdate     = "dismiss-clock"
	FileClockUpdate        = "file-clock"
	AcknowledgeBriefUpdate = "acknowledge-brief"
	RecordAccessUpdate     = "record-access"

	// EvidenceAccessWorkflow takes an AccessRequest and returns a DecisionOutcome: it records that a person handled evidence
	// of an incident that is closed. Its id begins with AccessPrefix.
	EvidenceAccessWorkflow = "EvidenceAccess"
	AccessPrefix           = "evidence-access/"
)

// WorkflowType returns the workflow that runs the playbooks of a kind.
func WorkflowType(kind incident.Kind) string {
	switch kind {
	case incident.BackdoorDiscovery:
		return BackdoorDiscoveryWorkflow
	case incident.ExtractionEvent:
		return ExtractionEventWorkflow
	case incident.DatasetCompromise:
		return DatasetCompromiseWorkflow
	}
	return CustomWorkflow
}

// TaskQueue is where incidents of a mode run.
func TaskQueue(mode incident.Mode) string {
	if mode == incident.Drill {
		return string(playbooks.DrillQueue)
	}
	return string(playbooks.ContainQueue)
}

// DecideApproval is one person's answer to a request for approval.
type DecideApproval struct {
	Step    string `json:"step"`
	Person  string `json:"person"`
	Approve bool   `json:"approve"`
	// PlanDigest is the digest of the plan that the person was shown.
	PlanDigest string `json:"plan_digest"`
	Comment    string `json:"comment,omitempty"`
	// Via names the way in.
	Via string `json:"via,omitempty"`
}

// The ways in by which people decide. On the command line they are whom they say: it needs access to Temporal itself.
const (
	ViaCommandLine = "cli"
	ViaSlack       = "slack"
	ViaPage        = "page"
)

// CloseIncident ends an incident. A false positive is undone, newest act first.
type CloseIncident struct {
	Person        string `json:"person"`
	FalsePositive bool   `json:"false_positive"`
	// HandOverClocks says that legal keeps its running clocks outside of firebreak; without it an incident with running
	// clocks is not closed.
	HandOverClocks bool   `json:"hand_over_clocks,omitempty"`
	Reason         string `json:"reason"`
	Via            string `json:"via,omitempty"`
}

// Steer is what a person asks of an open incident. Each update reads the fields that it needs.
type Steer struct {
	Person string `json:"person"`
	Reason string `json:"reason,omitempty"`
	Via    string `json:"via,omitempty"`
	// Step and Target name what skip-step, retry-step, complete-task and end-wait are about; without a Target, all of them.
	Step   string `json:"step,omitempty"`
	Target string `json:"target,omitempty"`
	// Asset is what add-target adds to the incident.
	Asset string `json:"asset,omitempty"`
	// Outcome is what a task came to.
	Outcome string `json:"outcome,omitempty"`
	// Anchor and At set an instant that legal clocks run from; Clock names a regime, Reference a filing.
	Anchor    string    `json:"anchor,omitempty"`
	At        time.Time `json:"at,omitzero"`
	Clock     string    `json:"clock,omitempty"`
	Reference string    `json:"reference,omitempty"`
	// Undo makes abort-incident undo what was done.
	Undo bool `json:"undo,omitempty"`
	// Handling is what record-access says was done (read, copy, transfer, release, extend_hold) with Evidence, the URI of an
	// object with its version id, or the sealed manifest if it is empty; Authority is by whose leave.
	Handling  string `json:"handling,omitempty"`
	Evidence  string `json:"evidence,omitempty"`
	Authority string `json:"authority,omitempty"`
}

// DecisionOutcome tells the person what came of a decision.
type DecisionOutcome struct {
	Accepted bool   `json:"accepted"`
	Message  string `json:"message"`
}

// AccessRequest says that a person handled evidence of a closed incident.
type AccessRequest struct {
	// ID makes one act one link of the chain of custody.
	ID       string `json:"id"`
	Incident string `json:"incident"`
	Steer
}

// TriageRequest is an alert that reached nobody's playbook: no route matched it, or it names an asset that is not in the
// inventory. A person is paged; nothing else is done.
type TriageRequest struct {
	Alert incident.Alert `json:"alert"`
	// Reason says why no incident was started.
	Reason string        `json:"reason"`
	Mode   incident.Mode `json:"mode"`
}

// TriageID is the id of the workflow that pages a person for an alert. The same alert is paged once.
func TriageID(a incident.Alert) string {
	sum := sha256.Sum256([]byte(a.Source + "\x00" + a.Key))
	return "triage/" + a.Source + "/" + hex.EncodeToString(sum[:12])
}
