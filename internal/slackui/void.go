package slackui

import (
	"github.com/slack-go/slack"

	"firebreak/internal/incident"
)

// AskedAgain replaces a request that is asked again in a message further down, of other people or on another plan.
func AskedAgain(rec *incident.Record, what string) Message {
	return void(rec, "Asked again below: "+what, "This request was asked again below, of other people or on another plan. Decide there.")
}

// NoLongerAsked replaces a request that nobody has to answer any more.
func NoLongerAsked(rec *incident.Record, what string) Message {
	return void(rec, "No longer asked: "+what, "The incident no longer waits for this.")
}

// Duplicate replaces a message that was posted twice because Slack's answer was lost.
func Duplicate(rec *incident.Record) Message {
	return void(rec, "Duplicate", "This message was posted twice, because Slack's answer was lost. The other one counts.")
}

func void(rec *incident.Record, title, text string) Message {
	return Message{Text: fallback(rec.Mode, title+" ("+rec.ID+")"),
		Blocks: []slack.Block{header(rec.Mode, title), paragraph([]string{text}, maxText), small(rec.ID)}}
}
