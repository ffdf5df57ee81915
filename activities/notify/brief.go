package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"firebreak/internal/incident"
	"firebreak/internal/slackui"
	"firebreak/playbooks"
)

// Limits in characters. Slack takes 150 in a header, 3000 in a section and 50 blocks a message
// (https://docs.slack.dev/reference/block-kit/blocks), but refuses a message whose blocks are longer than about 13,000
// altogether with msg_blocks_too_long; mostBlocks keeps below that.
const (
	mostHeader   = 150
	mostBody     = 1100
	mostLine     = 300
	mostName     = 150
	mostFallback = 1000
	mostSection  = 1900
	mostBlocks   = 12_500
)

// provisional is the rule that firebreak never starts a legal clock (invariant V14).
const provisional = "Clocks are provisional; anchors are set by counsel, never by the engine."

// sizes are the most characters of a section, and of the table of clocks, that are tried until a brief fits. The table is
// what must be dropped last.
func sizes() [][2]int {
	return [][2]int{{mostBody, 4500}, {800, 4500}, {500, 4000}, {300, 3000}, {150, 2000}, {100, 1000}, {60, 500}}
}

// newBrief builds the legal brief. It is pure: the same operation always gives the same message. Every statement is marked
// known, suspected or unknown, and no text that is not ours is ever interpreted as markup.
func newBrief(op *playbooks.Operation) message {
	var m message
	for _, size := range sizes() {
		m = buildBrief(op, size[0], size[1])
		if raw, err := json.Marshal(m.blocks); err == nil && len(raw) <= mostBlocks {
			break
		}
	}
	return m
}

func buildBrief(op *playbooks.Operation, most, mostClocks int) message {
	b := op.Brief
	title := "Legal brief: " + b.Title
	if b.Version > 0 {
		title = fmt.Sprintf("Legal brief, version %d: %s", b.Version, b.Title)
	}
	drill := op.Mode == incident.Drill || b.Mode == incident.Drill
	if drill {
		title = "DRILL - " + title
	}
	blocks := []slack.Block{slack.NewHeaderBlock(plainText(plain(title, mostHeader)))}
	if drill {
		blocks = append(blocks, heading("This is a drill. No production system is concerned and no duty arises from it."))
	}
	blocks = append(blocks, head(b, drill))
	section := func(title string, body []string) {
		blocks = append(blocks, heading(title), bodyBlock(body, most))
	}
	if b.Version > 0 {
		section("What is new", lines("- ", b.Changes, "nothing but the time"))
	}
	section("What happened", happened(b))
	blocks = append(blocks, clockTable(b, mostClocks)...)
	section("Instants, in UTC", instants(b))
	section("Affected systems", lines("- ", b.Systems, "none in the inventory"))
	section("Blast radius, from the inventory's lineage", reach(b.Radius))
	section("Personal data", personal(b))
	section("Model exposure", marked(b.ModelExposure, "[unknown] Whether weights or outputs could reveal training data."))
	section("Regimes that counsel should look at", append([]string{provisional}, lines("- ", b.Regimes, "none recorded in the inventory")...))
	section("Actions", actions(b))
	section("Consequences", append(marked(b.Consequences, "[unknown] Whether containment holds: nothing is proved yet."),
		"[unknown] The likely consequences for persons, and whether harm goes on."))
	section("Third parties and contracts", lines("- ", b.ThirdParties, "none recorded in the inventory"))
	section("Questions for legal", questions())
	blocks = append(blocks, slackui.Acknowledge(slackui.RefTo(op.IncidentID, b.OpenedAt))...)
	blocks = append(blocks, slack.NewContextBlock("", plainText(plain(closing(op), 2*mostLine))))
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
	blocks := append([]slack.Block{slack.NewHeaderBlock(plainText(title))}, bodyBlock(body, mostBody))
	return message{event: withdrawalEvent, text: fallback(title, op.IncidentID), blocks: blocks}
}

// fallback is what a notification shows.
func fallback(title, incidentID string) string {
	return slackutilsx.EscapeMessage(plain(title+" ("+incidentID+")", mostFallback))
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

// heading is markup whose text is always a constant of ours.
func heading(text string) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, "*"+text+"*", false, true), nil, nil)
}

// bodyBlock drops whole lines from the end until the body fits, and says so.
func bodyBlock(body []string, most int) slack.Block {
	text := strings.Join(body, "\n")
	for dropped := 1; len([]rune(text)) > most && dropped <= len(body); dropped++ {
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
