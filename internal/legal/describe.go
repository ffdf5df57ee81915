package legal

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Row says in one line where the clock stands at an instant: regime, anchor, whether it is provisional, deadline in UTC, time
// left and owner. A zero instant leaves out the time left.
func (c *Clock) Row(now time.Time) string {
	parts := []string{c.Title + " (" + c.Regime + ")"}
	switch c.Status {
	case Dismissed:
		return join(parts[0], "dismissed by "+c.Dismissal.By+": "+c.Dismissal.Reason)
	case Filed:
		return join(parts[0], "filed by "+c.FiledBy+" at "+stamp(c.FiledAt)+", reference "+c.FiledRef, c.missed())
	case Running, Missed:
	}
	parts = append(parts, c.basis(), c.dueText(now), c.missed())
	if c.Owner == "" {
		parts = append(parts, "no owner named")
	} else {
		parts = append(parts, "owner "+c.Owner)
	}
	if len(c.Delays) > 0 {
		parts = append(parts, "a delay is recorded and stops nothing")
	}
	if c.NeedsCounsel {
		parts = append(parts, "counsel confirms")
	}
	return join(parts...)
}

// basis says what the clock runs from.
func (c *Clock) basis() string {
	switch {
	case c.AnchorMissing && c.Anchor == FiledAt:
		return "anchor missing: runs from the filing of " + strings.Join(c.Rule.ChainTo, " or ")
	case c.AnchorMissing:
		return "anchor missing: " + string(c.Anchor)
	case c.Provisional && (c.Rule.CapHours == 0 || c.Hint == ""):
		return join("PROVISIONAL from "+string(DetectedAt)+", "+string(c.Anchor)+" not set", c.Hint)
	case c.Provisional:
		return "PROVISIONAL from " + string(c.Anchor) + ", " + c.Hint
	}
	return join("from "+string(c.Anchor)+" "+stamp(c.From), c.Hint)
}

func (c *Clock) dueText(now time.Time) string {
	switch {
	case c.AnchorMissing && c.Target == nil:
		return "no due time"
	case c.Deadline().IsZero() && c.Calendar == NoCalendar:
		return "without undue delay, no figure; running since " + stamp(c.start())
	case c.Deadline().IsZero():
		return "no due time"
	}
	text := "due " + stamp(c.Deadline())
	if c.Due.IsZero() {
		text = "counsel's target " + stamp(c.Deadline())
	}
	if left, ok := c.Left(now); ok && !now.IsZero() {
		text += " (" + span(left) + ")"
	}
	return text
}

func (c *Clock) missed() string {
	if len(c.Misses) == 0 {
		return ""
	}
	m := c.Misses[len(c.Misses)-1]
	text := "MISSED " + stamp(m.Due)
	if m.Provisional {
		text += " (provisional)"
	}
	return text
}

// span says how much time is left or how long it has been over.
func span(d time.Duration) string {
	word := "left"
	if d < 0 {
		word, d = "over", -d
	}
	minutes := int(d / time.Minute)
	return fmt.Sprintf("%d h %02d min %s", minutes/60, minutes%60, word)
}

// Warning is the text of a reminder at a percentage of the clock's time.
func (c *Clock) Warning(percent int, now time.Time) []string {
	gone := fmt.Sprintf("%s: %d %% of the time is gone", c.Title, percent)
	if percent >= due {
		gone = c.Title + ": the time is over and no filing is recorded"
	}
	lines := []string{
		join(gone, c.dueText(now), c.people()),
		join("Clock "+c.Regime, c.basis()),
		"Recipient: " + c.Recipient + ". The engine files nothing: record a filing with its reference, set the anchor, or dismiss the clock.",
	}
	return lines
}

func (c *Clock) people() string {
	text := "owner " + cmp.Or(c.Owner, "not named")
	for i, d := range c.Deputies {
		if i == 0 {
			text += "; deputy " + d
			continue
		}
		text += "; then " + d
	}
	return text
}

// Sorted returns the clocks in the order in which people want to see them: open ones with a deadline first, the most urgent
// first, then open ones without one, then those that ended. Clocks that are alike keep their order.
func Sorted(clocks []Clock) []Clock {
	out := clone(clocks)
	slices.SortStableFunc(out, func(a, b Clock) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), a.Deadline().Compare(b.Deadline()))
	})
	return out
}

func (c *Clock) rank() int {
	switch {
	case !c.Open():
		return 3
	case !c.Deadline().IsZero():
		return 0
	case !c.AnchorMissing:
		return 1
	}
	return 2
}
