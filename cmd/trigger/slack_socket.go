package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

const (
	// socketConnections are kept at all times: when Slack asks for one to be replaced, the other takes what comes.
	socketConnections = 2
	// socketPause is between two attempts where Slack refuses the app token, doubled up to socketLongestPause. Network
	// faults are the library's, which waits in the same way.
	socketPause        = 2 * time.Second
	socketLongestPause = time.Minute
	// socketPlaces bounds the deliveries of one connection that wait for their answer.
	socketPlaces = 128
)

// socket is one connection of Socket Mode.
type socket struct {
	number int
	api    *slack.Client
	log    *slog.Logger
	// handle gets each delivery and returns the answer to it.
	handle func(*slackDelivery) slackReply
	now    func() time.Time
	pause  time.Duration
	places chan struct{}
}

// run keeps the connection until ctx ends.
func (s *socket) run(ctx context.Context) {
	for pause := s.pause; ctx.Err() == nil; pause = min(2*pause, socketLongestPause) {
		began := s.now()
		err := s.connection(ctx)
		if ctx.Err() != nil {
			return
		}
		if s.now().Sub(began) > socketLongestPause {
			pause = s.pause
		}
		s.log.Warn("socket mode ended; connecting again", "connection", s.number, "in", pause, "error", wordSlack("open socket mode", err))
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}

// connection runs one client of the library, which connects again by itself until Slack refuses the token.
func (s *socket) connection(ctx context.Context) error {
	client := socketmode.New(s.api, socketmode.OptionReadLimit(slackBodyLimit), socketmode.OptionLog(silent{}))
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	for {
		select {
		case err := <-ended:
			return err
		case event := <-client.Events:
			s.take(ctx, client, event)
		}
	}
}

// take hands on what Slack sent. A delivery is worked on beside the others; how many at a time is bounded by the work.
func (s *socket) take(ctx context.Context, client *socketmode.Client, event socketmode.Event) {
	switch event.Type {
	case socketmode.EventTypeHello:
		s.log.Info("socket mode is connected", "connection", s.number)
		return
	case socketmode.EventTypeConnectionError:
		if fault, ok := event.Data.(*slack.ConnectionErrorEvent); ok {
			s.log.Warn("socket mode cannot connect", "connection", s.number, "attempt", fault.Attempt, "again_in", fault.Backoff, "error", wordSlack("open socket mode", fault.ErrorObj))
		}
		return
	case socketmode.EventTypeErrorBadMessage:
		// What it says is not logged: it can hold response_urls and what people wrote.
		s.log.Warn("socket mode got a message that cannot be read; it is not acknowledged", "connection", s.number)
		return
	case socketmode.EventTypeErrorWriteFailed:
		s.log.Warn("socket mode could not acknowledge; Slack sends it again", "connection", s.number)
		return
	}
	if event.Request == nil || event.Request.EnvelopeID == "" {
		return
	}
	d, err := envelope(event)
	if err != nil {
		s.log.Warn("slack envelope refused", "connection", s.number, "error", err)
		s.acknowledge(ctx, client, event.Request, nil)
		return
	}
	d.at = s.now()
	if event.Request.RetryAttempt > 0 {
		s.log.Info("slack sends something again", "retry", event.Request.RetryAttempt, "reason", clean(event.Request.RetryReason))
	}
	select {
	case s.places <- struct{}{}:
	default:
		s.log.Warn("slack envelope not taken: too many wait for their answer", "connection", s.number)
		return
	}
	go func() {
		defer func() { <-s.places }()
		reply := s.handle(&d)
		if reply.status == http.StatusServiceUnavailable {
			// Not acknowledged: Slack shows that it failed, or sends it again.
			return
		}
		body := reply.body
		if reply.status != 0 {
			body = nil
		}
		s.acknowledge(ctx, client, event.Request, body)
	}()
}

// acknowledge answers an envelope; a payload goes along only where Slack takes one.
func (s *socket) acknowledge(ctx context.Context, client *socketmode.Client, request *socketmode.Request, body any) {
	var err error
	if body != nil && request.AcceptsResponsePayload {
		err = client.AckCtx(ctx, request.EnvelopeID, body)
	} else {
		err = client.AckCtx(ctx, request.EnvelopeID, nil)
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("socket mode could not acknowledge", "connection", s.number, "error", err)
	}
}

// envelope reads the payload with the same parsers as HTTP's.
func envelope(event socketmode.Event) (slackDelivery, error) {
	switch event.Type {
	case socketmode.EventTypeSlashCommand:
		return commandJSON(event.Request.Payload)
	case socketmode.EventTypeInteractive:
		return interactionJSON(event.Request.Payload)
	case socketmode.EventTypeEventsAPI:
		return eventJSON(event.Request.Payload)
	}
	return slackDelivery{}, errors.New("the envelope is of a type that is not used")
}

// silent is the library's logger: what it would say repeats payloads.
type silent struct{}

// Output drops a line.
func (silent) Output(int, string) error { return nil }
