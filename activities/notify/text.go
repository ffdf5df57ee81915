package notify

import (
	"html"
	"regexp"
	"strings"
	"unicode"
)

// plain makes text of others fit to be one line of ours: valid, at most so many characters, and without line breaks,
// control characters, invisible and direction-changing characters, with which it could pass for another statement. Emoji
// go too, since Slack stores them as names and the message could not be compared with what was posted.
func plain(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.So, unicode.Sk, unicode.Co):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return shorten(strings.Join(strings.Fields(text), " "), most)
}

// shorten cuts text to so many characters, the last of which is then an ellipsis.
func shorten(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return strings.TrimSpace(string(runes[:most-1])) + "…"
}

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
