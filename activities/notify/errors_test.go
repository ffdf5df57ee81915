package notify

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
)

func TestSlackIsDownThenBack(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer func(http.ResponseWriter)
		says   string
	}{
		"503":               {func(w http.ResponseWriter) { w.WriteHeader(503); _, _ = io.WriteString(w, "<html>") }, "slack answered status 503"},
		"no JSON":           {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>") }, "read slack's answer"},
		"not Slack":         {func(w http.ResponseWriter) { reply(w, map[string]any{}) }, ""},
		"dropped":           {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, "slack cannot be reached"},
		"invalid token":     {refuse("invalid_auth"), "give the worker a valid bot token in SLACK_BOT_TOKEN"},
		"not in channel":    {refuse("not_in_channel"), "invite the bot to the channel"},
		"channel not found": {refuse("channel_not_found"), "create the channel, or invite the bot"},
		"scope missing":     {refuse("missing_scope"), "give the bot the scopes"},
		"repeats the token": {refuse(botTokenForTests), "an error that is not one of its codes"},
	}
	for _, method := range []string{"conversations.list", "conversations.history", "chat.postMessage"} {
		for name, tt := range tests {
			t.Run(method+"/"+name, func(t *testing.T) {
				t.Parallel()
				f, l := newFake(t)
				f.before = func(w http.ResponseWriter, m string) bool {
					if m == method {
						tt.answer(w)
					}
					return m == method
				}
				_, err := l.Do(t.Context(), operation())
				require.ErrorContains(t, err, tt.says)
				_, final := failure.CodeOf(err)
				require.False(t, final)
				requireNoToken(t, err)
				f.set(func() { f.before = nil })
				require.True(t, done(t, l, operation()).Changed)
				require.Equal(t, 1, f.posts())
			})
		}
	}
}

func refuse(code string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { reply(w, map[string]any{"ok": false, "error": code}) }
}

func TestRateLimitCarriesItsDelay(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer func(http.ResponseWriter)
		delay  time.Duration
	}{
		"Retry-After":          {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "42"); w.WriteHeader(429) }, 42 * time.Second},
		"Retry-After zero":     {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "0"); w.WriteHeader(429) }, time.Second},
		"no Retry-After":       {func(w http.ResponseWriter) { w.WriteHeader(429) }, 30 * time.Second},
		"ratelimited in a 200": {refuse("ratelimited"), 30 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, l := newFake(t)
			f.before = func(w http.ResponseWriter, m string) bool {
				if m == "chat.postMessage" {
					tt.answer(w)
				}
				return m == "chat.postMessage"
			}
			_, err := l.Do(t.Context(), operation())
			var delayed interface{ RetryDelay() time.Duration }
			require.ErrorAs(t, err, &delayed)
			require.Equal(t, tt.delay, delayed.RetryDelay())
			var limited *slack.RateLimitedError
			require.ErrorAs(t, err, &limited)
			require.Equal(t, 1, f.calls["chat.postMessage"], "no retry inside")
		})
	}
}

// A search of many channels that Slack interrupts must get further each time.
func TestChannelSearchGoesOnAfterARateLimit(t *testing.T) {
	t.Parallel()
	f, l := newFake(t)
	f.before = func(w http.ResponseWriter, m string) bool {
		if limited := m == "conversations.list" && f.calls[m] == 2; limited {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(429)
			return true
		}
		return false
	}
	_, err := l.Do(t.Context(), operation())
	require.ErrorContains(t, err, "find channel #ir-legal: slack asks to wait 1s")
	done(t, l, operation())
	require.Equal(t, 3, f.calls["conversations.list"], "page one is not read again")
}
