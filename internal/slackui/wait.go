package slackui

import (
	"github.com/slack-go/slack"

	"firebreak/internal/incident"
)

// WaitNotice says that the playbook waits, and lets a person end the wait.
func WaitNotice(rec *incident.Record, w *incident.Wait) Message {
	ref := RefOf(rec)
	ref.Step = w.Step
	title := "Waiting until " + instant(w.Until)
	lines := []string{Plain(orElse(w.Title, w.Step), maxLine), "Step: " + Plain(w.Step, maxField)}
	blocks := []slack.Block{header(rec.Mode, title), paragraph(lines, maxText)}
	blocks = append(blocks, row(verbButton(VerbEndWait, "End the wait", ref))...)
	return Message{Text: fallback(rec.Mode, title+": "+w.Title+" ("+rec.ID+")"), Blocks: append(blocks, small(rec.ID))}
}

// WaitEnded replaces the notice of a wait that is over.
func WaitEnded(rec *incident.Record, w *incident.Wait) Message {
	title := "Wait is over"
	if w.EndedBy != "" {
		title = "Wait ended by " + w.EndedBy
	}
	lines := []string{Plain(orElse(w.Title, w.Step), maxLine), "Ended: " + instant(w.EndedAt)}
	return Message{Text: fallback(rec.Mode, title+": "+w.Title+" ("+rec.ID+")"),
		Blocks: []slack.Block{header(rec.Mode, title), paragraph(lines, maxText), small(rec.ID)}}
}
