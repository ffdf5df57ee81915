package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/vault/api"
)

// call is what an error says about the call that caused it.
type call struct {
	verb       string
	path       string
	capability string
	// secret is true if the request holds a secret, which a server might repeat in its answer.
	secret bool
}

// callError is a call that Vault refused or that did not reach it. It is tried again: a sealed Vault is unsealed, a policy
// is mended. It does not unwrap to the SDK's error, whose text repeats whatever the server answered.
type callError struct {
	text string
	// status is Vault's HTTP status, 0 if it did not answer.
	status int
	// cause is nil or the context's error.
	cause error
}

// Error says which call on which Vault went wrong, and why.
func (e *callError) Error() string { return e.text }

// Unwrap returns the context's error if the call ended because of it.
func (e *callError) Unwrap() error { return e.cause }

// answered reports whether Vault answered the call with one of the statuses.
func answered(err error, statuses ...int) bool {
	var e *callError
	return errors.As(err, &e) && slices.Contains(statuses, e.status)
}

func (s server) explain(ctx context.Context, c call, err error) error {
	where := fmt.Sprintf("%s %s: vault at %s", c.verb, c.path, s.address())
	var refused *api.ResponseError
	if errors.As(err, &refused) {
		return &callError{text: where + " " + c.answer(refused), status: refused.StatusCode}
	}
	if ended := ctx.Err(); ended != nil {
		return &callError{text: where + " did not answer in time: " + ended.Error(), cause: ended}
	}
	var transport *url.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &callError{text: where + " did not answer in time", cause: context.DeadlineExceeded}
	case errors.As(err, &transport):
		return &callError{text: where + " cannot be reached: " + transport.Err.Error()}
	default:
		return &callError{text: where + ": " + redact(err.Error())}
	}
}

// answer words Vault's refusal.
func (c call) answer(refused *api.ResponseError) string {
	var said string
	if !refused.RawError && !c.secret {
		said = redact(strings.Join(refused.Errors, "; "))
	}
	switch {
	case refused.StatusCode == http.StatusForbidden:
		return fmt.Sprintf("answered 403: the worker's token is not valid or lacks the capability %s on %s", c.capability, c.path)
	case refused.StatusCode == http.StatusServiceUnavailable:
		return "answered 503: it is sealed or not active; unseal it: " + said
	case said == "":
		return fmt.Sprintf("answered %d", refused.StatusCode)
	default:
		return fmt.Sprintf("answered %d: %s", refused.StatusCode, said)
	}
}

// secretLike matches tokens of Vault and keys of AWS, should a server repeat one.
var secretLike = regexp.MustCompile(`(hv[sbr]|[sbr])\.[A-Za-z0-9_-]{16,}|A[KS]IA[A-Z0-9]{12,}|[A-Za-z0-9+/]{40,}={0,2}`)

// redact makes a server's text fit for an error.
func redact(text string) string {
	const most = 300
	text = secretLike.ReplaceAllString(text, "[redacted]")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// address is Vault's address without a password.
func (s server) address() string {
	u, err := url.Parse(s.client.Address())
	if err != nil {
		return "an address that is not a URL"
	}
	return u.Redacted()
}
