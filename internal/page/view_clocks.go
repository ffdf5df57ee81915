package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/signin"
)

// clocks shows what runs first, by what is due first.
func (view *incidentView) clocks(now time.Time, anchors []string) {
	wanted := map[string]bool{}
	for i := range view.R.Clocks {
		c := &view.R.Clocks[i]
		k := clockView{Clock: c, Runs: clockRuns(c)}
		k.Late = k.Runs && !c.Due.IsZero() && now.After(c.Due)
		switch {
		case !k.Runs:
			k.Mark = mark{c.Status, "✓", "good"}
		case k.Late:
			k.Mark = mark{"overdue", "✗", "bad"}
		case c.Due.IsZero():
			k.Mark = mark{"no deadline yet", "?", "warn"}
		default:
			k.Mark = mark{"running", "…", "wait"}
		}
		k.About = aboutClock(c, k.Runs)
		wanted[c.Anchor] = wanted[c.Anchor] || k.Runs && (c.AnchorMissing || c.Provisional)
		view.Clocks = append(view.Clocks, k)
	}
	slices.SortStableFunc(view.Clocks, func(a, b clockView) int { return clockRank(a).Compare(clockRank(b)) })
	if len(view.Clocks) > mostOthers {
		view.Clocks, view.Cut = view.Clocks[:mostOthers], true
	}
	for _, a := range anchors {
		if wanted[a] {
			view.Find = append(view.Find, a)
		}
	}
}

func aboutClock(c *incident.Clock, runs bool) string {
	var parts []string
	if runs && c.AnchorMissing {
		parts = append(parts, "its anchor "+words(c.Anchor)+" is missing, so that no deadline is computed")
	}
	if runs && c.Provisional {
		parts = append(parts, "provisional: the worst case, until somebody sets "+words(c.Anchor))
	}
	if runs && c.NeedsCounsel {
		parts = append(parts, "needs counsel")
	}
	if c.Reference != "" {
		parts = append(parts, "reference "+c.Reference)
	}
	if c.Note != "" {
		parts = append(parts, c.Note)
	}
	return strings.Join(parts, "; ")
}

// clockRank orders clocks: by deadline, then those without one, then those that have ended.
func clockRank(c clockView) time.Time {
	switch {
	case !c.Runs:
		return time.Unix(1<<40, 0)
	case c.Due.IsZero():
		return time.Unix(1<<39, 0)
	}
	return c.Due
}

func clockRuns(c *incident.Clock) bool { return c.Status != "filed" && c.Status != "dismissed" }

// nextClock is the running clock that is due first, or nil.
func nextClock(r *incident.Record) *incident.Clock {
	var next *incident.Clock
	for i := range r.Clocks {
		if c := &r.Clocks[i]; clockRuns(c) && !c.Due.IsZero() && (next == nil || c.Due.Before(next.Due)) {
			next = c
		}
	}
	return next
}

func (view *incidentView) legal(inv *inventory.Inventory, v signin.Viewer) {
	r := view.R
	view.Legal = legalView{Legal: r.Legal, Owed: r.Radius.PersonalData && r.Legal.TS == ""}
	view.Legal.Form = r.Legal.TS != "" && r.Legal.AcknowledgedBy == "" && r.Progress != incident.Closed && view.Run == "" &&
		v.Person != nil && mayAcknowledge(inv, v.Person)
}

// glances say at the top what is proved, what is missing and what waits.
func (view *incidentView) glances(now time.Time) {
	r := view.R
	of := func(name string, role incident.Role) {
		proved, all := 0, 0
		for i := range r.Steps {
			s := &r.Steps[i]
			if s.Role != role || s.Target == "" || s.Omitted {
				continue
			}
			all++
			if s.Status == incident.Done && s.Verified {
				proved++
			}
		}
		if all == 0 {
			return
		}
		m := mark{Sign: "✓", Class: "good"}
		if proved < all {
			m = mark{Sign: "✗", Class: "bad"}
			if role == incident.RoleRecovery || role == incident.RoleEvidence {
				m = mark{Sign: "○", Class: "wait"}
			}
		}
		view.Glance = append(view.Glance, glance{Name: name, Value: fmt.Sprintf("%d of %d proved", proved, all), Mark: m})
	}
	of("Contained", incident.RoleContainment)
	of("Quarantined", incident.RoleEradication)
	of("Evidence", incident.RoleEvidence)
	of("Recovery", incident.RoleRecovery)
	of("Legal told", incident.RoleNotification)
	if n := len(view.Waiting); n > 0 {
		view.Glance = append(view.Glance, glance{Name: "Approvals", Value: fmt.Sprintf("%d waiting", n), Mark: mark{Sign: "!", Class: "warn"}})
	}
	if n := len(view.Tasks); n > 0 {
		view.Glance = append(view.Glance, glance{Name: "Tasks", Value: fmt.Sprintf("%d open", n), Mark: mark{Sign: "!", Class: "warn"}})
	}
	if c := nextClock(r); c != nil && r.Progress != incident.Closed {
		g := glance{Name: "Next legal deadline", Due: c.Due, Value: c.Title, Mark: mark{Sign: "…", Class: "wait"}}
		if now.After(c.Due) {
			g.Mark = mark{Sign: "✗", Class: "bad"}
		}
		view.Glance = append(view.Glance, g)
	}
}
