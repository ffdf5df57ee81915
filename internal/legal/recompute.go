package legal

import (
	"fmt"
	"slices"
	"time"
)

// Recompute returns the clocks with the deadlines that follow from the anchors found so far and from the filings recorded in
// the clocks. Call it after every anchor, filing and dismissal: minima, late rules and chains are evaluated anew. What was
// filed or dismissed stays as it is. A deadline that moves starts its reminders again; that the former one was missed stays
// recorded.
func Recompute(clocks []Clock, anchors []AnchorSet) []Clock {
	out := clone(clocks)
	for i := range out {
		c := &out[i]
		if !c.Open() {
			continue
		}
		was := c.Deadline()
		c.anchor(out, anchors)
		if !c.Deadline().Equal(was) {
			c.Escalated, c.Status = nil, Running
		}
	}
	return out
}

// anchor sets what the clock runs from, and its deadline.
func (c *Clock) anchor(all []Clock, anchors []AnchorSet) {
	c.From, c.Due, c.Hint = time.Time{}, time.Time{}, ""
	c.Anchor, c.AnchorMissing, c.Provisional = c.Rule.Trigger[0], false, false
	switch {
	case c.Anchor == FiledAt:
		c.chained(all)
	case c.Rule.CapHours > 0:
		c.capped(anchors)
	default:
		from, set := at(anchors, c.Anchor, c.Regime)
		c.single(from, set)
	}
	if c.AnchorMissing {
		c.From, c.Due = time.Time{}, time.Time{}
	}
	if c.Due.IsZero() && c.Calendar == BusinessDays && !c.AnchorMissing {
		c.Hint = join(c.Hint, "the calendar of business days ends before the deadline; counsel counts")
	}
}

// single is a clock with one anchor. Without a finding it runs provisionally from the first signal.
func (c *Clock) single(from time.Time, set bool) {
	if set {
		c.run(from, false)
		return
	}
	if c.Anchor.later() {
		c.AnchorMissing = true
		return
	}
	c.run(c.DetectedAt, true)
}

// run computes the deadline from an instant; a zero one is a missing anchor.
func (c *Clock) run(from time.Time, provisional bool) {
	if from.IsZero() {
		c.AnchorMissing = true
		return
	}
	c.From, c.Provisional = from.UTC(), provisional
	c.Due = c.compressed(c.From, c.deadline(c.From))
}

// chained is a clock that runs from a filing. Until there is one it has no deadline.
func (c *Clock) chained(all []Clock) {
	if n := len(c.Filings); c.Rule.Repeats && n > 0 {
		c.run(c.Filings[n-1].At, false)
		return
	}
	var from time.Time
	for _, regime := range c.Rule.ChainTo {
		i := Find(all, regime)
		if i < 0 {
			continue
		}
		for _, f := range all[i].Filings {
			if from.IsZero() || f.At.After(from) == c.Rule.ChainLatest {
				from = f.At
			}
		}
	}
	c.run(from, false)
}

// capped is a clock with an outer limit from a second anchor (RTS 2025/301 Art. 5): so many hours from the classification,
// but not later than so many from awareness, unless the classification itself came later than that. While only one of the
// two anchors is known, the deadline is what follows from that one, and provisional.
func (c *Clock) capped(anchors []AnchorSet) {
	first, second := c.Rule.Trigger[0], c.Rule.Trigger[1]
	classified, setFirst := at(anchors, first, c.Regime)
	aware, setSecond := at(anchors, second, c.Regime)
	limit := aware.Add(time.Duration(c.Rule.CapHours) * time.Hour)
	switch {
	case !setFirst && !setSecond:
		c.run(c.DetectedAt, true)
	case classified.IsZero() && aware.IsZero():
		c.AnchorMissing = true
	case aware.IsZero():
		c.run(classified, true)
		c.Hint = fmt.Sprintf("%s is missing: the outer limit is not known", second)
	case classified.IsZero():
		c.Anchor, c.From, c.Provisional = second, aware.UTC(), true
		c.Due = c.compressed(c.From, limit.UTC())
		c.Hint = fmt.Sprintf("%s is missing: the outer limit from %s", first, second)
	case classified.After(limit):
		late := time.Duration(c.Rule.LateHours) * time.Hour
		c.From = classified.UTC()
		c.Due = c.compressed(c.From, c.From.Add(late))
		c.Hint = fmt.Sprintf("%s is later than %d h after %s: the late rule", first, c.Rule.CapHours, second)
	default:
		c.run(classified, false)
		if limit.Before(classified.Add(time.Duration(c.Rule.Amount) * time.Hour)) {
			c.Anchor, c.From = second, aware.UTC()
			c.Due = c.compressed(c.From, limit.UTC())
		}
	}
}

// clone copies the clocks, so that no caller's slice is changed. Lists within a clock are replaced, never written to.
func clone(clocks []Clock) []Clock { return slices.Clone(clocks) }
