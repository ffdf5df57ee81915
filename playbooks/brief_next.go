package playbooks

import (
	"fmt"
	"slices"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/legal"
)

// NextBrief makes the version after b from what the record, the anchors and the clocks say at an instant, and says what
// changed. It is pure; b is not changed.
func NextBrief(b Brief, rec *incident.Record, clocks []legal.Clock, anchors []legal.AnchorSet, at time.Time) Brief {
	next := b
	next.Version++
	next.report(rec, clocks, anchors, at)
	next.Changes = changes(&b, &next)
	next.NextBriefAt = next.nextAt(at)
	return next
}

// FirstBrief completes version zero, as the plan made it, with what the record says at an instant. It is pure; b is not
// changed.
func FirstBrief(b Brief, rec *incident.Record, clocks []legal.Clock, anchors []legal.AnchorSet, at time.Time) Brief {
	b.report(rec, clocks, anchors, at)
	b.NextBriefAt = b.nextAt(at)
	return b
}

// report fills in what the record says.
func (b *Brief) report(rec *incident.Record, clocks []legal.Clock, anchors []legal.AnchorSet, at time.Time) {
	b.IncidentID, b.AsOf = rec.ID, at.UTC()
	b.Radius = rec.Radius
	b.Clocks, b.Anchors = slices.Clone(clocks), slices.Clone(anchors)
	b.Taken, b.Pending, b.Evidence, b.Consequences = nil, nil, nil, nil
	for i := range rec.Steps {
		b.step(&rec.Steps[i])
	}
	if rec.Evidence.Objects > 0 {
		b.Evidence = append(b.Evidence, fmt.Sprintf("%d object versions preserved under lock", rec.Evidence.Objects))
	}
	if rec.Evidence.Manifest != "" {
		b.Evidence = append(b.Evidence, "manifest "+rec.Evidence.Manifest)
	}
	b.Consequences = append(b.Consequences, "[known] Containment, from the proofs alone: "+string(rec.Verdict))
	for _, g := range rec.Gaps {
		b.Consequences = append(b.Consequences, "[known] Gap: "+g)
	}
	if rec.Watched.Regressions > 0 {
		b.Consequences = append(b.Consequences, fmt.Sprintf("[known] Containment was lost and restored %d times", rec.Watched.Regressions))
	}
}

// step sorts one step into what was taken and what is pending. Telling legal is neither.
func (b *Brief) step(s *incident.Step) {
	if s.Target == "" || s.Role == incident.RoleNotification {
		return
	}
	what := s.Action + " on " + s.Target
	switch s.Status {
	case incident.Done:
		if !s.Verified {
			what += ", not proved"
		}
		b.Taken = append(b.Taken, s.EndedAt.UTC().Format(time.RFC3339)+" "+what)
	case incident.Undone:
		b.Taken = append(b.Taken, what+", undone")
	case incident.Pending, incident.Running, incident.Retrying:
		b.Pending = append(b.Pending, what+" ("+string(s.Status)+")")
	case incident.Failed:
		b.Pending = append(b.Pending, what+" (failed: a person is needed)")
	case incident.Skipped:
	}
}

// changes lists what is in the new version and was not in the old one.
func changes(old, now *Brief) []string {
	var out []string
	for _, set := range []struct {
		name     string
		old, now []string
	}{
		{"Action taken", old.Taken, now.Taken}, {"Evidence", old.Evidence, now.Evidence}, {"State", old.Consequences, now.Consequences},
	} {
		for _, line := range set.now {
			if !slices.Contains(set.old, line) {
				out = append(out, set.name+": "+line)
			}
		}
	}
	for i := range now.Anchors[min(len(old.Anchors), len(now.Anchors)):] {
		s := &now.Anchors[len(old.Anchors)+i]
		out = append(out, fmt.Sprintf("Anchor %s: %s, by %s", s.Anchor, instantOr(s.At, "withdrawn"), s.By))
	}
	for i := range now.Clocks {
		c := &now.Clocks[i]
		j := legal.Find(old.Clocks, c.Regime)
		switch {
		case j < 0:
			out = append(out, "Clock opened: "+c.Row(time.Time{}))
		case standing(&old.Clocks[j]) != standing(c):
			out = append(out, "Clock: "+c.Row(time.Time{})+"; before: "+standing(&old.Clocks[j]))
		}
	}
	return out
}

// standing is what of a clock is worth a new version.
func standing(c *legal.Clock) string {
	text := string(c.Status) + ", " + instantOr(c.Deadline(), "no due time")
	if c.Provisional {
		text += ", provisional"
	}
	if len(c.Filings) > 0 {
		text += ", " + c.FiledRef
	}
	return text
}

func instantOr(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format(time.RFC3339)
}

// RecordedClocks are the clocks as the record shows them. The reasons of counsel are not in it: they belong in the channel of
// legal.
func RecordedClocks(clocks []legal.Clock) []incident.Clock {
	var out []incident.Clock
	for i := range clocks {
		c := &clocks[i]
		out = append(out, incident.Clock{
			Regime: c.Regime, Title: c.Title, Recipient: c.Recipient, Anchor: string(c.Anchor), AnchorMissing: c.AnchorMissing,
			Provisional: c.Provisional, Due: c.Deadline(), Status: string(c.Status), Owner: c.Owner, NeedsCounsel: c.NeedsCounsel,
			Reference: c.FiledRef, Note: c.Note,
		})
	}
	return out
}
