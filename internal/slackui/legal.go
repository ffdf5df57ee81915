package slackui

import "github.com/slack-go/slack"

// Acknowledge is the row of buttons below a legal brief. It is empty if the incident's id does not fit into a button.
func Acknowledge(ref Ref) []slack.Block {
	return row(button(ActionAcknowledge, "Acknowledge the brief", ref))
}
