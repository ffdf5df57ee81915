package main

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"firebreak/internal/incident"
)

// cockpit is the on-call's side of Slack: it takes commands, clicks, modals and events, by HTTP and by Socket Mode, and
// hands what they ask to the incidents. Whether somebody may is decided there and recorded there; here it is only made sure
// who it was.
type cockpit struct {
	op        operator
	inventory *inventoryFile
	// mode limits what can be declared: a trigger of drills declares no live incident.
	mode  incident.Mode
	kinds []incident.Kind
	// secrets are empty if Slack reaches the trigger by Socket Mode alone; nothing is served by HTTP then.
	secrets signingSecrets
	// team and app, where set, are the only ones of which a payload is taken.
	team, app string
	answers   *answers
	jobs      *jobs
	// sockets are the connections of Socket Mode; none where it is off.
	sockets []*socket
	log     *slog.Logger
	now     func() time.Time
}

// slackReply answers a delivery itself: the body of a response, or the payload of an acknowledgement.
type slackReply struct {
	// status is 200 if it is not set. Socket Mode does not acknowledge what could not be begun.
	status int
	body   any
}

// mount serves Slack's routes beside the others.
func (c *cockpit) mount(next http.Handler) http.Handler {
	if c == nil || len(c.secrets) == 0 {
		return next
	}
	mux := http.NewServeMux()
	mux.Handle("/", next)
	mux.Handle("POST /slack/commands", c.route(formType, commandForm))
	mux.Handle("POST /slack/interactions", c.route(formType, interactionForm))
	mux.Handle("POST /slack/options", c.route(formType, interactionForm))
	mux.Handle("POST /slack/events", c.route(jsonType, eventJSON))
	return mux
}

// start opens the connections of Socket Mode. The function it returns ends them once what was acknowledged is finished.
func (c *cockpit) start(ctx context.Context) (stop func()) {
	if c == nil {
		return func() {}
	}
	// The connections outlive the signal to stop: acknowledgements of what is under way still go through them.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	for _, s := range c.sockets {
		running.Go(func() { s.run(ctx) })
	}
	return func() {
		c.jobs.close()
		cancel()
		running.Wait()
	}
}

// handle answers one delivery, however it came. It returns well within Slack's three seconds.
func (c *cockpit) handle(d *slackDelivery) slackReply {
	team, app, user := d.origin()
	// Slack's check of an address is of no workspace.
	checked := d.event != nil && d.event.Type == slackURLCheck
	if !checked && (c.team != "" && team != c.team || c.app != "" && app != c.app) {
		c.log.Warn("slack payload refused: it is of another workspace or app", "team", clean(team), "app", clean(app), "slack_user", clean(user))
		return slackReply{status: http.StatusForbidden, body: "not a workspace or an app that this trigger serves"}
	}
	switch {
	case d.command != nil:
		return c.command(d)
	case d.event != nil:
		return c.event(d)
	}
	switch d.interaction.Type {
	case slackBlockActions:
		return c.action(d)
	case slackViewSubmission:
		return c.submission(d)
	case slackSuggestion:
		return c.suggest(d)
	}
	// Shortcuts and closed modals are none of ours and ask for nothing.
	return slackReply{}
}

// The answers of those who come at a bad moment.
const (
	slackBusy = "firebreak has too much to do at this moment: nothing was done. Try again in a few seconds, or use the command line (trigger --help)."
	slackSlow = "Temporal has not answered yet. Nothing counts as done before you are told so here."
)

// do hands work to the background and answers the delivery: once the work is durable, or when Slack will wait no longer.
func (c *cockpit) do(d *slackDelivery, who caller, work slackWork) slackReply {
	var slow slackTell
	if d.interaction != nil {
		slow = c.say(who, slackSlow)
	}
	switch c.jobs.do(d.key(), work, slow) {
	case jobBusy:
		c.log.Warn("slack delivery not taken: too many are being worked on", "slack_user", who.slackID)
		if d.command != nil {
			return ephemeralReply(slackBusy)
		}
		// Slack shows the person that it failed, and sends an event again.
		return slackReply{status: http.StatusServiceUnavailable, body: slackBusy}
	case jobRunning:
		if d.command != nil {
			return ephemeralReply(slackSlow)
		}
	case jobRecorded:
	}
	return slackReply{}
}

// ephemeralReply answers a slash command in its own response.
func ephemeralReply(text string) slackReply {
	text, blocks := notice(text)
	return slackReply{body: map[string]any{"response_type": slack.ResponseTypeEphemeral, "text": text, "blocks": blocks}}
}
