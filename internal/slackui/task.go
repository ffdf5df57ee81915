package slackui

import (
	"fmt"

	"github.com/slack-go/slack"

	"firebreak/internal/incident"
)

// maxInstructions leaves the message room for its other blocks; the incident's page shows all of them.
const maxInstructions = 2500

// TaskRequest asks a person to do something and to report what came of it.
func TaskRequest(rec *incident.Record, t *incident.Task, o Options) Message {
	title := "Task for " + t.Assignee + ": " + t.Title
	if t.Status == incident.TaskOverdue {
		title = "OVERDUE task for " + t.Assignee + ": " + t.Title
	}
	buttons := outcomeRow(rec, t)
	blocks := fitting(func(most int) []slack.Block {
		out := []slack.Block{header(rec.Mode, title)}
		out = append(out, call(o.Mention)...)
		out = append(out, paragraph(taskFacts(t), maxText), heading("Instructions"),
			paragraph([]string{Plain(orElse(t.Instructions, "none"), min(most*2, maxInstructions))}, maxInstructions))
		out = append(out, buttons...)
		out = append(out, row(linkButton(o.Link))...)
		return append(out, small(rec.ID))
	})
	return Message{Text: fallback(rec.Mode, title+" ("+rec.ID+", "+t.Step+")"), Blocks: blocks}
}

// TaskDone replaces a task that has ended.
func TaskDone(rec *incident.Record, t *incident.Task) Message {
	title, lines := "Task skipped: "+t.Title, []string{"Skipped: " + Plain(orElse(t.Reason, "no reason is recorded"), maxLine)}
	if t.Status == incident.TaskDone {
		title = "Task done: " + t.Title
		lines = []string{Plain(fmt.Sprintf("Outcome: %s, reported by %s at %s", words(t.Outcome), orElse(t.By, "unknown"), instant(t.DoneAt)), maxLine)}
	}
	if t.Comment != "" {
		lines = append(lines, "Comment: "+Plain(t.Comment, maxLine))
	}
	blocks := []slack.Block{header(rec.Mode, title), paragraph(append(lines, taskFacts(t)...), maxText), small(rec.ID)}
	return Message{Text: fallback(rec.Mode, title+" ("+rec.ID+", "+t.Step+")"), Blocks: blocks}
}

func taskFacts(t *incident.Task) []string {
	lines := []string{"Step: " + Plain(t.Step, maxField), "Who: " + Plain(orElse(t.Assignee, "unknown"), maxField), "Due: " + instant(t.DueAt)}
	if t.Blocks {
		lines = append(lines, "The steps after it wait for the report.")
	}
	return lines
}

// outcomeRow is a check-off: one button for each outcome. Those that do not fit are for the command line.
func outcomeRow(rec *incident.Record, t *incident.Task) []slack.Block {
	ref := RefOf(rec)
	ref.Step = t.Step
	left := 0
	var buttons []*slack.ButtonBlockElement
	for i, outcome := range t.Outcomes {
		ref.Outcome = outcome
		b := button(fmt.Sprintf("%s:%d", ActionTask, i), words(outcome), ref)
		if b == nil || len(buttons) == maxElements {
			left++
			continue
		}
		buttons = append(buttons, b)
	}
	blocks := row(buttons...)
	if left > 0 || len(buttons) == 0 {
		blocks = append(blocks, small("Further outcomes are reported with 'trigger task'."))
	}
	return blocks
}
