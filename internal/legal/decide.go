package legal

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Dismiss returns the clocks with one dismissed by a person of legal or privacy, who gives a reason. The clock stays listed.
func Dismiss(clocks []Clock, regime string, d Decision) ([]Clock, error) {
	if err := person(d.By, d.Role, d.Reason); err != nil {
		return clocks, err
	}
	return change(clocks, regime, func(c *Clock) error {
		if !c.Open() {
			return fmt.Errorf("clock %s is %s already", regime, c.Status)
		}
		d.At = d.At.UTC()
		c.Status, c.Dismissal = Dismissed, &d
		return nil
	})
}

// File records that people filed: it needs the reference that the recipient gave and a person of legal or privacy. Call
// Recompute afterwards: other clocks may run from this filing. A filing may be recorded for a missed clock, and again for one
// that was filed, e.g. a further intermediate report; the first stays recorded.
func File(clocks []Clock, regime string, f Filing) ([]Clock, error) {
	switch {
	case f.Ref == "":
		return clocks, errors.New("a filing needs the reference that the recipient gave")
	case f.At.IsZero() || f.At.After(f.RecordedAt):
		return clocks, fmt.Errorf("a filing needs the time at which it was made, not later than now")
	}
	if err := person(f.By, f.Role, f.Ref); err != nil {
		return clocks, err
	}
	return change(clocks, regime, func(c *Clock) error {
		if c.Status == Dismissed {
			return fmt.Errorf("clock %s is dismissed", regime)
		}
		if slices.ContainsFunc(c.Filings, func(o Filing) bool { return o.Ref == f.Ref }) {
			return fmt.Errorf("filing %s of clock %s is recorded already", f.Ref, regime)
		}
		f.At, f.RecordedAt = f.At.UTC(), f.RecordedAt.UTC()
		f.Late = c.Status != Filed && !c.Due.IsZero() && f.At.After(c.Due)
		c.Filings = append(slices.Clone(c.Filings), f)
		c.FiledRef, c.FiledBy, c.FiledAt = f.Ref, f.By, f.At
		c.Status = Filed
		if c.Rule.Repeats {
			c.Status = Running
		}
		return nil
	})
}

// SetTarget records the time by which counsel wants a duty fulfilled for which the law names no figure. Reminders then count
// towards it. A clock that has a legal deadline takes none.
func SetTarget(clocks []Clock, regime string, due time.Time, d Decision) ([]Clock, error) {
	if err := person(d.By, d.Role, d.Reason); err != nil {
		return clocks, err
	}
	return change(clocks, regime, func(c *Clock) error {
		switch {
		case !c.Open():
			return fmt.Errorf("clock %s is %s already", regime, c.Status)
		case c.Calendar != NoCalendar:
			return fmt.Errorf("clock %s has a deadline of its own", regime)
		case !due.After(d.At):
			return fmt.Errorf("a target lies in the future")
		}
		d.At = d.At.UTC()
		c.Target, c.Escalated, c.Status = &Target{Decision: d, Due: due.UTC()}, nil, Running
		return nil
	})
}

// RecordDelay records a decision of counsel to wait, e.g. at the request of law enforcement. The clock runs on.
func RecordDelay(clocks []Clock, regime string, d Delay) ([]Clock, error) {
	if err := person(d.By, d.Role, d.Reason); err != nil {
		return clocks, err
	}
	return change(clocks, regime, func(c *Clock) error {
		if !c.Open() {
			return fmt.Errorf("clock %s is %s already", regime, c.Status)
		}
		d.At, d.Until = d.At.UTC(), d.Until.UTC()
		c.Delays = append(slices.Clone(c.Delays), d)
		return nil
	})
}

// change applies a decision to a copy of the clocks. If it is refused the clocks are returned as they were.
func change(clocks []Clock, regime string, decide func(*Clock) error) ([]Clock, error) {
	i := Find(clocks, regime)
	if i < 0 {
		return clocks, fmt.Errorf("the incident has no clock %q", regime)
	}
	out := clone(clocks)
	if err := decide(&out[i]); err != nil {
		return clocks, err
	}
	return out, nil
}
