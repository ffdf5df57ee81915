package notify

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// bothWays is legal with Slack and a mail server, in the attempt that is asked for.
func bothWays(t *testing.T, attempt int) (*fakeSlack, *smtpFake, *Legal) {
	t.Helper()
	f, l := newFake(t)
	server, m := newMailFake(t)
	l.WithEmail(m)
	l.ways.attempt = func(context.Context) int { return attempt }
	return f, server, l
}

// mailable is an operation whose stakeholder has addresses.
func mailable() *playbooks.Operation {
	op := operation()
	op.Target.Stakeholder.Email = []string{"legal@nordwall.example", "privacy@nordwall.example"}
	return op
}

// answering makes Slack answer every call with the error.
func answering(code string) func(http.ResponseWriter, string) bool {
	return func(w http.ResponseWriter, _ string) bool {
		reply(w, map[string]any{"ok": false, "error": code})
		return true
	}
}

func limiting(seconds string) func(http.ResponseWriter, string) bool {
	return func(w http.ResponseWriter, _ string) bool {
		w.Header().Set("Retry-After", seconds)
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
}

func down(w http.ResponseWriter, _ string) bool {
	w.WriteHeader(http.StatusServiceUnavailable)
	return true
}

func TestWhichWayLegalIsTold(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		slack   func(http.ResponseWriter, string) bool
		attempt int
		change  func(*playbooks.Operation)
		way     string
		why     string
		// pause is for how long Slack is waited for instead.
		pause time.Duration
	}{
		"Slack works":                            {nil, 1, nil, bySlack, "", 0},
		"a revoked token":                        {answering("token_revoked"), 1, nil, byEmail, "slack answered token_revoked", 0},
		"the account is gone":                    {answering("account_inactive"), 1, nil, byEmail, "account_inactive", 0},
		"the bot is not in the channel":          {answering("not_in_channel"), 1, nil, byEmail, "not_in_channel", 0},
		"the channel is gone":                    {nil, 1, func(op *playbooks.Operation) { op.Target.Stakeholder.Channel = "#gone" }, byEmail, "slack shows no such channel", 0},
		"a hiccup of Slack's":                    {answering("internal_error"), 1, nil, "", "", 2 * time.Second},
		"down, the first time":                   {down, 1, nil, "", "", 2 * time.Second},
		"down, the second time":                  {down, 2, nil, "", "", 4 * time.Second},
		"down, the third time":                   {down, 3, nil, byEmail, "slack answered status 503", 0},
		"a rate limit that is worth waiting for": {limiting("60"), 1, nil, "", "", time.Minute},
		"a rate limit, the third time":           {limiting("5"), 3, nil, byEmail, "slack asks to wait 5s", 0},
		"a rate limit that takes too long":       {limiting("61"), 1, nil, byEmail, "slack asks to wait 1m1s", 0},
		"Slack is in the blast radius":           {nil, 1, func(op *playbooks.Operation) { op.Brief.Radius.Communications = []string{"assist-slack"} }, byEmail, "Slack is in the blast radius itself (assist-slack)", 0},
		"in the blast radius, and nobody has a mail": {nil, 1, func(op *playbooks.Operation) {
			op.Brief.Radius.Communications, op.Target.Stakeholder.Email = []string{"assist-slack"}, nil
		}, bySlack, "but there is no e-mail to use instead", 0},
		"down, and nobody has a mail": {down, 3, func(op *playbooks.Operation) { op.Target.Stakeholder.Email = nil }, "", "", 0},
		"a code that is none":         {answering("<!channel> now"), 1, nil, "", "", 2 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, server, l := bothWays(t, tt.attempt)
			f.set(func() { f.before = tt.slack })
			op := mailable()
			if tt.change != nil {
				tt.change(op)
			}
			e, err := l.Do(t.Context(), op)
			if tt.way == "" {
				require.Error(t, err)
				requireNoToken(t, err)
				var busy interface{ RetryDelay() time.Duration }
				require.Equal(t, tt.pause != 0, errors.As(err, &busy))
				if busy != nil {
					require.Equal(t, tt.pause, busy.RetryDelay())
				}
				require.Empty(t, server.sent())
				return
			}
			require.NoError(t, err)
			requireNoToken(t, e)
			require.True(t, e.Changed)
			require.Equal(t, tt.way, e.Facts[FactWay])
			require.Contains(t, e.Facts[FactWhy], tt.why)
			require.Len(t, server.sent(), map[string]int{byEmail: 1}[tt.way])
			require.Equal(t, tt.way == bySlack, f.posts() == 1)
			if tt.way == byEmail {
				require.Contains(t, e.Summary, "legal told by e-mail, because ")
				require.Equal(t, op.Target.Stakeholder.Channel, e.Facts[incident.FactChannel], "where Slack is tried again")
				require.Equal(t, e.Facts[FactMessageID], e.Facts[incident.FactTS])
				require.Contains(t, e.Facts[FactAnswer], "queued as 4XYZ1")
			}
		})
	}
}

func TestSlackThatStallsLeavesTimeForMail(t *testing.T) {
	t.Parallel()
	_, server, l := bothWays(t, slackAttempts)
	op := mailable()
	e, err := l.ways.tell(t.Context(), routeOf(op), func(ctx context.Context) (*incident.Effect, error) {
		deadline, ok := ctx.Deadline()
		require.True(t, ok)
		require.Less(t, time.Until(deadline), 30*time.Second)
		return nil, errors.New("slack did not answer in time")
	}, func(ctx context.Context, why string) (*incident.Effect, error) {
		return l.mailBrief(ctx, op, "#ir-legal", why)
	})
	require.NoError(t, err)
	require.Equal(t, byEmail, e.Facts[FactWay])
	require.Len(t, server.sent(), 1)
}

// What is wrong with the operation is not mended by another way.
func TestAFinalErrorIsNotMailed(t *testing.T) {
	t.Parallel()
	_, server, l := bothWays(t, slackAttempts)
	_, err := l.ways.tell(t.Context(), routeOf(mailable()), func(context.Context) (*incident.Effect, error) {
		return nil, failure.New(failure.Invalid, "no")
	}, nil)
	_, final := failure.CodeOf(err)
	require.True(t, final)
	require.Empty(t, server.sent())
}

func TestBothWaysAreBroken(t *testing.T) {
	t.Parallel()
	f, server, l := bothWays(t, slackAttempts)
	f.set(func() { f.before = down })
	server.set(func() { server.answers["RCPT"] = "450 4.2.0 greylisted" })
	_, err := l.Do(t.Context(), mailable())
	require.ErrorContains(t, err, "slack answered status 503; by e-mail: mail server ")
	require.ErrorContains(t, err, "450 4.2.0 greylisted")
	_, final := failure.CodeOf(err)
	require.False(t, final)
}
