package slackui

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"firebreak/internal/incident"
)

// Root is the message at the head of an incident's thread. It shows the record as it is now and does not depend on the
// time, so that it is updated only when something has changed.
func Root(rec *incident.Record, o Options) Message {
	blocks := fitting(func(most int) []slack.Block {
		out := overview(rec, most)
		if rec.Progress == incident.Closed {
			out = append(out, row(button(ActionStatus, "Status", RefOf(rec)), linkButton(o.Link))...)
		} else {
			out = append(out, steeringRow(rec, o)...)
		}
		return append(out, small(Plain(identity(rec), 2*most)))
	})
	return Message{Text: fallback(rec.Mode, headline(rec)+" ("+rec.ID+")"), Blocks: blocks}
}

// headline says in one line what an incident is and where it stands.
func headline(rec *incident.Record) string {
	state := words(rec.Verdict)
	if rec.Progress == incident.Closed {
		state += ", closed"
	}
	return fmt.Sprintf("%s %s of %s: %s", orElse(rec.Severity, "Incident"), Plain(string(rec.Kind), 40), Plain(rec.Asset, 60), state)
}

// overview is what the root and the status have in common.
func overview(rec *incident.Record, most int) []slack.Block {
	blocks := []slack.Block{header(rec.Mode, headline(rec))}
	if rec.Mode == incident.Drill {
		blocks = append(blocks, heading("This is a drill. No production system is touched."))
	}
	blocks = append(blocks, slack.NewSectionBlock(nil, facts(rec, most), nil))
	if rec.Summary != "" {
		blocks = append(blocks, paragraph([]string{"Reported: " + Plain(rec.Summary, most)}, most+20))
	}
	section := func(title string, lines []string) {
		blocks = append(blocks, heading(title), paragraph(lines, most))
	}
	section("Blast radius", reach(&rec.Radius))
	section("Waiting for", waiting(rec))
	if lines := underWay(rec); len(lines) > 0 {
		section("Under way", list(lines, ""))
	}
	if len(rec.Gaps) > 0 {
		section("Not proved yet", list(rec.Gaps, ""))
	}
	section("Legal", legalLines(rec))
	return blocks
}

// underWay are the steps that say how far they are.
func underWay(rec *incident.Record) []string {
	var out []string
	for i := range rec.Steps {
		if s := &rec.Steps[i]; s.HowFar != "" {
			out = append(out, fmt.Sprintf("%s %s: %s", s.ID, s.Target, s.HowFar))
		}
	}
	return out
}

// facts has at most ten fields, as Slack takes no more in a section.
func facts(rec *incident.Record, most int) []*slack.TextBlockObject {
	fact := func(name, value string) *slack.TextBlockObject {
		return plainText(name + ": " + Plain(value, min(most, maxField)))
	}
	confidence := "not stated"
	if rec.Confidence > 0 {
		confidence = fmt.Sprintf("%.0f %%", 100*rec.Confidence)
	}
	return []*slack.TextBlockObject{
		fact("Verdict", words(rec.Verdict)),
		fact("Progress", progress(rec)),
		fact("Severity", orElse(rec.Severity, "not stated")),
		fact("Confidence", confidence),
		fact("Mode", strings.ToUpper(orElse(string(rec.Mode), "unknown"))),
		fact("Asset", orElse(rec.Asset, "unknown")),
		fact("Facet", orElse(rec.Facet, "not stated")),
		fact("Opened", instant(rec.OpenedAt)+" by "+orElse(rec.Requester, "unknown")),
		fact("Steps", stepCounts(rec)),
		fact("Alerts", fmt.Sprint(rec.AlertCount)),
	}
}

func progress(rec *incident.Record) string {
	text := words(rec.Progress)
	if rec.Paused {
		text += "; PAUSED: no new step is started"
	}
	if rec.Aborted != "" {
		text += "; playbook ended: " + rec.Aborted
	}
	if rec.Watched.Regressions > 0 {
		text += fmt.Sprintf("; %d regressions", rec.Watched.Regressions)
	}
	return text
}

// stepCounts counts the targets of the steps by where they stand.
func stepCounts(rec *incident.Record) string {
	count := map[incident.StepStatus]int{}
	proved := 0
	for i := range rec.Steps {
		count[rec.Steps[i].Status]++
		if rec.Steps[i].Status == incident.Done && rec.Steps[i].Verified {
			proved++
		}
	}
	parts := []string{fmt.Sprintf("%d of %d proved", proved, len(rec.Steps))}
	for _, s := range []incident.StepStatus{incident.Running, incident.Retrying, incident.Failed, incident.Pending, incident.Skipped, incident.Undone} {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
		}
	}
	return strings.Join(parts, ", ")
}

func reach(r *incident.Radius) []string {
	lines := []string{fmt.Sprintf("%d dataset versions, %d checkpoints, %d models, %d endpoints, %d writers, %d callers",
		len(r.DatasetVersions), len(r.Checkpoints), len(r.Models), len(r.Endpoints), len(r.Writers), len(r.Callers))}
	if len(r.Endpoints) > 0 {
		lines = append(lines, "Endpoints: "+some(r.Endpoints))
	}
	if len(r.Writers) > 0 {
		lines = append(lines, "Credentials: "+some(r.Writers))
	}
	personal := "Personal data: none in the inventory"
	if r.PersonalData {
		personal = "Personal data: yes"
	}
	if r.HighRisk {
		personal += "; high-risk AI system"
	}
	lines = append(lines, personal)
	if len(r.Unknown) > 0 {
		lines = append(lines, "Lineage unknown, counted as affected: "+some(r.Unknown))
	}
	return lines
}

// some names the first of many.
func some(ids []string) string {
	const most = 5
	text := Plain(strings.Join(ids[:min(len(ids), most)], ", "), maxLine)
	if len(ids) > most {
		text += fmt.Sprintf(" and %d more", len(ids)-most)
	}
	return text
}

func identity(rec *incident.Record) string {
	text := rec.ID
	if rec.PlanDigest != "" {
		text += ", plan " + short(rec.PlanDigest)
	}
	if rec.Playbook.File != "" {
		text += ", playbook " + Plain(rec.Playbook.File, 80)
	}
	return text
}

func steeringRow(rec *incident.Record, o Options) []slack.Block {
	ref := RefOf(rec)
	pause := verbButton(VerbPause, "Pause", ref)
	if rec.Paused {
		pause = verbButton(VerbResume, "Resume", ref)
	}
	return row(button(ActionStatus, "Status", ref), pause, verbButton(VerbClose, "Close", ref),
		verbButton(VerbFalsePositive, "False positive", ref), verbButton(VerbMore, "More", ref), linkButton(o.Link))
}
