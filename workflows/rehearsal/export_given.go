package rehearsal

import (
	"strings"
	"time"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// How the engine's timeline begins its lines about what went wrong and right.
const (
	failedEvent     = "failed: "
	provedEvent     = "proved: "
	undoneEvent     = "undone: "
	undoFailedEvent = "undo failed: "
	regressedEvent  = "REGRESSION, containing again: "
	unwatchedEvent  = "could not be proved again: "
	unsealedEvent   = "the evidence manifest could not be sealed: "
	unplannedEvent  = "the plan could not be made; trying again every "
	notProved       = "not proved: "
)

// callsOfStage is how often the engine calls a stage before it counts it as failed.
const callsOfStage = 3

// incidentGivens are the failures of what belongs to no step.
func (e *exporter) incidentGivens() {
	unplanned := false
	for i, v := range e.rec.Timeline {
		if v.Step != "" {
			continue
		}
		if text, ok := strings.CutPrefix(v.What, unsealedEvent); ok {
			e.given(Given{Step: playbooks.SealActivity, Fail: text, Times: callsOfStage})
		}
		// It is written once for each reason; until the plan was made, the first one will do for all.
		if rest, ok := strings.CutPrefix(v.What, unplannedEvent); ok && !unplanned {
			_, text, _ := strings.Cut(rest, ": ")
			e.given(Given{Step: playbooks.PlanActivity, Fail: text, Until: e.next(i, "plan ")})
			unplanned = true
		}
	}
}

func (e *exporter) given(g Given) { e.c.Given = append(e.c.Given, g) }

// next is the time just before the next line of the incident that begins so, or 0.
func (e *exporter) next(after int, prefix string) time.Duration {
	for _, v := range e.rec.Timeline[after+1:] {
		if v.Step == "" && strings.HasPrefix(v.What, prefix) {
			return v.At.Sub(e.rec.OpenedAt) - time.Millisecond
		}
	}
	return 0
}

// history is what the timeline says of a row, read line by line.
type history struct {
	*exporter
	row *incident.Step
	// acted is true from the first effect on, known from the first proof on.
	acted, known bool
	// covered is true while a regression accounts for every proof that fails.
	covered bool
	// failing are the givens of the rounds that failed since the last proof; hurried is when a person had them tried again.
	failing []Given
	hurried time.Duration
	// rounds counts what is not yet accounted for of the rounds that failed.
	rounds int
	undos  int
}

// stepGivens are the failures of one step on one target.
func (e *exporter) stepGivens(row *incident.Step) {
	if row.Receipt == nil {
		return
	}
	h := &history{exporter: e, row: row, rounds: row.Attempts}
	lines := e.events(row)
	for _, v := range lines {
		if strings.HasPrefix(v.What, provedEvent) {
			h.rounds--
		}
	}
	for i, v := range lines {
		h.line(v, lines[i+1:])
	}
	h.settle(false)
}

// line reads one line; rest are those after it.
func (h *history) line(v incident.Event, rest []incident.Event) {
	if text, ok := strings.CutPrefix(v.What, failedEvent); ok {
		g := h.failure(text)
		if h.known {
			g.From = h.since(v.At) - time.Millisecond
		}
		if !h.covered || !g.Unproved {
			h.failing = append(h.failing, g)
		}
		return
	}
	if retriedEvent.MatchString(v.What) {
		h.hurried = h.since(v.At)
		return
	}
	if strings.HasPrefix(v.What, provedEvent) {
		h.settle(true)
		h.known, h.covered = true, false
		return
	}
	if text, ok := strings.CutPrefix(v.What, regressedEvent); ok {
		h.regressed(v, text, rest)
		return
	}
	if text, ok := strings.CutPrefix(v.What, unwatchedEvent); ok {
		h.given(h.about(Given{Stage: playbooks.Verify, Fail: text, Times: callsOfStage, From: h.since(v.At) - time.Millisecond}))
		return
	}
	if text, ok := strings.CutPrefix(v.What, undoFailedEvent); ok {
		h.undoFailed(text, rest)
		return
	}
	if h.row.Receipt.Effect != nil && v.What == h.row.Receipt.Effect.Summary {
		h.acted = true
	}
}

func (h *history) about(g Given) Given {
	g.Step, g.Target = h.row.ID, h.row.Target
	return g
}

// failure is a round that failed. The record says what was said, not in which stage: before the first effect it was not
// verify.
func (h *history) failure(text string) Given {
	if method, ok := strings.CutPrefix(text, notProved); ok {
		return h.about(Given{Stage: playbooks.Verify, Unproved: true, Reason: method})
	}
	stage := playbooks.Do
	switch {
	case h.acted:
		stage = playbooks.Verify
	case h.row.Receipt.Capture == nil:
		stage = playbooks.Capture
	}
	return h.about(Given{Stage: stage, Fail: text})
}

// settle accounts for the rounds that failed up to a proof, or up to the end. A reason is written once however often it
// comes again: the last one has what the others leave.
func (h *history) settle(proved bool) {
	for i, g := range h.failing {
		last := i == len(h.failing)-1
		rounds := 1
		if last {
			rounds = max(h.rounds, 1)
		}
		h.rounds -= rounds
		g.Times = rounds
		if g.Fail != "" {
			g.Times *= callsOfStage
		}
		switch {
		case last && !proved:
			g = h.hopeless(g)
		case last && h.hurried > 0:
			// It may have been given up for good until then.
			g.Times, g.Until = 0, h.hurried-time.Millisecond
		}
		h.given(g)
	}
	h.failing, h.hurried = nil, 0
}

// hopeless is a failure that lasted until the end. One that a step was given up for, and not tried again, was final.
func (h *history) hopeless(g Given) Given {
	g.Times = 0
	if h.row.Status == incident.Failed && h.row.Role != incident.RoleRecovery && g.Fail != "" {
		g.Refuse, g.Reason, g.Fail = "Refused", g.Fail, ""
	}
	return g
}

// regressed is an effect that was found not to hold any more. It lasts until the next proof.
func (h *history) regressed(v incident.Event, method string, rest []incident.Event) {
	g := h.about(Given{Stage: playbooks.Verify, Unproved: true, Reason: method, From: h.since(v.At) - time.Millisecond, Times: 1})
	for _, x := range rest {
		if strings.HasPrefix(x.What, failedEvent+notProved) {
			g.Times, h.covered = 0, true
		}
		if strings.HasPrefix(x.What, provedEvent) {
			if g.Times == 0 {
				g.Until = max(h.since(x.At)-time.Millisecond, g.From+time.Millisecond)
			}
			break
		}
	}
	h.given(g)
	h.acted = true
}

// undoFailed counts the attempts that failed at the same undo.
func (h *history) undoFailed(text string, rest []incident.Event) {
	h.undos++
	if len(rest) > 0 && rest[0].What == undoFailedEvent+text {
		return
	}
	g := h.about(Given{Stage: playbooks.Undo, Fail: text, Times: callsOfStage * h.undos})
	if len(rest) == 0 {
		g.Times = 0
	}
	h.given(g)
	h.undos = 0
}
