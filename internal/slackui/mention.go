package slackui

import (
	"regexp"
	"strings"

	"github.com/slack-go/slack"
)

// mostMentions bounds how many people a message calls.
const mostMentions = 10

// slackPerson is what the id of a person in Slack looks like (https://docs.slack.dev/messaging/formatting-message-text).
var slackPerson = regexp.MustCompile(`^[UW][A-Z0-9]{6,20}$`)

// Mentions is markup that calls people, by their checked ids alone; it is empty if there are none.
func Mentions(ids []string) string {
	var out []string
	for _, id := range ids {
		if slackPerson.MatchString(id) && len(out) < mostMentions {
			out = append(out, "<@"+id+">")
		}
	}
	return strings.Join(out, " ")
}

// call is a block that calls people.
func call(ids []string) []slack.Block {
	who := Mentions(ids)
	if who == "" {
		return nil
	}
	return []slack.Block{slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, who, false, true), nil, nil)}
}
