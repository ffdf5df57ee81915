package legal

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// soon is how long after the first signal a duty may take effect and still be opened: people can become aware that late.
const soon = 30 * 24 * time.Hour

// Open opens a clock for every plausible regime, each provisional from the first signal as the worst case. Clocks come in
// the order of the table. It is called once an incident, where its result is recorded.
func (t *Table) Open(p Profile, d Data, detected time.Time) []Clock {
	var out []Clock
	for _, regime := range t.Regimes() {
		r := t.inForce(regime, detected)
		if r == nil {
			continue
		}
		switch {
		case r.fromContract:
			out = append(out, t.contracts(r, &p, detected)...)
		case switchedOn(&p, regime), r.enabled && r.plausible(&p, &d):
			if len(r.states) > 0 {
				out = append(out, t.states(r, &p, &d, detected)...)
				continue
			}
			out = append(out, t.clock(r, &p, detected))
		}
	}
	return Recompute(out, nil)
}

// inForce picks the version of a regime that applied at the first signal, else the first one that takes effect soon after
// it. A version that is switched off never displaces one that is on.
func (t *Table) inForce(regime string, detected time.Time) *row {
	var found *row
	for i := range t.rows {
		r := &t.rows[i]
		if r.regime != regime || r.upcoming(detected) && r.since().After(detected.Add(soon)) {
			continue
		}
		if found == nil || r.displaces(found, detected) {
			found = r
		}
	}
	return found
}

// upcoming reports whether the row takes effect after the first signal.
func (r *row) upcoming(detected time.Time) bool {
	return !detected.IsZero() && r.since().After(detected)
}

func (r *row) displaces(found *row, detected time.Time) bool {
	switch {
	case r.enabled != found.enabled:
		return r.enabled
	case r.upcoming(detected) != found.upcoming(detected):
		return found.upcoming(detected)
	case r.upcoming(detected):
		return r.since().Before(found.since())
	case !r.since().Equal(found.since()):
		return r.since().After(found.since())
	}
	return r.version > found.version
}

// switchedOn reports whether the organisation's counsel switched the regime on by name.
func switchedOn(p *Profile, regime string) bool {
	return slices.ContainsFunc(p.Also, func(name string) bool { return name == regime || strings.HasPrefix(regime, name+"-") })
}

// states opens the row once for each State concerned.
func (t *Table) states(r *row, p *Profile, d *Data, detected time.Time) []Clock {
	var out []Clock
	for _, state := range statesOf(p, d) {
		if !t.covers(r, state) {
			continue
		}
		n := residents(d, state)
		if slices.Contains(r.applies, stateOver500) && n > 0 && n <= manyResidents {
			continue
		}
		c := t.clock(r, p, detected)
		if len(r.states) > 1 || r.states[0] == anyState {
			c.Regime += "/" + state
			c.Title += " of " + state
		}
		if n > 0 {
			c.Note = join("about "+fmt.Sprint(n)+" residents of "+state+" in the data", c.Note)
		}
		out = append(out, c)
	}
	return out
}

// anyState is a State that no other row names.
const anyState = "*"

func (t *Table) covers(r *row, state string) bool {
	if slices.Contains(r.states, state) {
		return true
	}
	return r.states[0] == anyState && !slices.ContainsFunc(t.rows, func(o row) bool { return slices.Contains(o.states, state) })
}

// contracts opens one clock for each contract that promises a notice.
func (t *Table) contracts(r *row, p *Profile, detected time.Time) []Clock {
	var out []Clock
	for _, contract := range p.Contracts {
		if contract.NotifyHours <= 0 || !r.enabled {
			continue
		}
		c := t.clock(r, p, detected)
		c.Regime += "/" + contract.Party
		c.Title += " with " + contract.Party
		c.Rule.Amount = min(contract.NotifyHours, mostAmount)
		if !p.Drill {
			c.Recipient = contract.Party
		}
		out = append(out, c)
	}
	return out
}

// clock makes a clock from a row.
func (t *Table) clock(r *row, p *Profile, detected time.Time) Clock {
	c := Clock{
		Regime: r.regime, Version: r.version, EffectiveFrom: r.effective, Standing: r.status, Title: r.title,
		Recipient: r.recipient, Content: slices.Clone(r.content), Source: r.source, Calendar: r.calendar, Rule: r.rule.clone(),
		Anchor: r.rule.Trigger[0], Status: Running, NeedsCounsel: r.needsCounsel, Note: r.note, DetectedAt: detected.UTC(), Drill: p.Drill,
	}
	if c.Recipient == "supervisory-authority" && p.LeadAuthority != "" {
		c.Recipient += " " + p.LeadAuthority
	}
	if c.Recipient == fillIn {
		c.Recipient = "not recorded"
	}
	if p.Drill {
		c.Recipient = "drill roster, instead of: " + c.Recipient
		c.Rule.Compress = p.Compress
	}
	if c.Calendar == BusinessDays {
		b := t.business
		b.Holidays = slices.Clone(b.Holidays)
		c.Rule.Business = &b
	}
	switch {
	case r.effective == fillIn || r.effective == unknown:
		c.Note = join("effective date not recorded", c.Note)
	case r.upcoming(detected):
		c.Note = join("takes effect on "+r.effective, c.Note)
	}
	if len(p.Owners) > 0 {
		c.Owner, c.Deputies = p.Owners[0], slices.Clone(p.Owners[1:])
	}
	return c
}

func (r Rule) clone() Rule {
	r.Trigger, r.ChainTo = slices.Clone(r.Trigger), slices.Clone(r.ChainTo)
	return r
}

func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}
