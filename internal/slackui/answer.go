package slackui

import (
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"
)

// Ephemeral answers one person with a sentence. The sentence may hold text of others.
func Ephemeral(text string) Message {
	text = orElse(Plain(text, maxInput), "-")
	return Message{Text: slackutilsx.EscapeMessage(Shorten(text, maxFallback)), Blocks: []slack.Block{slack.NewSectionBlock(plainText(text), nil, nil)}}
}

// Help says what the slash command takes.
func Help() Message {
	lines := []string{
		"/incident declare [asset]  opens the form that starts an incident",
		"/incident list  shows the open incidents",
		"/incident status [incident]  shows one; inside an incident's thread, that one",
		"/incident help  shows this",
		"",
		"Approvals, tasks and everything else are buttons in the incident's thread. The command line does the same: 'trigger --help'.",
	}
	text := "How to use /incident"
	return Message{Text: text, Blocks: []slack.Block{slack.NewHeaderBlock(plainText(text)), paragraph(lines, maxText)}}
}
