package slackui

import (
	"fmt"

	"github.com/slack-go/slack"

	"firebreak/internal/incident"
)

// Status answers a person who asks for an incident: the overview and every step.
func Status(rec *incident.Record, o Options) Message {
	blocks := fitting(func(most int) []slack.Block {
		out := append(overview(rec, most), heading("Steps"), paragraph(stepLines(rec), 2*most))
		if rec.Progress != incident.Closed {
			out = append(out, steeringRow(rec, o)...)
		}
		return append(out, small(Plain(identity(rec), 2*most)))
	})
	return Message{Text: fallback(rec.Mode, headline(rec)), Blocks: blocks}
}

// stepLines puts what is not proved first: it is what one looks for.
func stepLines(rec *incident.Record) []string {
	var open, ended []string
	for i := range rec.Steps {
		s := &rec.Steps[i]
		line := fmt.Sprintf("%s %s: %s", s.ID, s.Target, s.Status)
		if s.Status == incident.Done {
			proof := ", NOT proved"
			if s.Verified {
				proof = ", proved"
			}
			line += proof
		}
		if s.HowFar != "" {
			line += ": " + s.HowFar
		} else if s.Reason != "" {
			line += ": " + s.Reason
		}
		switch s.Status {
		case incident.Done, incident.Skipped, incident.Undone:
			ended = append(ended, line)
		case incident.Pending, incident.Running, incident.Retrying, incident.Failed:
			open = append(open, line)
		}
	}
	return list(append(open, ended...), "no step yet")
}
