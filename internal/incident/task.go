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
	// Gaps are the outcomes that the verdict lists as a gap.
	Gaps []string `json:"gaps,omitempty"`
	// Blocks is true if the steps after it wait for the report.
	Blocks bool `json:"blocks,omitempty"`
	// Countersign are further roles that must report the same outcome. Reports is every report given, the refused ones not.
	Countersign []string     `json:"countersign,omitempty"`
	Reports     []TaskReport `json:"reports,omitempty"`
	// Budget is how long what follows waits for the report. Late is set once that was spent.
	Budget time.Duration `json:"budget,omitempty"`
	Late   bool          `json:"late,omitempty"`
}

// TaskReport is one person's word in a task that more than one must report. A person's later report replaces the earlier.
type TaskReport struct {
	Person  string    `json:"person"`
	Role    string    `json:"role"`
	Outcome string    `json:"outcome"`
	Comment string    `json:"comment,omitempty"`
	At      time.Time `json:"at"`
}

// Standing is the latest report given for the role, or nil.
func (t *Task) Standing(role string) *TaskReport {
	for i := len(t.Reports) - 1; i >= 0; i-- {
		if t.Reports[i].Role == role {
			return &t.Reports[i]
		}
	}
	return nil
}

// Reporters are the roles that must report.
func (t *Task) Reporters() []string { return append([]string{t.Assignee}, t.Countersign...) }

// Wanted are the roles that have not reported yet.
func (t *Task) Wanted() []string {
	var out []string
	for _, role := range t.Reporters() {
		if t.Standing(role) == nil {
			out = append(out, role)
		}
	}
	return out
}

// Disputed reports whether the standing reports differ.
func (t *Task) Disputed() bool {
	first := ""
	for _, role := range t.Reporters() {
		r := t.Standing(role)
		if r == nil {
			continue
		}
		if first != "" && r.Outcome != first {
			return true
		}
		first = r.Outcome
	}
	return false
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
