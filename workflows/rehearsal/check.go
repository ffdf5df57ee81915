package rehearsal

import (
	"fmt"
	"slices"
	"strings"

	"firebreak/internal/incident"
)

// Mismatch is one expectation that was not met. Want and Got are for people and may have several lines.
type Mismatch struct {
	What string `json:"what"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

// checker holds the expectations against what happened.
type checker struct {
	*world
	rec *incident.Record
	out []Mismatch
}

func (w *world) check() []Mismatch {
	c := &checker{world: w, rec: w.settled}
	if want := w.c.Expect.Fails; want != "" || w.failure != nil {
		c.failed(want)
		return c.out
	}
	c.people()
	c.givens()
	e := &w.c.Expect
	c.names(e)
	c.sequence(e)
	for _, n := range e.Never {
		p := parsePattern(n)
		if i := slices.IndexFunc(w.seen, p.fits); i >= 0 {
			c.miss("never", n, fmt.Sprintf("%s at %s", w.seen[i], w.seen[i].At))
		}
	}
	if e.Undone != nil {
		c.undone(e.Undone)
	}
	c.is("verdict", string(e.Verdict), string(c.rec.Verdict))
	c.is("progress", string(e.Progress), string(c.rec.Progress))
	if e.Gaps != nil {
		c.gaps(e.Gaps)
	}
	c.statuses(e)
	for _, want := range e.Timeline {
		lines := timeline(c.rec)
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, want) }) {
			c.miss("timeline", want, strings.Join(lines, "\n"))
		}
	}
	return c.out
}

func (c *checker) miss(what, want, got string) {
	c.out = append(c.out, Mismatch{What: what, Want: want, Got: got})
}

func (c *checker) is(what, want, got string) {
	if want != "" && want != got {
		c.miss(what, want, got)
	}
}

func (c *checker) failed(want string) {
	got := "it did not fail"
	if c.failure != nil {
		got = c.failure.Error()
	}
	if want == "" || !strings.Contains(got, want) {
		c.miss("fails", orNone(want), got)
	}
}

func orNone(s string) string {
	if s == "" {
		return "(nothing)"
	}
	return s
}

// people: an act that is refused, or never came to be, is as much a deviation as a step that did not run.
func (c *checker) people() {
	for _, a := range c.acts {
		what := "people: " + a.String()
		switch {
		case !a.begun && a.due:
			c.miss(what, orAccepted(a.Refused), "the incident had ended before")
		case !a.begun:
			c.miss(what, "it is asked for", fmt.Sprintf("%s was never asked", *a.verb().value))
		case a.wrong != "":
			c.miss(what, orAccepted(a.Refused), a.wrong)
		case !a.ended:
			c.miss(what, orAccepted(a.Refused), "no answer before the incident ended")
		case a.Refused == "" && !a.accepted, a.Refused != "" && (a.accepted || !strings.Contains(a.message, a.Refused)):
			c.miss(what, orAccepted(a.Refused), answer(a))
		}
	}
}

func orAccepted(refused string) string {
	if refused == "" {
		return "accepted"
	}
	return "refused: " + refused
}

func answer(a *acting) string {
	if a.accepted {
		return "accepted: " + a.message
	}
	return "refused: " + a.message
}

// givens: one that was never about any call is a mistake in the case.
func (c *checker) givens() {
	for i, g := range c.world.c.Given {
		if !c.met[i] {
			c.miss("given", Call{Step: g.Step, Target: orAny(g.Target), Stage: g.Stage}.String()+" is called", "never")
		}
	}
}

func orAny(target string) string {
	if target == "" {
		return "*"
	}
	return target
}

// names: an expectation about a target that the incident does not have would pass for nothing.
func (c *checker) names(e *Expect) {
	known := func(where, name string) {
		p := parsePattern(name)
		if p.target == "" || strings.Contains(p.step, ":") {
			return
		}
		if !slices.ContainsFunc(c.rec.Steps, func(s incident.Step) bool { return s.ID == p.step && s.Target == p.target }) {
			c.miss(where, name, fmt.Sprintf("step %s has no target %q; it has: %s", p.step, p.target, targets(c.rec, p.step)))
		}
	}
	for _, n := range e.Never {
		known("never", n)
	}
	for _, g := range slices.Concat(e.Sequence, e.Undone) {
		for _, n := range g {
			known("sequence", n)
		}
	}
}

func targets(rec *incident.Record, step string) string {
	var out []string
	for _, s := range rec.Steps {
		if s.ID == step && s.Target != "" {
			out = append(out, s.Target)
		}
	}
	return orNone(strings.Join(out, ", "))
}

// gaps are compared both ways: a new gap is a change, too.
func (c *checker) gaps(want []string) {
	held := func(gap, part string) bool { return strings.Contains(gap, part) }
	missing := slices.ContainsFunc(want, func(part string) bool {
		return !slices.ContainsFunc(c.rec.Gaps, func(gap string) bool { return held(gap, part) })
	})
	extra := slices.ContainsFunc(c.rec.Gaps, func(gap string) bool {
		return !slices.ContainsFunc(want, func(part string) bool { return held(gap, part) })
	})
	if missing || extra {
		c.miss("gaps", orNone(strings.Join(want, "\n")), orNone(strings.Join(c.rec.Gaps, "\n")))
	}
}

func timeline(rec *incident.Record) []string {
	var out []string
	for _, e := range rec.Timeline {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s: %s", e.At.Sub(rec.OpenedAt), e.Step, e.Target, e.What)))
	}
	return out
}
