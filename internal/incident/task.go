package incident

import "time"

// TaskStatus is where a task stands.
type TaskStatus string

// A task is overdue once its time has passed without a report; it can still be reported.
const (
	TaskPending TaskStatus = "pending"
	TaskOpen    TaskStatus = "open"
	TaskOverdue TaskStatus = "overdue"
	TaskDone    TaskStatus = "done"
	TaskSkipped TaskStatus = "skipped"
)

// Task is something that a person does and reports.
type Task struct {
	Step         string     `json:"step"`
	Phase        string     `json:"phase"`
	Title        string     `json:"title"`
	Assignee     string     `json:"assignee"`
	Instructions string     `json:"instructions"`
	Outcomes     []string   `json:"outcomes"`
	Status       TaskStatus `json:"status"`
	AskedAt      time.Time  `json:"asked_at,omitzero"`
	DueAt        time.Time  `json:"due_at,omitzero"`
	DoneAt       time.Time  `json:"done_at,omitzero"`
	Outcome      string     `json:"outcome,omitempty"`
	By           string     `json:"by,omitempty"`
	Comment      string     `json:"comment,omitempty"`
	// Reason says why it was skipped.
	Reason string `json:"reason,omitempty"`
	// Blocks is true if the steps after it wait for the report.
	Blocks bool `json:"blocks,omitempty"`
}

// Wait is a pause of the playbook that a person can end early.
type Wait struct {
	Step    string    `json:"step"`
	Title   string    `json:"title"`
	Until   time.Time `json:"until"`
	EndedAt time.Time `json:"ended_at,omitzero"`
	EndedBy string    `json:"ended_by,omitempty"`
}

// Child is an incident that this one's playbook runs.
type Child struct {
	Step    string  `json:"step"`
	ID      string  `json:"incident_id"`
	Verdict Verdict `json:"verdict,omitempty"`
	Error   string  `json:"error,omitempty"`
}

// Clock is a legal deadline as the record shows it. The rules behind it are those of the regime, see package legal.
type Clock struct {
	Regime    string `json:"regime"`
	Title     string `json:"title"`
	Recipient string `json:"recipient,omitempty"`
	Anchor    string `json:"anchor"`
	// AnchorMissing means that no deadline can be computed yet; none is invented.
	AnchorMissing bool      `json:"anchor_missing,omitempty"`
	Provisional   bool      `json:"provisional,omitempty"`
	Due           time.Time `json:"due,omitzero"`
	Status        string    `json:"status"`
	Owner         string    `json:"owner,omitempty"`
	NeedsCounsel  bool      `json:"needs_counsel,omitempty"`
	Reference     string    `json:"reference,omitempty"`
	Note          string    `json:"note,omitempty"`
}

// Watched is the latest proof that containment still holds.
type Watched struct {
	// Rounds counts how often everything was proved again; Regressions how often something no longer held.
	Rounds      int       `json:"rounds"`
	Regressions int       `json:"regressions"`
	LastAt      time.Time `json:"last_at,omitzero"`
}
