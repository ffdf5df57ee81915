package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"firebreak/playbooks"
)

// Types of the metadata by which our messages are found again.
const (
	briefEvent      = "firebreak_legal_brief"
	withdrawalEvent = "firebreak_legal_withdrawal"
	reminderEvent   = "firebreak_legal_reminder"
)

// message is what is posted: blocks, and a text for notifications and screen readers.
type message struct {
	event  string
	text   string
	blocks []slack.Block
}

// options are the arguments of chat.postMessage. Slack neither parses the text nor fetches links that an alert brought.
func (m message) options(of key) []slack.MsgOption {
	return []slack.MsgOption{
		slack.MsgOptionText(m.text, false),
		slack.MsgOptionBlocks(m.blocks...),
		slack.MsgOptionDisableMarkdown(),
		slack.MsgOptionParse(false),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: m.event, EventPayload: map[string]any{
			"operation": of.operation, "incident": of.incident, "digest": m.digest(),
		}}),
	}
}

// digest identifies what a reader of the message sees.
func (m message) digest() string { return digest(m.text, m.blocks) }

// key is what a message is found again by.
type key struct{ operation, incident string }

func keyOf(op *playbooks.Operation) key { return key{op.ID, op.IncidentID} }

// carries reports whether a message of the history is the one of the key.
func carries(found *slack.Message, event string, of key) bool {
	return found.Metadata.EventType == event && found.Metadata.EventPayload["operation"] == of.operation
}

func digest(text string, blocks []slack.Block) string {
	lines := []string{canonical(text)}
	for _, b := range blocks {
		lines = append(lines, blockTexts(b)...)
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// blockTexts returns what a block shows. A block of a kind that we never post counts by its kind, so that a message to
// which one was added differs.
func blockTexts(b slack.Block) []string {
	var texts []*slack.TextBlockObject
	switch b := b.(type) {
	case *slack.HeaderBlock:
		texts = append(texts, b.Text)
	case *slack.SectionBlock:
		texts = append(append(texts, b.Text), b.Fields...)
	case *slack.ContextBlock:
		for _, e := range b.ContextElements.Elements {
			if t, ok := e.(*slack.TextBlockObject); ok {
				texts = append(texts, t)
			}
		}
	default:
		return []string{fmt.Sprintf("(%s)", b.BlockType())}
	}
	lines := make([]string, 0, len(texts))
	for _, t := range texts {
		if t != nil {
			lines = append(lines, canonical(t.Text))
		}
	}
	return lines
}
