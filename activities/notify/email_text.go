package notify

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// mostSubject bounds the subject of a mail in characters.
const mostSubject = 200

// slackHeading is what heading makes: the only markup of ours that is words. The other is the mention of people.
var slackHeading = regexp.MustCompile(`^\*([^*<>]+)\*$`)

// subject is the message's text for notifications, as a mail's subject. Slack's escapes are undone in the order that makes
// them whole.
func (m message) subject() string {
	return plain(strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(m.text), mostSubject)
}

// letterText is the message as plain text: the same words in the same order, so that legal knows by mail exactly what it would
// have known in Slack, and nothing more. Mentions of people are left out; a mail has its addresses.
func (m message) letterText() string {
	var lines []string
	for _, b := range m.blocks {
		switch b := b.(type) {
		case *slack.HeaderBlock:
			lines = append(lines, b.Text.Text, strings.Repeat("=", min(utf8.RuneCountInString(b.Text.Text), 76)))
		case *slack.SectionBlock:
			lines = append(lines, sectionLines(b)...)
		case *slack.ContextBlock:
			for _, e := range b.ContextElements.Elements {
				if t, ok := e.(*slack.TextBlockObject); ok {
					lines = append(lines, "", t.Text)
				}
			}
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func sectionLines(b *slack.SectionBlock) []string {
	var lines []string
	if b.Text != nil {
		switch title := slackHeading.FindStringSubmatch(b.Text.Text); {
		case b.Text.Type == slack.PlainTextType:
			lines = append(lines, b.Text.Text)
		case title != nil:
			lines = append(lines, "", strings.ToUpper(title[1]))
		}
	}
	for _, f := range b.Fields {
		lines = append(lines, f.Text)
	}
	return lines
}
