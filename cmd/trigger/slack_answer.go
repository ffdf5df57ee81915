package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/slack-go/slack"
)

const (
	// slackCallTimeout bounds one call of Slack's.
	slackCallTimeout = 5 * time.Second
	// slackViewTimeout bounds the opening of a modal: Slack takes a trigger_id for three seconds.
	slackViewTimeout = 2500 * time.Millisecond
	// slackCalls is how often a message is tried.
	slackCalls = 4
	// slackPause is between two tries, and where Slack limits the rate without saying for how long.
	slackPause = time.Second
	// slackHooks is the only host to which Slack has answers posted.
	slackHooks = "hooks.slack.com"
)

// answers says things to people in Slack. It logs what it could not say, and never the address it was to be said at: a
// response_url is a secret.
type answers struct {
	api  *slack.Client
	http *http.Client
	// hooks is the scheme and host that a response_url must have.
	hooks url.URL
	log   *slog.Logger
	pause time.Duration
}

// newAnswers makes the clients. An empty API address is Slack's own; another one takes the answers too.
func newAnswers(botToken, apiAddress string, log *slog.Logger) *answers {
	a := &answers{
		http: &http.Client{
			Timeout: slackCallTimeout,
			// The token is in each call, and a response_url is one: a redirect must carry neither elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		hooks: url.URL{Scheme: "https", Host: slackHooks}, log: log, pause: slackPause,
	}
	options := []slack.Option{slack.OptionHTTPClient(a.http)}
	if apiAddress != "" {
		options = append(options, slack.OptionAPIURL(apiAddress))
		if u, err := url.Parse(apiAddress); err == nil {
			a.hooks = url.URL{Scheme: u.Scheme, Host: u.Host}
		}
	}
	a.api = slack.New(botToken, options...)
	return a
}

// place is where a person is answered: at the address that came with what they did, or else in the channel.
type place struct {
	responseURL, channel, thread, user string
}

// ephemeral shows the message to one person.
func (a *answers) ephemeral(ctx context.Context, p place, text string, blocks []slack.Block) {
	var faults []error
	if p.responseURL != "" {
		err := a.respond(ctx, p, text, blocks)
		if err == nil {
			return
		}
		faults = append(faults, err)
	}
	options := []slack.MsgOption{slack.MsgOptionText(text, false), slack.MsgOptionDisableLinkUnfurl()}
	if len(blocks) > 0 {
		options = append(options, slack.MsgOptionBlocks(blocks...))
	}
	if p.channel != "" {
		here := slices.Clone(options)
		if p.thread != "" {
			here = append(here, slack.MsgOptionTS(p.thread))
		}
		err := a.try(ctx, "post to the person in the channel", func(ctx context.Context) error {
			_, err := a.api.PostEphemeralContext(ctx, p.channel, p.user, here...)
			return err
		})
		if err == nil {
			return
		}
		faults = append(faults, err)
	}
	// The app is perhaps not in the channel; each person has a conversation with it.
	err := a.try(ctx, "post to the person", func(ctx context.Context) error {
		_, _, err := a.api.PostMessageContext(ctx, p.user, options...)
		return err
	})
	if err != nil {
		a.log.Warn("slack was not told", "channel", p.channel, "slack_user", p.user, "error", errors.Join(append(faults, err)...))
	}
}

// respond posts to a response_url. Where it leads is checked first: what it holds came from outside.
func (a *answers) respond(ctx context.Context, p place, text string, blocks []slack.Block) error {
	u, err := url.Parse(p.responseURL)
	if err != nil || u.Scheme != a.hooks.Scheme || u.Host != a.hooks.Host || u.User != nil {
		return fmt.Errorf("the response_url does not lead to %s: it was not called", a.hooks.Host)
	}
	body := map[string]any{"response_type": slack.ResponseTypeEphemeral, "replace_original": false, "text": text}
	if len(blocks) > 0 {
		body["blocks"] = blocks
	}
	if p.thread != "" {
		body["thread_ts"] = p.thread
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	return a.try(ctx, "post to the response_url", func(ctx context.Context) error { return a.post(ctx, u, raw) })
}

func (a *answers) post(ctx context.Context, u *url.URL, raw []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(raw))
	if err != nil {
		return errors.New("the response_url cannot be called")
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := a.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	// The rest of the body lets the connection be used again; nothing in it is wanted.
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	if resp.StatusCode == http.StatusTooManyRequests {
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return &slack.RateLimitedError{RetryAfter: time.Duration(seconds) * time.Second}
	}
	if resp.StatusCode != http.StatusOK {
		return slack.StatusCodeError{Code: resp.StatusCode, Status: resp.Status}
	}
	return nil
}

// open shows a modal. It is not tried again: by then the trigger_id would have expired.
func (a *answers) open(ctx context.Context, triggerID string, view slack.ModalViewRequest) error {
	ctx, cancel := context.WithTimeout(ctx, slackViewTimeout)
	defer cancel()
	_, err := a.api.OpenViewContext(ctx, triggerID, view)
	return wordSlack("open the modal", err)
}

// publish shows a person's home.
func (a *answers) publish(ctx context.Context, user string, view slack.HomeTabViewRequest) error {
	return a.try(ctx, "publish the home", func(ctx context.Context) error {
		_, err := a.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: user, View: view})
		return err
	})
}

// try makes a call a few times. Slack's rate limit is obeyed; what Slack refuses is not asked again.
func (a *answers) try(ctx context.Context, what string, call func(context.Context) error) error {
	for n := 1; ; n++ {
		once, cancel := context.WithTimeout(ctx, slackCallTimeout)
		err := call(once)
		cancel()
		wait, again := retryable(err, a.pause)
		if err == nil || !again || n == slackCalls {
			return wordSlack(what, err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return wordSlack(what, err)
		}
	}
}

// retryable says whether a call may be made again, and after what time.
func retryable(err error, pause time.Duration) (time.Duration, bool) {
	var limited *slack.RateLimitedError
	var refused slack.SlackErrorResponse
	var status slack.StatusCodeError
	switch {
	case errors.As(err, &limited):
		return max(limited.RetryAfter, pause), true
	case errors.As(err, &refused):
		return pause, refused.Err == "ratelimited"
	case errors.As(err, &status):
		return pause, status.Code >= http.StatusInternalServerError || status.Code == http.StatusTooManyRequests
	}
	return pause, err != nil
}

// slackCode is what Slack's error codes look like; anything else is not repeated.
var slackCode = regexp.MustCompile(`^[a-z_]{1,60}$`)

// wordSlack words an error of a call without the address that was called.
func wordSlack(what string, err error) error {
	var refused slack.SlackErrorResponse
	var transport *url.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		if !slackCode.MatchString(refused.Err) {
			return fmt.Errorf("%s: slack answered with an error that is not one of its codes", what)
		}
		return fmt.Errorf("%s: slack answered %s", what, refused.Err)
	case errors.As(err, &transport):
		return fmt.Errorf("%s: slack cannot be reached: %w", what, transport.Err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
