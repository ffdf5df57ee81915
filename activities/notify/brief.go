package notify

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Limits in characters. Slack takes 150 in a header, 3000 in a section and 50 blocks a message
// (https://docs.slack.dev/reference/block-kit/blocks), but refuses a message whose blocks are longer than about 13,000
// altogether with msg_blocks_too_long; mostBody keeps the longest brief below that.
const (
	mostHeader   = 150
	mostBody     = 1100
	mostLine     = 300
	mostName     = 150
	mostFallback = 1000
)

// provisional is the rule that firebreak never starts a legal clock (invariant V14).
const provisional = "Clocks are provisional; anchors are set by counsel, never by the engine."

// newBrief builds the legal brief. It is pure: the same operation always gives the same message. Every statement is marked
// known, suspected or unknown, and no text that is not ours is ever interpreted as markup.
func newBrief(op *playbooks.Operation) message {
	b := op.Brief
	title := "Legal brief: " + b.Title
	drill := op.Mode == incident.Drill || b.Mode == incident.Drill
	if drill {
		title = "DRILL - " + title
	}
	blocks := []slack.Block{slack.NewHeaderBlock(plainText(plain(title, mostHeader)))}
	if drill {
		blocks = append(blocks, heading("This is a drill. No production system is concerned and no duty arises from it."))
	}
	blocks = append(blocks, head(b, drill))
	blocks = append(blocks, section("What happened", happened(b))...)
	blocks = append(blocks, section("Blast radius, from the inventory's lineage", reach(b.Radius))...)
	blocks = append(blocks, section("Personal data", personal(b))...)
	blocks = append(blocks, section("Regimes that counsel should look at", append([]string{provisional}, lines("- ", b.Regimes, "none recorded in the inventory")...))...)
	blocks = append(blocks, section("Containment under way", lines("- ", b.Actions, "none yet"))...)
	blocks = append(blocks, section("Questions for legal", questions())...)
	blocks = append(blocks, slack.NewContextBlock("", plainText(plain("Facts only, not legal advice. Acknowledge in this thread with your name. Operation "+op.ID, mostLine))))
	return message{event: briefEvent, text: fallback(title, b.IncidentID), blocks: blocks}
}

// newWithdrawal builds the message that takes a brief back after a false positive.
func newWithdrawal(op *playbooks.Operation) message {
	title := "WITHDRAWN: false positive"
	if op.Mode == incident.Drill {
		title = "DRILL - " + title
	}
	body := []string{
		"The incident " + plain(op.IncidentID, mostLine) + " was closed as a false positive. Its legal brief is withdrawn.",
		"Containment is being undone. Evidence is kept, and revoked credentials stay revoked.",
		"Whether a duty or a legal hold remains is for counsel to decide.",
	}
	blocks := append([]slack.Block{slack.NewHeaderBlock(plainText(title))}, bodyBlock(body))
	return message{event: withdrawalEvent, text: fallback(title, op.IncidentID), blocks: blocks}
}

// fallback is what a notification shows.
func fallback(title, incidentID string) string {
	return slackutilsx.EscapeMessage(plain(title+" ("+incidentID+")", mostFallback))
}

func head(b *playbooks.Brief, drill bool) slack.Block {
	mode := "LIVE"
	if drill {
		mode = "DRILL"
	}
	var fields []*slack.TextBlockObject
	for _, f := range [][2]string{
		{"Incident", b.IncidentID}, {"Mode", mode}, {"Kind", string(b.Kind)}, {"Asset", b.Asset}, {"First signal", instant(b.DetectedAt)},
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
	return append(out,
		"[unknown] How and since when it happened, and who did it.",
		"[unknown] Whether anything left the organisation, and whether harm goes on.",
		"[unknown] When the organisation became aware: counsel decides.",
	)
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

// lines makes one line of each text, or one that says that there is none.
func lines(mark string, texts []string, none string) []string {
	if len(texts) == 0 {
		return []string{mark + none}
	}
	out := make([]string, 0, len(texts))
	for _, t := range texts {
		out = append(out, mark+plain(t, mostLine))
	}
	return out
}

// section is a heading of ours and a plain-text body.
func section(title string, body []string) []slack.Block {
	return []slack.Block{heading(title), bodyBlock(body)}
}

// heading is the only markup in a message; its text is always a constant of ours.
func heading(text string) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, "*"+text+"*", false, true), nil, nil)
}

// bodyBlock drops whole lines from the end until the body fits, and says so.
func bodyBlock(body []string) slack.Block {
	text := strings.Join(body, "\n")
	for dropped := 1; len([]rune(text)) > mostBody; dropped++ {
		text = strings.Join(append(body[:len(body)-dropped:len(body)-dropped], fmt.Sprintf("(and %d more lines; see the incident's record)", dropped)), "\n")
	}
	return slack.NewSectionBlock(plainText(text), nil, nil)
}

func plainText(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

func instant(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format(time.RFC3339)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
