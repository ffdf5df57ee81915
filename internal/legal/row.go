package legal

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// row reads one row of the table.
func (p *parser) row(n *yaml.Node) {
	r := row{line: n.Line, column: n.Column}
	var triggers []string
	var calendar, chainFrom string
	var duration *yaml.Node
	p.mapping(n, "a regime", keys{
		{"regime", p.text(&r.regime)}, {"version", p.integer(&r.version)}, {"effective_from", p.effective(&r.effective)},
		{"title", p.text(&r.title)}, {"trigger", p.texts(&triggers)}, {"duration", func(n *yaml.Node) { duration = n }},
		{"calendar", p.one(&calendar, "calendar", string(Hours), string(BusinessDays), string(Days), string(Months), string(NoCalendar))},
		{"recipient", p.text(&r.recipient)}, {"content", p.texts(&r.content)}, {"chain_to", p.texts(&r.rule.ChainTo)},
		{"source", p.text(&r.source)}, {"applies", p.conditions(&r.applies)}, {"enabled", p.boolean(&r.enabled)},
		{"needs_counsel", p.boolean(&r.needsCounsel)}, {"status", p.one(&r.status, "status", confirmed, secondary, unverified)},
		{"states", p.texts(&r.states)}, {"chain_from", p.one(&chainFrom, "chain-from", "first", "latest")},
		{"repeats", p.boolean(&r.rule.Repeats)}, {"note", p.text(&r.note)},
	}, []string{"states", "chain_from", "repeats", "note"})
	r.calendar, r.rule.ChainLatest = Calendar(calendar), chainFrom == "latest"
	for _, t := range triggers {
		if !slices.Contains(Anchors(), Anchor(t)) {
			p.fault(n, "anchor", "regime %s: anchor %q is not known", r.regime, t)
		}
		r.rule.Trigger = append(r.rule.Trigger, Anchor(t))
	}
	if duration != nil && calendar != "" {
		p.duration(duration, &r)
	}
	p.rules(n, &r)
	p.table.rows = append(p.table.rows, r)
}

// rules are what must hold within a row.
func (p *parser) rules(n *yaml.Node, r *row) {
	chained := slices.Contains(r.rule.Trigger, FiledAt)
	switch {
	case len(r.rule.Trigger) == 0:
		p.fault(n, "trigger", "regime %s needs an anchor", r.regime)
	case (len(r.rule.Trigger) == 2) != (r.rule.CapHours > 0):
		p.fault(n, "trigger", "regime %s: two anchors go with the three-part duration, and one with any other", r.regime)
	case len(r.rule.Trigger) > 2:
		p.fault(n, "trigger", "regime %s has more than two anchors", r.regime)
	case chained != (len(r.rule.ChainTo) > 0):
		p.fault(n, "chain", "regime %s: the trigger %s and chain_to go together", r.regime, FiledAt)
	}
	dated := r.effective == inForce || !r.since().IsZero()
	if r.enabled && r.effective == unknown {
		p.fault(n, "effective-from", "regime %s is enabled although its effective date is unknown", r.regime)
	}
	if r.enabled && (!dated || r.status == unverified) && !r.needsCounsel {
		p.fault(n, "needs-counsel", "regime %s is enabled without a confirmed date or source, so it needs counsel", r.regime)
	}
}

// duration reads the duration in the unit of the row's calendar.
func (p *parser) duration(n *yaml.Node, r *row) {
	if n.Kind == yaml.MappingNode {
		p.durationParts(n, r)
		return
	}
	if r.fromContract = n.Value == "from-contract"; r.fromContract {
		return
	}
	if (n.Value == "none") != (r.calendar == NoCalendar) {
		p.fault(n, "duration", "the duration none and the calendar none go together")
		return
	}
	if r.calendar == NoCalendar {
		return
	}
	p.amount(n, r.calendar, &r.rule.Amount)
}

func (p *parser) durationParts(n *yaml.Node, r *row) {
	if len(n.Content) > 0 && n.Content[0].Value == "after_year_end" {
		r.rule.YearEnd = true
		p.mapping(n, "a duration", keys{{"after_year_end", func(n *yaml.Node) { p.amount(n, Days, &r.rule.Amount) }}}, nil)
		return
	}
	p.mapping(n, "a duration", keys{
		{"from_classified", func(n *yaml.Node) { p.amount(n, Hours, &r.rule.Amount) }},
		{"cap_from_aware", func(n *yaml.Node) { p.amount(n, Hours, &r.rule.CapHours) }},
		{"late_rule", func(n *yaml.Node) {
			late := *n
			var ok bool
			if late.Value, ok = strings.CutSuffix(n.Value, "-from-classified"); !ok {
				p.fault(n, "duration", "%q is not a number of hours from-classified", n.Value)
				return
			}
			p.amount(&late, Hours, &r.rule.LateHours)
		}},
	}, nil)
}

// mostAmount bounds a duration, so that arithmetic with it cannot overflow.
const mostAmount = 10_000

// amount reads 72h, 15d or 1mo, with the unit that the calendar has.
func (p *parser) amount(n *yaml.Node, calendar Calendar, into *int) {
	unit := map[Calendar]string{Hours: "h", Days: "d", BusinessDays: "d", Months: "mo"}[calendar]
	digits, ok := strings.CutSuffix(n.Value, unit)
	v, err := strconv.Atoi(digits)
	if !ok || err != nil || v <= 0 || v > mostAmount {
		p.fault(n, "duration", "%q is not a duration of the calendar %s, e.g. 3%s", n.Value, calendar, unit)
		return
	}
	*into = v
}

func (p *parser) effective(into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		*into = n.Value
		if _, err := time.Parse(time.DateOnly, n.Value); err != nil && !slices.Contains([]string{inForce, fillIn, unknown}, n.Value) {
			p.fault(n, "effective-from", "%q is neither a date nor one of %s, %s, %s", n.Value, inForce, fillIn, unknown)
		}
	}
}

func (p *parser) conditions(into *[]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		p.texts(into)(n)
		for _, c := range *into {
			if !slices.Contains(conditionNames(), c) {
				p.fault(n, "condition", "condition %q is not known (known: %s)", c, strings.Join(conditionNames(), ", "))
			}
		}
	}
}

// businessDays reads the calendar of business days.
func (p *parser) businessDays(n *yaml.Node) {
	b := &p.table.business
	p.mapping(n, "business_days", keys{
		{"utc_offset", func(n *yaml.Node) {
			d, err := time.ParseDuration(n.Value)
			if err != nil || d < -14*time.Hour || d > 14*time.Hour {
				p.fault(n, "offset", "%q is not an offset from UTC, e.g. -5h", n.Value)
			}
			b.OffsetMinutes = int(d / time.Minute)
		}},
		{"day_ends_utc", func(n *yaml.Node) {
			t, err := time.Parse("15:04", n.Value)
			if err != nil {
				p.fault(n, "time", "%q is not a time of day, e.g. 21:30", n.Value)
			}
			b.EndMinutes = t.Hour()*60 + t.Minute()
		}},
		{"through", func(n *yaml.Node) { b.Through = p.date(n) }},
		{"holidays", func(n *yaml.Node) {
			p.sequence(n, "holidays", func(year *yaml.Node) {
				p.sequence(year, "the holidays of a year", func(day *yaml.Node) { b.Holidays = append(b.Holidays, p.date(day)) })
			})
		}},
	}, nil)
}

func (p *parser) date(n *yaml.Node) string {
	if _, err := time.Parse(time.DateOnly, n.Value); err != nil {
		p.fault(n, "date", "%q is not a date, e.g. 2026-11-26", n.Value)
	}
	return n.Value
}

// check is what must hold between rows.
func (p *parser) check() {
	names := p.table.Regimes()
	if len(names) == 0 {
		p.fault(nil, "empty", "the table has no regimes")
	}
	for i := range p.table.rows {
		r := &p.table.rows[i]
		place := &yaml.Node{Line: r.line, Column: r.column}
		for j := range p.table.rows[:i] {
			if o := &p.table.rows[j]; o.regime == r.regime && o.version == r.version {
				p.fault(place, "duplicate", "regime %s version %d is in line %d already", r.regime, r.version, o.line)
			}
		}
		for _, c := range r.rule.ChainTo {
			if !slices.Contains(names, c) || c == r.regime {
				p.fault(place, "chain", "regime %s: chain_to %q is not another row", r.regime, c)
			}
		}
	}
}
