package rehearsal

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/testsuite"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
	"firebreak/workflows"
)

const (
	// lookEvery is the least workflow time between two looks whether anything is left to happen. It is longer than the longest
	// pause between two attempts of the engine.
	lookEvery = 2 * time.Minute
	// longestEnding bounds how many looks an incident that was ended may go on undoing before that counts as hopeless.
	longestEnding = 60
)

// look ends the run once nothing is left to happen.
func (w *world) look() {
	if w.env.IsWorkflowCompleted() || w.settled != nil {
		return
	}
	rec := w.status("")
	if rec == nil {
		return
	}
	family := w.family(rec)
	state := ""
	if !w.expecting(rec) && !slices.ContainsFunc(family, w.waiting) {
		state = stateOf(family)
	}
	rests := state != "" && state == w.last
	w.last = state
	switch {
	case endedBy(rec) != "":
		// It ends by itself, unless an undo never succeeds.
		if w.endings++; w.endings > longestEnding {
			w.hold(rec)
			return
		}
	case rests:
		w.hold(rec)
		w.end()
		return
	}
	w.env.RegisterDelayedCallback(w.look, w.pause(family))
}

// end closes the incident as its first commander does.
func (w *world) end() {
	i := slices.IndexFunc(w.inv.People, func(p inventory.Person) bool { return p.Role == "IC" })
	if i < 0 {
		panic("nobody in the inventory is an IC, so nobody can close the incident")
	}
	// A refusal would leave the run without an end.
	answered := func(v any, err error) {
		if out, ok := v.(workflows.DecisionOutcome); err != nil || !ok || !out.Accepted {
			panic(fmt.Sprintf("the incident cannot be closed: %s %v", out.Message, err))
		}
	}
	w.env.UpdateWorkflow(workflows.CloseIncidentUpdate, "", &testsuite.TestUpdateCallback{
		OnAccept: func() {}, OnReject: func(err error) { answered(nil, err) }, OnComplete: answered,
	}, workflows.CloseIncident{Person: w.inv.People[i].ID, HandOverClocks: true, Reason: "the rehearsal is over", Via: "rehearsal"})
}

// family is the incident with all the children that run.
func (w *world) family(rec *incident.Record) []*incident.Record {
	out := []*incident.Record{rec}
	for _, c := range rec.Children {
		if c.Verdict != "" || c.Error != "" {
			continue
		}
		if child := w.query(c.ID); child != nil {
			out = append(out, w.family(child)...)
		}
	}
	return out
}

func stateOf(family []*incident.Record) string {
	var b strings.Builder
	for _, rec := range family {
		fmt.Fprintf(&b, "%s %s %s %d %t\n", rec.ID, rec.Progress, rec.Verdict, len(rec.Timeline), rec.Paused)
	}
	return b.String()
}

// expecting reports whether the case has something to come.
func (w *world) expecting(rec *incident.Record) bool {
	for _, a := range w.acts {
		if a.due && !a.ended {
			return true
		}
	}
	now := w.now()
	if now < w.c.Until {
		return true
	}
	retrying := slices.ContainsFunc(rec.Steps, func(s incident.Step) bool { return s.Status == incident.Retrying })
	watched := rec.Progress == incident.Settled && w.books[w.kind].Playbook.Watch.Every > 0
	for i, g := range w.c.Given {
		last := max(g.From, g.Until)
		switch {
		case now < last:
			return true
		case watched && last > 0 && rec.Watched.LastAt.Before(w.c.opened().Add(last)):
			return true
		case retrying && w.remaining(i) > 0:
			return true
		}
	}
	return false
}

func (w *world) remaining(i int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.left[i]
}

// waiting reports whether something in the record is under way or waits for people or for time.
func (w *world) waiting(rec *incident.Record) bool {
	return slices.ContainsFunc(rec.Approvals, func(a incident.Approval) bool { return a.Status == incident.ApprovalWaiting }) ||
		slices.ContainsFunc(rec.Tasks, func(t incident.Task) bool { return w.holdsUp(rec, t) }) ||
		slices.ContainsFunc(rec.Waits, func(x incident.Wait) bool { return x.EndedAt.IsZero() }) ||
		slices.ContainsFunc(rec.Steps, func(s incident.Step) bool { return s.Status == incident.Running })
}

// holdsUp reports whether something waits for the task. One that nothing waits for can stay open for weeks.
func (w *world) holdsUp(rec *incident.Record, t incident.Task) bool {
	if t.Status != incident.TaskOpen || rec.Progress == incident.Settled {
		return false
	}
	book := w.books[rec.Kind].Playbook
	if book.Aside(t.Phase) {
		return false
	}
	needed := t.Blocks
	book.Walk(func(phase string, s *playbooks.Step) {
		needed = needed || slices.Contains(s.Needs, t.Step) && !book.Aside(phase)
	})
	return needed
}

// pause is the time until the next look: nothing can come to rest before the next thing that is known to happen.
func (w *world) pause(family []*incident.Record) time.Duration {
	var next time.Time
	at := func(t time.Time) {
		if t.After(w.env.Now()) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	at(w.c.opened().Add(w.c.Until))
	for _, a := range w.acts {
		at(a.time)
	}
	for _, g := range w.c.Given {
		at(w.c.opened().Add(g.From))
		at(w.c.opened().Add(g.Until))
	}
	for _, rec := range family {
		for _, a := range rec.Approvals {
			if a.Status == incident.ApprovalWaiting {
				at(a.ExpiresAt)
			}
		}
		for _, t := range rec.Tasks {
			if w.holdsUp(rec, t) {
				at(t.DueAt)
			}
		}
		for _, x := range rec.Waits {
			if x.EndedAt.IsZero() {
				at(x.Until)
			}
		}
	}
	if next.IsZero() {
		return lookEvery
	}
	return max(next.Sub(w.env.Now())+time.Second, lookEvery)
}

// endingEvent is the line with which an incident's timeline says that it was ended, by whom and why.
var endingEvent = regexp.MustCompile(`^(closed|closed as a false positive|aborted)(; undoing)? by (.+?): (.*)$`)

// endedBy is who ended the incident, or empty.
func endedBy(rec *incident.Record) string {
	for _, e := range rec.Timeline {
		if m := endingEvent.FindStringSubmatch(e.What); m != nil && e.Step == "" {
			return m[3]
		}
	}
	return ""
}
