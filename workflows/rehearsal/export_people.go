package rehearsal

import (
	"regexp"
	"strings"
	"time"

	"firebreak/internal/incident"
)

// unrecorded stands for the reasons of legal, which the timeline does not repeat.
const unrecorded = "the incident's record does not say"

// voided is the reason of a decision that counted until the plan changed.
const voided = "the plan changed"

// otherPlan begins the refusal of a decision that was made on another plan. It goes on with digests.
const otherPlan = "the decision was made on plan"

// decisions are those on approvals. Each names the request that it was given on.
func (e *exporter) decisions() {
	first := map[string]time.Time{}
	for _, a := range e.rec.Approvals {
		if _, ok := first[a.Step]; !ok {
			first[a.Step] = a.AskedAt
		}
		for _, d := range a.Decisions {
			act := Act{As: d.Person, Reason: d.Comment}
			step := a.Step
			if d.Approve {
				act.Approve = &step
			} else {
				act.Deny = &step
			}
			if !d.Counted && d.Reason != voided {
				act.Refused = d.Reason
			}
			if strings.HasPrefix(d.Reason, otherPlan) {
				act.Stale, act.Refused = true, otherPlan
			}
			e.act(act, d.At, first[a.Step])
		}
	}
}

func (e *exporter) tasks() {
	for _, t := range e.rec.Tasks {
		if t.By == "" && len(t.Reports) == 0 {
			continue
		}
		step := t.Step
		for _, r := range t.Reports {
			e.act(Act{As: r.Person, Complete: &step, Outcome: r.Outcome, Reason: r.Comment}, r.At, t.AskedAt)
		}
		if len(t.Reports) > 0 {
			continue
		}
		e.act(Act{As: t.By, Complete: &step, Outcome: t.Outcome, Reason: t.Comment}, t.DoneAt, t.AskedAt)
	}
}

// The lines that the engine writes when people steer an incident. Only lines that no stranger's text can begin are read.
var (
	pausedEvent    = regexp.MustCompile(`^paused: no new step is started by (\S+): (.*)$`)
	resumedEvent   = regexp.MustCompile(`^resumed by (\S+): (.*)$`)
	skippedEvent   = regexp.MustCompile(`^skipped by (\S+): (.*)$`)
	retriedEvent   = regexp.MustCompile(`^tried again by (\S+)$`)
	addedEvent     = regexp.MustCompile(`^(\S+) added by (\S+): (.*); \d+ further targets, plan is now \S+$`)
	waitEvent      = regexp.MustCompile(`^wait ended by (\S+): (.*)$`)
	anchorEvent    = regexp.MustCompile(`^([a-z_]+_at|occurred_at_est) set to (\S+) by (\S+)$`)
	dismissedEvent = regexp.MustCompile(`^legal clock (\S+) dismissed by (\S+)$`)
	filedEvent     = regexp.MustCompile(`^legal clock (\S+): (\S+) filed it as (.*)$`)
	briefEvent     = regexp.MustCompile(`^brief acknowledged by (\S+) \(\S+\)$`)
	handedEvent    = regexp.MustCompile(`^\d+ legal clocks are handed over to legal`)
)

// steering is what people asked of the open incident, read from its timeline.
func (e *exporter) steering() {
	handed := false
	for _, v := range e.rec.Timeline {
		var acts []Act
		if handedEvent.MatchString(v.What) {
			handed = true
		}
		switch m := anchorEvent.FindStringSubmatch(v.What); {
		case v.Step != "":
			acts = []Act{ofStep(v)}
		case m != nil:
			acts = e.anchors(m)
		default:
			acts = []Act{e.ofIncident(v, handed)}
		}
		for _, a := range acts {
			asked := time.Time{}
			if a.EndWait != nil {
				asked = askedAt(e.rec, *a.EndWait)
			}
			if a.As != "" {
				e.act(a, v.At, asked)
			}
		}
	}
}

// ofStep reads a line about a step.
func ofStep(v incident.Event) Act {
	step := v.Step
	if m := skippedEvent.FindStringSubmatch(v.What); m != nil {
		return Act{As: m[1], Skip: &step, Target: v.Target, Reason: m[2]}
	}
	if m := retriedEvent.FindStringSubmatch(v.What); m != nil {
		return Act{As: m[1], Retry: &step, Target: v.Target}
	}
	if m := waitEvent.FindStringSubmatch(v.What); m != nil {
		return Act{As: m[1], EndWait: &step, Reason: m[2]}
	}
	return Act{}
}

// ofIncident reads a line about the incident as a whole.
func (e *exporter) ofIncident(v incident.Event, handed bool) Act {
	if m := pausedEvent.FindStringSubmatch(v.What); m != nil {
		return Act{As: m[1], Pause: &m[2]}
	}
	if m := resumedEvent.FindStringSubmatch(v.What); m != nil {
		return Act{As: m[1], Resume: &m[2]}
	}
	if m := addedEvent.FindStringSubmatch(v.What); m != nil {
		return Act{As: m[2], AddTarget: &m[1], Reason: m[3]}
	}
	if m := dismissedEvent.FindStringSubmatch(v.What); m != nil {
		return Act{As: m[2], DismissClock: &m[1], Reason: unrecorded}
	}
	if m := filedEvent.FindStringSubmatch(v.What); m != nil {
		return Act{As: m[2], FileClock: &m[1], Reference: m[3]}
	}
	if m := briefEvent.FindStringSubmatch(v.What); m != nil {
		brief := "the brief"
		return Act{As: m[1], Acknowledge: &brief}
	}
	if m := endingEvent.FindStringSubmatch(v.What); m != nil {
		return e.ending(m, handed)
	}
	return Act{}
}

// anchors is an instant that legal set. The line does not say for which regimes; the clocks that are provisional no more do.
func (e *exporter) anchors(m []string) []Act {
	at, err := time.Parse(time.RFC3339, m[2])
	if err != nil {
		return nil
	}
	a := Act{As: m[3], SetAnchor: &m[1], Reason: unrecorded}
	if !at.IsZero() {
		a.Instant = at
	}
	var found []Act
	all := true
	for _, c := range e.rec.Clocks {
		if c.Anchor != m[1] {
			continue
		}
		if c.Provisional || c.AnchorMissing {
			all = false
			continue
		}
		one := a
		one.Clock = c.Regime
		found = append(found, one)
	}
	if all || len(found) == 0 {
		return []Act{a}
	}
	return found
}

// ending is who ended the incident. What the playbook ended, or the report of a task, follows by itself.
func (e *exporter) ending(m []string, handed bool) Act {
	what, undo, by, reason := m[1], m[2] != "", m[3], m[4]
	for _, t := range e.rec.Tasks {
		if t.By == by && reason == t.Step+": "+t.Outcome {
			return Act{}
		}
	}
	switch {
	case by == byPlaybook:
		return Act{}
	case what == "aborted":
		return Act{As: by, Abort: &reason, Undo: undo}
	}
	return Act{As: by, Close: &reason, FalsePositive: what != "closed", HandOverClocks: handed}
}

// byPlaybook is who ends an incident if its playbook says so.
const byPlaybook = "the playbook"
