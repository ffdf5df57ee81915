package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"firebreak/internal/incident"
	"firebreak/internal/legal"
	"firebreak/playbooks"
)

func head(b *playbooks.Brief, drill bool) slack.Block {
	mode := "LIVE"
	if drill {
		mode = "DRILL"
	}
	var fields []*slack.TextBlockObject
	for _, f := range [][2]string{
		{"Incident", b.IncidentID}, {"Mode", mode}, {"Kind", string(b.Kind)}, {"Asset", b.Asset}, {"First signal", instant(b.DetectedAt)},
		{"Severity", b.Severity}, {"ATLAS", strings.Join(b.ATLAS, ", ")}, {"Playbook", b.Playbook}, {"Brief", briefName(b)},
	} {
		fields = append(fields, plainText(f[0]+": "+plain(orUnknown(f[1]), mostName)))
	}
	return slack.NewSectionBlock(nil, fields, nil)
}

func happened(b *playbooks.Brief) []string {
	out := []string{"[known] An alert of the kind " + plain(string(b.Kind), mostName) + " named " + plain(b.Asset, mostName) + "; its first signal is of " + instant(b.DetectedAt) + "."}
	if b.Summary != "" {
		out = append(out, "[suspected] The alert says, unverified: "+plain(b.Summary, mostLine))
	}
	out = append(out,
		"[unknown] How and since when it happened, and who did it.",
		"[unknown] Whether anything left the organisation, and whether harm goes on.",
	)
	if !slices.ContainsFunc(b.Anchors, func(a legal.AnchorSet) bool { return a.Anchor == legal.AwareAt }) {
		out = append(out, "[unknown] When the organisation became aware: counsel decides.")
	}
	return out
}

// reach puts first what must not be dropped from a long list.
func reach(r incident.Radius) []string {
	var out []string
	if r.HighRisk {
		out = append(out, "[known] An affected system is high-risk under the EU AI Act: ask counsel before anything that could affect the later evaluation of causes (Art. 73(6)).")
	}
	if len(r.Unknown) > 0 {
		out = append(out, "[unknown] Lineage, therefore counted as affected: "+plain(strings.Join(r.Unknown, ", "), mostLine))
	}
	for _, set := range []struct {
		name string
		ids  []string
	}{
		{"Dataset versions", r.DatasetVersions}, {"Checkpoints", r.Checkpoints}, {"Models", r.Models}, {"Endpoints", r.Endpoints},
		{"Credentials that can write", r.Writers}, {"Credentials that can call", r.Callers},
		{"Credentials that open Slack or its identity provider, so say nothing of this there", r.Communications},
	} {
		if len(set.ids) > 0 {
			out = append(out, fmt.Sprintf("[known] %s: %s", set.name, plain(strings.Join(set.ids, ", "), mostLine)))
		}
	}
	if len(out) == 0 {
		out = append(out, "[unknown] The inventory names nothing beyond the asset.")
	}
	return out
}

func personal(b *playbooks.Brief) []string {
	if !b.Radius.PersonalData && len(b.Data) == 0 {
		return []string{"[known] The inventory marks no affected dataset as personal data."}
	}
	out := []string{"[unknown] Whose data, and how many records, are really concerned.", "[known] The blast radius holds personal data:"}
	return append(out, lines("- ", b.Data, "the inventory gives no details")...)
}

func questions() []string {
	return []string{
		"- Is an authority, a data subject, a customer or an insurer to be told, and who decides when the clock started?",
		"- Is there a reason to delay, e.g. law enforcement?",
		"- Is the work from here on under privilege?",
		"- What must be held beyond the evidence that is locked already?",
	}
}

// instants shows the anchors that the clocks run from, and who set them. One that nobody set is shown as missing.
func instants(b *playbooks.Brief) []string {
	out := []string{"[known] detected_at: " + instant(b.DetectedAt) + ", the first signal, from the alert"}
	for _, a := range legal.Anchors() {
		if a == legal.DetectedAt || a == legal.FiledAt {
			continue
		}
		found := false
		for i := range b.Anchors {
			s := &b.Anchors[i]
			if s.Anchor != a {
				continue
			}
			found = true
			at := instant(s.At)
			if s.At.IsZero() {
				at = "withdrawn"
			}
			if len(s.Regimes) > 0 {
				at += " for " + strings.Join(s.Regimes, ", ")
			}
			out = append(out, plain(fmt.Sprintf("[known] %s: %s, set by %s (%s) at %s: %s", a, at, s.By, s.Role, instant(s.RecordedAt), s.Reason), mostLine))
		}
		if !found && needed(b.Clocks, a) {
			out = append(out, "[unknown] "+string(a)+": anchor missing; counsel sets it")
		}
	}
	return out
}

// needed reports whether a clock runs from the anchor.
func needed(clocks []legal.Clock, a legal.Anchor) bool {
	for i := range clocks {
		for _, t := range clocks[i].Rule.Trigger {
			if t == a {
				return true
			}
		}
	}
	return false
}

// clockTable shows every clock, the most urgent first, in as many blocks as it takes.
func clockTable(b *playbooks.Brief, most int) []slack.Block {
	blocks := []slack.Block{heading("Clocks: regime, anchor, due in UTC, time left, owner")}
	rows := []string{"- no clock is open: the inventory's profiles and data name no regime"}
	if len(b.Clocks) > 0 {
		rows = nil
	}
	for _, c := range legal.Sorted(b.Clocks) {
		rows = append(rows, "- "+plain(c.Row(b.AsOf), mostLine))
	}
	var page []string
	length := 0
	for i, row := range rows {
		n := len([]rune(row)) + 1
		if most -= n; most < 0 && i > 0 {
			page = append(page, fmt.Sprintf("(and %d more clocks; see the incident's record)", len(rows)-i))
			break
		}
		if length += n; length > mostSection {
			blocks = append(blocks, bodyBlock(page, mostSection))
			page, length = nil, n
		}
		page = append(page, row)
	}
	return append(blocks, bodyBlock(page, mostSection+100))
}

// actions shows what was taken, what is pending and what is preserved; before the first report, what is under way.
func actions(b *playbooks.Brief) []string {
	if len(b.Taken)+len(b.Pending)+len(b.Evidence) == 0 {
		return lines("- under way: ", b.Actions, "none yet")
	}
	out := lines("- taken: ", b.Taken, "none yet")
	if len(b.Pending) > 0 {
		out = append(out, lines("- pending: ", b.Pending, "")...)
	}
	return append(out, lines("- evidence: ", b.Evidence, "none preserved yet")...)
}

// marked shows lines that bear their mark already.
func marked(texts []string, none string) []string {
	if len(texts) == 0 {
		return []string{none}
	}
	return lines("", texts, "")
}

func briefName(b *playbooks.Brief) string {
	return fmt.Sprintf("version %d, as of %s", b.Version, instant(b.AsOf))
}

// closing is the last line: when the next brief is due, and who has acknowledged.
func closing(op *playbooks.Operation) string {
	b := op.Brief
	text := "Facts only, not legal advice. Acknowledge with your name."
	if !b.NextBriefAt.IsZero() {
		text += " Next brief by " + b.NextBriefAt.UTC().Format(time.RFC3339) + "."
	}
	for _, a := range b.Acknowledged {
		text += fmt.Sprintf(" Version %d acknowledged by %s at %s.", a.Version, a.Person, instant(a.At))
	}
	return text + " Operation " + op.ID
}
