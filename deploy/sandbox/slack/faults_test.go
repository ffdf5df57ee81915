package slack_test

import (
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/slack"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		plan   func(*slack.Server)
		check  func(*testing.T, error)
		stored int    // messages after the call that met the fault
		answer string // in the ledger
	}{
		"down": {
			plan: func(s *slack.Server) { s.Down(true) },
			check: func(t *testing.T, err error) {
				var status slackgo.StatusCodeError
				require.ErrorAs(t, err, &status)
				require.Equal(t, 503, status.Code)
			},
			answer: "down",
		},
		"rate limited, rounded up to whole seconds": {
			plan: func(s *slack.Server) { s.RateLimit("chat.postMessage", 1, 1500*time.Millisecond) },
			check: func(t *testing.T, err error) {
				var limited *slackgo.RateLimitedError
				require.ErrorAs(t, err, &limited)
				require.Equal(t, 2*time.Second, limited.RetryAfter)
			},
			answer: "ratelimited",
		},
		"slack error": {
			plan:   func(s *slack.Server) { s.Fail("chat.postMessage", 1, "fatal_error") },
			check:  func(t *testing.T, err error) { require.EqualError(t, err, "fatal_error") },
			answer: "fatal_error",
		},
		"any method": {
			plan:   func(s *slack.Server) { s.Fail(slack.AnyMethod, 1, "internal_error") },
			check:  func(t *testing.T, err error) { require.EqualError(t, err, "internal_error") },
			answer: "internal_error",
		},
		"done but no answer": {
			plan:   func(s *slack.Server) { s.TimeoutAfterDoing("chat.postMessage", 1) },
			check:  func(t *testing.T, err error) { require.ErrorContains(t, err, "EOF") },
			stored: 1,
			answer: "no_answer",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, listener := start(t)
			api := client(listener, token)
			tc.plan(server)

			_, _, err := api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText("x", false))
			require.Error(t, err)
			tc.check(t, err)
			require.Len(t, server.Messages("#legal"), tc.stored)

			server.Down(false)
			_, _, err = api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText("y", false))
			require.NoError(t, err, "the fault met one call only")
			require.Len(t, server.Messages("#legal"), tc.stored+1)

			calls := server.Calls()
			require.Len(t, calls, 2)
			require.Equal(t, tc.answer, calls[0].Answer)
			require.Equal(t, "ok", calls[1].Answer)
		})
	}
}

func TestFaultsMeetTheirMethodAndCount(t *testing.T) {
	t.Parallel()
	server, listener := start(t)
	api := client(listener, token)
	server.Fail("chat.postMessage", 2, "first")
	server.Fail("chat.postMessage", 0, "for_ever")
	post := func() error {
		_, _, err := api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText("x", false))
		return err
	}
	_, err := api.AuthTestContext(t.Context())
	require.NoError(t, err, "another method is not met")
	for _, want := range []string{"first", "first", "for_ever", "for_ever", "for_ever"} {
		require.EqualError(t, post(), want)
	}
	server.ClearFaults()
	require.NoError(t, post())
}
