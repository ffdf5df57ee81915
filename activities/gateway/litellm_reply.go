package gateway

import (
	"cmp"
	"encoding/json"
	"firebreak/activities/failure"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// reply is a gateway's answer.
type reply struct {
	status     int
	retryAfter string
	body       []byte
}

// said is the message of an error's body, without the key that was sent.
func (r reply) said(key string) string {
	var body struct {
		Error  struct{ Message string } `json:"error"`
		Detail any                      `json:"detail"`
	}
	text := "without a message"
	if json.Unmarshal(r.body, &body) == nil {
		switch {
		case body.Error.Message != "":
			text = body.Error.Message
		case body.Detail != nil:
			text = fmt.Sprint(body.Detail)
		}
	}
	if key != "" {
		text = strings.ReplaceAll(text, key, "[redacted]")
	}
	return redact(text)
}

// pause is how long a busy gateway asks to be left alone.
func (r reply) pause() time.Duration {
	const otherwise = 5 * time.Second
	return cmp.Or(failure.RetryAfter(r.retryAfter), otherwise)
}

// saysNoKey recognises LiteLLM's own answer that a key does not exist. Any other 404 is that of a server which is not
// LiteLLM, or not where it is looked for, and says nothing about the key.
func saysNoKey(message string) bool {
	lower := strings.ToLower(message)
	return strings.Contains(lower, "key not found") || strings.Contains(lower, "no keys found")
}

// saysBlocked recognises that the key itself is blocked; one that expired is refused too, with other words.
func saysBlocked(message string) bool {
	return strings.Contains(strings.ToLower(message), "key is blocked")
}

// saysLimited recognises that LiteLLM's own limiter refused the key. A model behind the gateway may have limits of its own,
// which say nothing about the key's.
func saysLimited(message string) bool {
	lower := strings.ToLower(message)
	return strings.Contains(lower, "rate limit exceeded for") || strings.Contains(lower, "litellm rate limit handler") || strings.Contains(lower, "max parallel request limit reached")
}

// busyError asks for a pause before the next try.
type busyError struct {
	text  string
	delay time.Duration
}

func (e *busyError) Error() string { return e.text }

// RetryDelay is how long to wait.
func (e *busyError) RetryDelay() time.Duration { return e.delay }

// keyLike matches keys, whole or with their middle left out, should a gateway repeat one.
var keyLike = regexp.MustCompile(`\bsk-[A-Za-z0-9_.*-]+`)

// redact makes a gateway's text fit for an error.
func redact(text string) string {
	const most = 300
	text = keyLike.ReplaceAllString(text, "[redacted]")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
