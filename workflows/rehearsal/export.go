package rehearsal

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Origin is what an incident's record does not hold, but a case of it needs.
type Origin struct {
	// Playbook and Inventory are what the case names. Without a Playbook the record's kind must be a built-in one.
	Playbook, Inventory string
	// Severity, Confidence and Facet are those of the request. Without a Severity it is that of the first alert.
	Severity   string
	Confidence float64
	Facet      string
}

// Export makes a case of a finished incident: what failed and what was not proved, what people decided and when, and, as the
// expectation, what came of it. Steering that was refused is left out, for nothing followed from it.
//
// The activities of a rehearsal take no time, and those of the incident did. Decisions are therefore timed from when they
// were asked for, and only what did not overlap in the incident is expected in order.
func Export(rec *incident.Record, o Origin) (*Case, error) {
	switch {
	case rec.Progress != incident.Closed:
		return nil, fmt.Errorf("export %s: it is %s; only a closed incident has an outcome", rec.ID, rec.Progress)
	case len(rec.Children) > 0 || strings.Contains(rec.ID, "/of-"):
		return nil, fmt.Errorf("export %s: an incident with a child playbook has more than one record", rec.ID)
	case o.Playbook == "" && !builtIn(rec.Kind):
		return nil, fmt.Errorf("export %s: %s is no built-in playbook; say which file it is", rec.ID, rec.Kind)
	}
	e := &exporter{rec: rec, c: &Case{
		Title:     fmt.Sprintf("%s of %s", rec.ID, rec.OpenedAt.UTC().Format("2006-01-02")),
		Playbook:  cmp.Or(o.Playbook, string(rec.Kind)),
		Inventory: o.Inventory,
		Incident: Incident{Asset: rec.Asset, Mode: rec.Mode, Requester: rec.Requester,
			Severity: cmp.Or(o.Severity, severity(rec)), Confidence: o.Confidence, Facet: o.Facet, Cluster: rec.Radius.Cluster,
			Opened: rec.OpenedAt.UTC().Truncate(time.Second), Detected: rec.DetectedAt.UTC()},
	}}
	e.incidentGivens()
	for i := range rec.Steps {
		e.stepGivens(&rec.Steps[i])
	}
	e.decisions()
	e.tasks()
	e.steering()
	slices.SortStableFunc(e.acts, func(a, b timed) int { return a.at.Compare(b.at) })
	for _, a := range e.acts {
		e.c.People = append(e.c.People, a.Act)
	}
	e.outcome()
	return e.c, nil
}

func severity(rec *incident.Record) string {
	if len(rec.Alerts) == 0 {
		return ""
	}
	return rec.Alerts[0].Severity
}

func builtIn(kind incident.Kind) bool {
	kinds, err := playbooks.BuiltIn().Kinds()
	return err == nil && slices.Contains(kinds, kind)
}

// Marshal writes the case as a file that Load reads.
func Marshal(c *Case) ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(c), enc.Close()); err != nil {
		return nil, fmt.Errorf("write case: %w", err)
	}
	return b.Bytes(), nil
}

// exporter makes a case from a record.
type exporter struct {
	rec  *incident.Record
	c    *Case
	acts []timed
}

// timed is an act with the time at which it took place.
type timed struct {
	Act
	at time.Time
}

// since is the workflow time of an instant, at least as early as a case may have it.
func (e *exporter) since(t time.Time) time.Duration { return max(t.Sub(e.rec.OpenedAt), soonest) }

// act adds what a person did. If it answered something, it is timed from when that was asked.
func (e *exporter) act(a Act, at, asked time.Time) {
	if asked.IsZero() || at.Before(asked) {
		a.At = e.since(at)
	} else {
		a.After = max(at.Sub(asked), soonest)
	}
	e.acts = append(e.acts, timed{a, at})
}

// events are the timeline's lines about a row.
func (e *exporter) events(row *incident.Step) []incident.Event {
	var out []incident.Event
	for _, v := range e.rec.Timeline {
		if v.Step == row.ID && (v.Target == row.Target || v.Target == "") {
			out = append(out, v)
		}
	}
	return out
}

// outcome is what the record says came of it.
func (e *exporter) outcome() {
	x := &e.c.Expect
	x.Verdict, x.Progress = e.rec.Verdict, e.rec.Progress
	x.Gaps = append([]string{}, e.rec.Gaps...)
	x.Steps, x.Approvals, x.Tasks, x.Clocks = map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}
	for _, s := range e.rec.Steps {
		if s.Target != "" {
			x.Steps[s.ID+"/"+s.Target] = string(s.Status)
		}
	}
	for _, a := range e.rec.Approvals {
		x.Approvals[a.Step] = string(a.Status)
	}
	for _, t := range e.rec.Tasks {
		x.Tasks[t.Step] = cmp.Or(t.Outcome, string(t.Status))
	}
	for _, c := range e.rec.Clocks {
		x.Clocks[c.Regime] = c.Status
	}
	x.Sequence = e.order(e.done(), " "+string(playbooks.Do))
	x.Undone = append([]Group{}, e.order(e.undone(), "")...)
}

// done are the rows that acted, in the order in which they began.
func (e *exporter) done() []incident.Step {
	var out []incident.Step
	for _, s := range e.rec.Steps {
		// The place of a message is chance: it is under way beside the steps that follow it.
		if s.Receipt != nil && s.Receipt.Effect != nil && s.Role != incident.RoleNotification {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b incident.Step) int { return a.StartedAt.Compare(b.StartedAt) })
	return out
}

// undone are the rows that were taken back, in the order in which they were.
func (e *exporter) undone() []incident.Step {
	var out []incident.Step
	for _, v := range e.rec.Timeline {
		if !strings.HasPrefix(v.What, undoneEvent) {
			continue
		}
		for _, s := range e.rec.Steps {
			if s.ID == v.Step && s.Target == v.Target {
				out = append(out, s)
			}
		}
	}
	return out
}

// order groups neighbours that overlapped: between them the incident shows no order.
func (e *exporter) order(rows []incident.Step, suffix string) []Group {
	var out []Group
	var from, until time.Time
	for _, s := range rows {
		name := s.ID + "/" + s.Target + suffix
		ended := s.EndedAt
		if ended.IsZero() {
			ended = e.rec.ClosedAt
		}
		if len(out) > 0 && !s.StartedAt.After(until) && !ended.Before(from) {
			last := &out[len(out)-1]
			*last = append(*last, name)
			from, until = earlier(from, s.StartedAt), later(until, ended)
			continue
		}
		out = append(out, Group{name})
		from, until = s.StartedAt, ended
	}
	return out
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
