package slackui

import (
	"net/url"

	"github.com/slack-go/slack"
)

// Message is what is posted: blocks, and a text for notifications and screen readers, which is escaped. It is to be posted
// without markup in the text, without unfurling and without linking names.
type Message struct {
	Text   string
	Blocks []slack.Block
}

// Options are what a record does not say.
type Options struct {
	// Link is the address of the incident's page, if there is one.
	Link string
	// Mention are the Slack ids of the people who are asked. Nothing else in a message can call anybody.
	Mention []string
}

// row is a row of buttons: those that could not be made are left out, and a row of none is no block.
func row(buttons ...*slack.ButtonBlockElement) []slack.Block {
	var elements []slack.BlockElement
	for _, b := range buttons {
		if b != nil && len(elements) < maxElements {
			elements = append(elements, b)
		}
	}
	if len(elements) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("", elements...)}
}

// button is nil if its reference does not fit, e.g. because an asset's id is monstrous: the command line still works.
func button(action, text string, ref Ref) *slack.ButtonBlockElement {
	value, err := ref.Encode()
	if err != nil {
		return nil
	}
	return slack.NewButtonBlockElement(action, value, plainText(Plain(text, maxButton)))
}

// verbButton opens the modal of a verb.
func verbButton(v Verb, text string, ref Ref) *slack.ButtonBlockElement {
	ref.Verb = v
	return button(ActionVerb+":"+string(v), text, ref)
}

// linkButton opens the incident's page. It is nil if there is none or its address is not one.
func linkButton(link string) *slack.ButtonBlockElement {
	u, err := url.Parse(link)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || len(u.String()) > maxURL {
		return nil
	}
	return slack.NewButtonBlockElement(ActionPage, "", plainText("Incident page")).WithURL(u.String())
}
