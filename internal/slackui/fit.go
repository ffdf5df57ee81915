package slackui

import (
	"encoding/json"

	"github.com/slack-go/slack"
)

// fitting builds with ever shorter paragraphs until the blocks fit into a message. Only ids such as no inventory has are too
// long even then: the message goes without buttons, and everything in it is cut, before it is refused.
func fitting(build func(most int) []slack.Block) []slack.Block {
	var blocks []slack.Block
	for _, most := range []int{1500, 900, 500, 300, 150, 80} {
		if blocks = build(most); weight(blocks) <= maxWeight {
			return blocks
		}
	}
	blocks = append(withoutButtons(blocks), small("The ids are too long for buttons: use the command line, 'trigger --help'."))
	for _, most := range []int{600, 300, 150, 80, 40} {
		if weight(blocks) <= maxWeight {
			break
		}
		cut(blocks, most)
	}
	return blocks
}

// weight is the size of blocks as Slack counts it.
func weight(blocks []slack.Block) int {
	raw, err := json.Marshal(blocks)
	if err != nil {
		return maxWeight + 1
	}
	return len(raw)
}

func withoutButtons(blocks []slack.Block) []slack.Block {
	var out []slack.Block
	for _, b := range blocks {
		switch b := b.(type) {
		case *slack.ActionBlock:
			continue
		case *slack.SectionBlock:
			b.Accessory = nil
		}
		out = append(out, b)
	}
	return out
}

// cut shortens every text that is not markup, which is a constant or calls people.
func cut(blocks []slack.Block, most int) {
	shorten := func(t *slack.TextBlockObject) {
		if t != nil && t.Type == slack.PlainTextType {
			t.Text = Shorten(t.Text, most)
		}
	}
	for _, b := range blocks {
		switch b := b.(type) {
		case *slack.HeaderBlock:
			shorten(b.Text)
		case *slack.SectionBlock:
			shorten(b.Text)
			for _, f := range b.Fields {
				shorten(f)
			}
		case *slack.ContextBlock:
			for _, e := range b.ContextElements.Elements {
				if t, ok := e.(*slack.TextBlockObject); ok {
					shorten(t)
				}
			}
		}
	}
}
