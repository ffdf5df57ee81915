package legal

import (
	"slices"
	"time"
)

// Status is where a clock stands.
type Status string

// A clock runs until it is filed or dismissed by a person. A missed clock can still be filed; that it was missed stays.
const (
	Running   Status = "running"
	Dismissed Status = "dismissed"
	Filed     Status = "filed"
	Missed    Status = "missed"
)

// Clock is one duty to notify, in one incident. Its JSON form is in workflow history: fields are only ever added.
type Clock struct {
	// Regime identifies the clock in its incident, e.g. gdpr-33-1, us-states-30/NY or contract/brightcart.
	Regime string `json:"regime"`
	// Version and EffectiveFrom are those of the table's row. Standing says how sure the table is of it: confirmed, secondary
	// or unverified.
	Version       int      `json:"version"`
	EffectiveFrom string   `json:"effective_from"`
	Standing      string   `json:"standing"`
	Title         string   `json:"title"`
	Recipient     string   `json:"recipient"`
	Content       []string `json:"content,omitempty"`
	Source        string   `json:"source"`
	Calendar      Calendar `json:"calendar"`
	Rule          Rule     `json:"rule"`

	// Anchor is what the duty runs from. From is the instant that the deadline was computed from; it is the first signal
	// while the clock is provisional, and zero while the anchor is missing.
	Anchor        Anchor    `json:"anchor"`
	From          time.Time `json:"from,omitzero"`
	AnchorMissing bool      `json:"anchor_missing,omitempty"`
	// Provisional means that the deadline is the worst case and that people have not confirmed its anchor.
	Provisional bool `json:"provisional,omitempty"`
	// Due is zero if there is no deadline. Target is what counsel set where the law names no figure; it never replaces Due.
	Due    time.Time `json:"due,omitzero"`
	Target *Target   `json:"target,omitempty"`

	Status Status `json:"status"`
	// FiledRef, FiledBy and FiledAt are those of the latest filing.
	FiledRef  string    `json:"filed_ref,omitempty"`
	FiledBy   string    `json:"filed_by,omitempty"`
	FiledAt   time.Time `json:"filed_at,omitzero"`
	Filings   []Filing  `json:"filings,omitempty"`
	Dismissal *Decision `json:"dismissal,omitempty"`
	Delays    []Delay   `json:"delays,omitempty"`
	Misses    []Miss    `json:"misses,omitempty"`
	// Escalated are the percentages of the present deadline that people were reminded of.
	Escalated []int `json:"escalated,omitempty"`

	// Owner is the named legal owner. Deputies are the deputy and the general counsel.
	Owner        string   `json:"owner,omitempty"`
	Deputies     []string `json:"deputies,omitempty"`
	NeedsCounsel bool     `json:"needs_counsel,omitempty"`
	// Note is the table's remark; Hint says what the present deadline lacks.
	Note       string    `json:"note,omitempty"`
	Hint       string    `json:"hint,omitempty"`
	DetectedAt time.Time `json:"detected_at,omitzero"`
	Drill      bool      `json:"drill,omitempty"`
}

// Decision is what a person of legal or privacy decided, and why.
type Decision struct {
	By     string    `json:"by"`
	Role   string    `json:"role"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Filing is a notification that people made, never the engine. At is when it was made, RecordedAt when it was recorded.
type Filing struct {
	Ref        string    `json:"ref"`
	By         string    `json:"by"`
	Role       string    `json:"role"`
	At         time.Time `json:"at"`
	RecordedAt time.Time `json:"recorded_at"`
	// Late is true if the filing was made after the deadline.
	Late bool `json:"late,omitempty"`
}

// Delay is a recorded decision to wait, e.g. at the request of law enforcement. It stops no clock.
type Delay struct {
	Decision
	Until time.Time `json:"until,omitzero"`
}

// Target is the time by which counsel wants a duty fulfilled for which the law names no figure.
type Target struct {
	Decision
	Due time.Time `json:"due"`
}

// Miss is a deadline that passed without a filing.
type Miss struct {
	Due         time.Time `json:"due"`
	Provisional bool      `json:"provisional,omitempty"`
	RecordedAt  time.Time `json:"recorded_at"`
}

// Deadline is when the clock ends: the legal deadline, else counsel's target, else zero.
func (c *Clock) Deadline() time.Time {
	if c.Due.IsZero() && c.Target != nil {
		return c.Target.Due
	}
	return c.Due
}

// Open reports whether the clock still waits for a filing or a dismissal.
func (c *Clock) Open() bool { return c.Status == Running || c.Status == Missed }

// AllEnded reports whether every clock is filed or dismissed.
func AllEnded(clocks []Clock) bool {
	return !slices.ContainsFunc(clocks, func(c Clock) bool { return c.Open() })
}

// Find returns the place of a regime's clock, or -1.
func Find(clocks []Clock, regime string) int {
	return slices.IndexFunc(clocks, func(c Clock) bool { return c.Regime == regime })
}

// start is where the time of a clock is measured from.
func (c *Clock) start() time.Time {
	switch {
	case !c.From.IsZero():
		return c.From
	case !c.DetectedAt.IsZero():
		return c.DetectedAt
	case c.Target != nil:
		return c.Target.At
	}
	return time.Time{}
}

// Left is how long is left at an instant until the deadline; it is negative after it. It is false if there is none.
func (c *Clock) Left(now time.Time) (time.Duration, bool) {
	if c.Deadline().IsZero() {
		return 0, false
	}
	return c.Deadline().Sub(now), true
}
