package slackui

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"firebreak/internal/incident"
)

// Plain makes text of others fit to be one line of ours: valid, at most so many characters, and without line breaks,
// control characters, invisible and direction-changing characters, with which it could pass for another statement. Emoji
// go too, since Slack stores them as names and the message could not be compared with what was posted.
func Plain(text string, most int) string {
	var out strings.Builder
	count := 0
	gap := false
	// What is not valid is read as U+FFFD, a symbol. No more is read than is shown, and the character that tells that there is
	// more.
	for _, r := range text {
		switch {
		case r > ' ' && r < unicode.MaxASCII && !strings.ContainsRune("^`", r):
		case unicode.IsSpace(r):
			gap = out.Len() > 0
			continue
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.So, unicode.Sk, unicode.Co):
			continue
		}
		if gap {
			out.WriteByte(' ')
			count++
		}
		gap = false
		out.WriteRune(r)
		if count++; count > most {
			break
		}
	}
	return Shorten(out.String(), most)
}

// Shorten cuts text to so many characters, the last of which is then an ellipsis.
func Shorten(text string, most int) string {
	// No text has more characters than bytes, so that most texts need not be counted.
	if len(text) <= most {
		return text
	}
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return strings.TrimSpace(string(runes[:most-1])) + "…"
}

// plainText is text that Slack shows as it is. Slack refuses an empty one.
func plainText(text string) *slack.TextBlockObject {
	if text == "" {
		text = "-"
	}
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

// heading is markup whose text is always a constant of ours.
func heading(text string) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, "*"+text+"*", false, true), nil, nil)
}

// header is a message's title; a drill cannot be mistaken.
func header(mode incident.Mode, text string) slack.Block {
	return slack.NewHeaderBlock(plainText(Plain(marked(mode, text), maxHeader)))
}

// marked puts the mode before a text.
func marked(mode incident.Mode, text string) string {
	if mode == incident.Drill {
		return "DRILL - " + text
	}
	return text
}

// paragraph shows lines, dropping whole ones from the end until they fit, and says so.
func paragraph(lines []string, most int) slack.Block {
	text := strings.Join(lines, "\n")
	for dropped := 1; len([]rune(text)) > most && dropped <= len(lines); dropped++ {
		kept := lines[: len(lines)-dropped : len(lines)-dropped]
		text = strings.Join(append(kept, fmt.Sprintf("(and %d more lines; see the incident's record)", dropped)), "\n")
	}
	return slack.NewSectionBlock(plainText(Shorten(text, maxText)), nil, nil)
}

// list makes one line of each text, or one that says that there is none.
func list(texts []string, none string) []string {
	if len(texts) == 0 {
		return []string{none}
	}
	out := make([]string, 0, min(len(texts), mostLines))
	for _, t := range texts[:min(len(texts), mostLines)] {
		out = append(out, "- "+Plain(t, maxLine))
	}
	if n := len(texts) - len(out); n > 0 {
		out = append(out, fmt.Sprintf("(and %d more)", n))
	}
	return out
}

// small is a line of small print.
func small(text string) slack.Block {
	return slack.NewContextBlock("", plainText(Plain(text, 2*maxLine)))
}

// fallback is what a notification shows. It is markup to Slack, so that it is escaped.
func fallback(mode incident.Mode, text string) string {
	return slackutilsx.EscapeMessage(orElse(Plain(marked(mode, text), maxFallback), "-"))
}

// instant shows a time in UTC, as everybody of an incident reads it alike.
func instant(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// words reads a value of the record, such as contained_with_gaps.
func words[S ~string](value S) string {
	if value == "" {
		return "unknown"
	}
	return strings.ReplaceAll(string(value), "_", " ")
}

func orElse(text, none string) string {
	if text == "" {
		return none
	}
	return text
}

// short abbreviates a digest for people: the first twelve hex digits.
func short(digest string) string {
	hex := strings.TrimPrefix(digest, "sha256:")
	return Plain(hex[:min(len(hex), 12)], 12)
}
