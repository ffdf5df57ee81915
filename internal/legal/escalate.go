package legal

import (
	"slices"
	"time"
)

// due is the last reminder: the deadline itself.
const due = 100

// percentages returns the shares of a clock's time at which people are reminded.
func percentages() []int { return []int{25, 50, 75, 90, due} }

// NextEscalation returns which clock's reminder is next, at what percentage of its time, and when. If that instant is not
// after now, the reminder is to be sent at once; of several that have passed, only the last is returned. It is false if no
// open clock with a deadline has a reminder left. Of two at the same instant the first clock comes first.
func NextEscalation(clocks []Clock, now time.Time) (index, percent int, at time.Time, ok bool) {
	for i := range clocks {
		p, t, found := clocks[i].next(now)
		if found && (!ok || t.Before(at)) {
			index, percent, at, ok = i, p, t, true
		}
	}
	return index, percent, at, ok
}

// next returns the clock's own next reminder.
func (c *Clock) next(now time.Time) (percent int, at time.Time, ok bool) {
	if c.Status != Running || c.Deadline().IsZero() || c.start().IsZero() {
		return 0, time.Time{}, false
	}
	done := 0
	if len(c.Escalated) > 0 {
		done = slices.Max(c.Escalated)
	}
	for _, p := range percentages() {
		if p <= done {
			continue
		}
		t := c.share(p)
		if ok && t.After(now) {
			break
		}
		percent, at, ok = p, t, true
		if t.After(now) {
			break
		}
	}
	return percent, at, ok
}

// share is the instant at which so many percent of the clock's time are gone.
func (c *Clock) share(percent int) time.Time {
	if percent == due {
		return c.Deadline()
	}
	total := c.Deadline().Sub(c.start())
	return c.start().Add(total / due * time.Duration(percent))
}

// Escalate returns the clocks with one reminder marked as sent. At 100 percent the clock is missed; that stays recorded.
func Escalate(clocks []Clock, index, percent int, at time.Time) []Clock {
	out := clone(clocks)
	c := &out[index]
	c.Escalated = append(slices.Clone(c.Escalated), percent)
	if percent >= due {
		c.Status = Missed
		c.Misses = append(slices.Clone(c.Misses), Miss{Due: c.Deadline(), Provisional: c.Provisional, RecordedAt: at.UTC()})
	}
	return out
}

// Addressees are the people whom a reminder goes to: the owner, from 50 percent also the deputy, from 75 percent everybody up
// to the general counsel.
func (c *Clock) Addressees(percent int) []string {
	var all []string
	if c.Owner != "" {
		all = append(all, c.Owner)
	}
	all = append(all, c.Deputies...)
	switch {
	case percent < 50:
		return all[:min(1, len(all))]
	case percent < 75:
		return all[:min(2, len(all))]
	}
	return all
}
