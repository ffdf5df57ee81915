package incident

import "time"

// ApprovalStatus is where a request for approval stands.
type ApprovalStatus string

// A denial is final for its plan; an approval that timed out leaves things as they are.
const (
	// ApprovalPending has not been asked yet; ApprovalNotAsked never was, because nothing would have followed from it.
	ApprovalPending  ApprovalStatus = "pending"
	ApprovalNotAsked ApprovalStatus = "not_asked"
	ApprovalWaiting  ApprovalStatus = "waiting"
	ApprovalGranted  ApprovalStatus = "granted"
	ApprovalDenied   ApprovalStatus = "denied"
	ApprovalTimedOut ApprovalStatus = "timed_out"
)

// Approval is one request for approval and every decision given on it, refused ones included.
type Approval struct {
	Step       string         `json:"step"`
	Title      string         `json:"title"`
	Roles      []string       `json:"roles"`
	Quorum     int            `json:"quorum"`
	PlanDigest string         `json:"plan_digest"`
	Status     ApprovalStatus `json:"status"`
	AskedAt    time.Time      `json:"asked_at,omitzero"`
	ExpiresAt  time.Time      `json:"expires_at,omitzero"`
	DecidedAt  time.Time      `json:"decided_at,omitzero"`
	// Reason says why it was not asked, or how it ended.
	Reason string `json:"reason,omitempty"`
	// Unlocks lists the step/target pairs that wait for it.
	Unlocks   []string   `json:"unlocks,omitempty"`
	Decisions []Decision `json:"decisions,omitempty"`
}

// Decision is one person's answer. Counted is false if it was refused; Reason then says why.
type Decision struct {
	Person  string    `json:"person"`
	Role    string    `json:"role,omitempty"`
	Approve bool      `json:"approve"`
	Counted bool      `json:"counted"`
	Reason  string    `json:"reason,omitempty"`
	Comment string    `json:"comment,omitempty"`
	Via     string    `json:"via,omitempty"`
	At      time.Time `json:"at"`
}

// Granted counts the approvals that count so far.
func (a *Approval) Granted() int {
	n := 0
	for _, d := range a.Decisions {
		if d.Counted && d.Approve {
			n++
		}
	}
	return n
}

// Outcome says in words how the approval ended.
func (a *Approval) Outcome() string {
	switch a.Status {
	case ApprovalNotAsked:
		return "not asked: " + a.Reason
	case ApprovalDenied:
		for _, d := range a.Decisions {
			if d.Counted && !d.Approve {
				return "denied by " + d.Person
			}
		}
	case ApprovalTimedOut:
		return "nobody decided in time"
	case ApprovalPending, ApprovalWaiting, ApprovalGranted:
	}
	return string(a.Status)
}
