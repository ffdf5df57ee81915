package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/slack-go/slack"
)

// RateLimitError means that Slack answered 429. Nothing was done; the call may be made again after RetryDelay.
type RateLimitError struct {
	what  string
	limit *slack.RateLimitedError
}

// Error says which call was limited and for how long.
func (e *RateLimitError) Error() string {
	return fmt.Sprintf("%s: slack asks to wait %s", e.what, e.RetryDelay())
}

// Unwrap returns slack-go's error.
func (e *RateLimitError) Unwrap() error { return e.limit }

// RetryDelay is what Slack asked for in Retry-After, at least a second.
func (e *RateLimitError) RetryDelay() time.Duration { return max(e.limit.RetryAfter, time.Second) }

// unstatedDelay is used where Slack limits the rate without saying for how long.
const unstatedDelay = 30 * time.Second

// explain words an error of slack-go's. All of them are tried again: Slack comes back, a token or a channel is mended.
func explain(ctx context.Context, what string, err error) error {
	var (
		limited   *slack.RateLimitedError
		status    slack.StatusCodeError
		refused   slack.SlackErrorResponse
		transport *url.Error
	)
	switch {
	case errors.As(err, &limited):
		return &RateLimitError{what: what, limit: limited}
	case errors.As(err, &refused) && refused.Err == "ratelimited",
		errors.As(err, &status) && status.Code == http.StatusTooManyRequests:
		return &RateLimitError{what: what, limit: &slack.RateLimitedError{RetryAfter: unstatedDelay}}
	case errors.As(err, &refused):
		return &refusedError{code: refused.Err, text: fmt.Sprintf("%s: slack answered %s", what, remedy(refused.Err))}
	case status.Code != 0:
		return fmt.Errorf("%s: slack answered status %d", what, status.Code)
	case ctx.Err() != nil:
		return fmt.Errorf("%s: slack did not answer in time: %w", what, ctx.Err())
	case errors.As(err, &transport) && transport.Timeout():
		return fmt.Errorf("%s: slack did not answer in time", what)
	case errors.As(err, &transport):
		return fmt.Errorf("%s: slack cannot be reached: %w", what, transport.Err)
	default:
		return fmt.Errorf("%s: read slack's answer: %w", what, err)
	}
}

// refusedError means that Slack answered, and refused.
type refusedError struct{ code, text string }

// Error says which call was refused and what to do about it.
func (e *refusedError) Error() string { return e.text }

// refusedWith reports whether Slack refused a call with one of the codes.
func refusedWith(err error, codes ...string) bool {
	var refused slack.SlackErrorResponse
	if !errors.As(err, &refused) {
		return false
	}
	for _, code := range codes {
		if refused.Err == code {
			return true
		}
	}
	return false
}

// slackCode is what Slack's error codes look like; anything else is not repeated.
var slackCode = regexp.MustCompile(`^[a-z_]{1,60}$`)

// remedy is an error code of Slack's (https://docs.slack.dev/reference/methods/chat.postMessage) with what to do about it.
func remedy(code string) string {
	switch code {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired":
		return code + ": give the worker a valid bot token in SLACK_BOT_TOKEN or SLACK_BOT_TOKEN_FILE"
	case "channel_not_found":
		return code + ": create the channel, or invite the bot to it if it is private"
	case "not_in_channel":
		return code + ": invite the bot to the channel"
	case "is_archived":
		return code + ": unarchive the channel, or name another one in the inventory's stakeholders"
	case "missing_scope", "no_permission":
		return code + ": give the bot the scopes chat:write, channels:read, channels:history, groups:read and groups:history"
	case "restricted_action", "restricted_action_read_only_channel":
		return code + ": let the bot post in the channel"
	}
	if !slackCode.MatchString(code) {
		return "an error that is not one of its codes"
	}
	return code
}
