package notify

import (
	"html"
	"regexp"
	"strings"

	"firebreak/internal/slackui"
)

// plain makes text of others fit to be one line of ours.
func plain(text string, most int) string { return slackui.Plain(text, most) }

// slackLink is a link as Slack stores it in a text that held a bare address.
var slackLink = regexp.MustCompile(`<(?:https?://|mailto:)[^|<>]*\|([^<>]*)>|<((?:https?://|mailto:)[^|<>]*)>`)

// canonical undoes what Slack does to a text between posting and history: it links addresses, escapes & < >, and trims.
// Two texts that read alike have the same canonical form.
func canonical(text string) string {
	text = slackLink.ReplaceAllString(text, "$1$2")
	for {
		once := html.UnescapeString(text)
		if once == text {
			break
		}
		text = once
	}
	return strings.Join(strings.Fields(text), " ")
}
