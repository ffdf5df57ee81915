package main

import (
	"context"
	"net/http"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"firebreak/internal/slackui"
)

// event takes what the Events API reports: somebody who opens the app's home.
func (c *cockpit) event(d *slackDelivery) slackReply {
	switch {
	case d.event.Type == slackURLCheck:
		// Slack checks that the address is ours; it wants its own word back.
		return slackReply{body: clip(d.event.Challenge, 256)}
	case d.event.Type != slackEventCallback || d.event.Event.Type != slackHomeOpened || d.event.Event.Tab != "home":
		return slackReply{}
	case !slackUserID.MatchString(d.event.Event.User):
		return slackReply{status: http.StatusBadRequest, body: "the event names no user"}
	}
	who := c.who(d)
	return c.do(d, who, func(ctx context.Context) (slackTell, bool) { return c.home(ctx, who) })
}

// clip is the beginning of a text of Slack's, without what a browser could act on.
func clip(text string, most int) string {
	return slackutilsx.EscapeMessage(slackui.Plain(text, most))
}

// home publishes the app's home with what waits for the person. A stranger learns nothing there.
func (c *cockpit) home(ctx context.Context, who caller) (slackTell, bool) {
	view, done := &slack.HomeTabViewRequest{Type: slack.VTHomeTab}, true
	if !who.known {
		_, view.Blocks.BlockSet = notice("firebreak shows incidents to people of its inventory: " + who.doubt + ".")
	} else if open, err := c.open(ctx); err != nil {
		c.log.Warn("the home could not be filled", "slack_user", who.slackID, "error", err)
		_, view.Blocks.BlockSet = notice("Temporal does not answer, so that the incidents cannot be shown. Open this page again in a moment, or use: trigger list")
		done = false
	} else {
		view = slackui.Home(open, c.role(who))
	}
	return func(ctx context.Context) {
		if err := c.answers.publish(ctx, who.slackID, *view); err != nil {
			c.log.Warn("the home was not published", "slack_user", who.slackID, "error", err)
		}
	}, done
}

// role is the person's role in the inventory.
func (c *cockpit) role(who caller) string {
	if p := c.inventory.current().Person(who.person); who.known && p != nil {
		return p.Role
	}
	return ""
}

// options leads to the incident's page, where the inventory names one.
func (c *cockpit) options(incidentID string) slackui.Options {
	return slackui.Options{Link: c.link(incidentID)}
}

func (c *cockpit) link(incidentID string) string {
	return slackui.Link(c.inventory.current().Oncall.PageURL, incidentID)
}
