package slackui

import (
	"fmt"
	"slices"
	"strings"

	"firebreak/internal/incident"
)

// mostWaiting bounds how many of each kind are listed in a status.
const mostWaiting = 10

// waiting lists what waits for whom.
func waiting(rec *incident.Record) []string {
	var out []string
	for i := range rec.Approvals {
		if a := &rec.Approvals[i]; a.Status == incident.ApprovalWaiting {
			out = append(out, fmt.Sprintf("approval %s by %s (%d of %d) until %s: %s", a.Step, strings.Join(a.Roles, ", "), a.Granted(), a.Quorum, instant(a.ExpiresAt), a.Title))
		}
	}
	for i := range rec.Tasks {
		switch t := &rec.Tasks[i]; t.Status {
		case incident.TaskOpen:
			out = append(out, fmt.Sprintf("task %s by %s, due %s: %s", t.Step, t.Assignee, instant(t.DueAt), t.Title))
		case incident.TaskOverdue:
			out = append(out, fmt.Sprintf("OVERDUE task %s by %s, was due %s: %s", t.Step, t.Assignee, instant(t.DueAt), t.Title))
		case incident.TaskPending, incident.TaskDone, incident.TaskSkipped:
		}
	}
	for i := range rec.Waits {
		if w := &rec.Waits[i]; w.EndedAt.IsZero() && !w.Until.IsZero() {
			out = append(out, fmt.Sprintf("wait %s until %s: %s", w.Step, instant(w.Until), w.Title))
		}
	}
	if rec.Legal.TS != "" && rec.Legal.AcknowledgedBy == "" && rec.Progress != incident.Closed {
		out = append(out, "legal or privacy to acknowledge the brief")
	}
	return list(out, "nobody")
}

// legalLines say whether legal knows, and which clocks are the most urgent.
func legalLines(rec *incident.Record) []string {
	var out []string
	switch l := &rec.Legal; {
	case l.TS == "":
		out = append(out, "Legal is not told.")
	case l.AcknowledgedBy == "":
		out = append(out, "Legal was told at "+instant(l.ToldAt)+" in "+Plain(l.Channel, 80)+"; not acknowledged.")
	default:
		out = append(out, "Legal was told at "+instant(l.ToldAt)+" in "+Plain(l.Channel, 80)+"; acknowledged by "+Plain(l.AcknowledgedBy, 80)+".")
	}
	clocks := slices.Clone(rec.Clocks)
	slices.SortStableFunc(clocks, func(a, b incident.Clock) int { return a.Due.Compare(b.Due) })
	// A clock without a deadline comes last.
	slices.SortStableFunc(clocks, func(a, b incident.Clock) int {
		switch {
		case a.Due.IsZero() == b.Due.IsZero():
			return 0
		case a.Due.IsZero():
			return 1
		}
		return -1
	})
	for i := range clocks[:min(len(clocks), mostWaiting)] {
		out = append(out, clockLine(&clocks[i]))
	}
	if n := len(clocks) - mostWaiting; n > 0 {
		out = append(out, fmt.Sprintf("(and %d more clocks)", n))
	}
	return out
}

func clockLine(c *incident.Clock) string {
	due := "due " + instant(c.Due)
	if c.AnchorMissing || c.Due.IsZero() {
		due = "no deadline: " + orElse(c.Anchor, "its anchor") + " is not set"
	}
	text := fmt.Sprintf("- clock %s: %s, %s", orElse(c.Title, c.Regime), due, words(c.Status))
	if c.Provisional {
		text += ", provisional"
	}
	if c.Owner != "" {
		text += ", owner " + c.Owner
	}
	return Plain(text, maxLine)
}
