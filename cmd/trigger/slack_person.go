package main

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"firebreak/internal/inventory"
	"firebreak/internal/slackui"
)

// caller is who did something in Slack. It is read from the verified payload alone, never from text.
type caller struct {
	slackID string
	// person is the inventory id. For one who is not in the inventory it is a name that can be nobody's there, so that the
	// incident refuses and records what was asked.
	person string
	known  bool
	// doubt says why somebody is not known.
	doubt string
	// elsewhere says why something is not this person's to send, although they are known.
	elsewhere string
	place     place
}

// who finds the person of a delivery.
func (c *cockpit) who(d *slackDelivery) caller {
	_, _, user := d.origin()
	w := caller{slackID: user, person: "slack:" + clean(user), place: place{user: user}}
	switch {
	case d.command != nil:
		w.place.responseURL, w.place.channel = d.command.ResponseURL, d.command.ChannelID
	case d.interaction != nil:
		in := d.interaction
		w.place.responseURL, w.place.channel, w.place.thread = in.ResponseURL, in.Channel.ID, in.Container.ThreadTS
	}
	people := slackPeople(c.inventory.current().Inventory, user)
	switch len(people) {
	case 1:
		w.person, w.known = people[0], true
	case 0:
		w.doubt = fmt.Sprintf("your Slack id %s is nobody's in the inventory", clean(user))
	default:
		w.doubt = fmt.Sprintf("your Slack id %s is that of several people in the inventory (%s)", clean(user), strings.Join(people, ", "))
	}
	return w
}

// slackPeople lists the people whose Slack id it is. Unlike a lookup by any name, nobody becomes somebody else because an
// inventory id or a login reads like a Slack id; and an id that two people share is neither's.
func slackPeople(inv *inventory.Inventory, user string) []string {
	var ids []string
	for i := range inv.People {
		if p := &inv.People[i]; user != "" && p.Slack == user {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// clean is an id of Slack's as it may be logged and recorded.
func clean(id string) string { return slackui.Plain(id, 40) }

// notice is a message of plain text: nothing in it can mention anybody or pass for a link.
func notice(text string) (fallback string, blocks []slack.Block) {
	const most = 2500
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = slackui.Plain(lines[i], most)
	}
	text = slackui.Shorten(strings.Join(lines, "\n"), most)
	return slackutilsx.EscapeMessage(text), []slack.Block{slack.NewSectionBlock(slack.NewTextBlockObject(slack.PlainTextType, text, false, false), nil, nil)}
}
