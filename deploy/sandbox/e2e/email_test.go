package e2e_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
)

// Legal is told by mail where Slack cannot be used, which is containment without a gap, and is told nothing twice when Slack
// comes back.
func TestLegalIsToldByMail(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		breaks func(*stack.Stack)
		why    string
		// mails is how many the mail server has in the end.
		mails int
	}{
		{"Slack is down", func(s *stack.Stack) { s.Slack.Down(true) }, "slack answered status 503", 1},
		{"the token is revoked", func(s *stack.Stack) { s.Slack.Fail("*", 0, "token_revoked") }, "slack answered token_revoked", 1},
		{"the mail server takes the mail and says nothing", func(s *stack.Stack) { s.Slack.Down(true); s.Mail.TimeoutAfterTaking(1) }, "slack answered status 503", 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, ctx := start(t), bounded(t)
			c.breaks(s)
			r, _ := play(t, ctx, s, incident.DatasetCompromise)
			rec, err := r.Until(ctx, func(rec *incident.Record) bool { return rec.Verdict == incident.Contained })
			require.NoError(t, err)
			require.True(t, rec.Legal.ByEmail(), rec.Legal.TS)
			told := step(t, rec, "tell-legal", "#ir-legal")
			require.True(t, told.Verified)
			require.Contains(t, told.Receipt.Effect.Summary, "legal told by e-mail, because ")
			require.Contains(t, told.Receipt.Effect.Facts["why"], c.why)
			require.Contains(t, told.Receipt.Proof.Method, "accepted by the mail server")

			mails := s.Mail.Mails()
			require.Len(t, mails, c.mails)
			for _, m := range mails {
				require.Equal(t, []string{"legal@nordwall.example"}, m.To)
				require.Contains(t, m.Raw, "Message-ID: "+rec.Legal.TS, "a repetition is known by its id")
				require.Contains(t, m.Raw, "Auto-Submitted: auto-generated")
			}
			require.Empty(t, s.Slack.Messages("ir-legal"))

			s.Slack.ClearFaults()
			output, code, err := s.CLI(ctx, "acknowledge", rec.ID, "--as", "lena@nordwall.example")
			require.NoError(t, err)
			require.Zero(t, code, output)
			output, _, err = s.CLI(ctx, "status", rec.ID)
			require.NoError(t, err)
			require.Contains(t, output, "told by e-mail <")

			// A false positive is withdrawn where it was told.
			require.NoError(t, r.Close(ctx, true))
			_, err = r.Until(ctx, func(rec *incident.Record) bool { return rec.Progress == incident.Closed })
			require.NoError(t, err)
			mails = s.Mail.Mails()
			require.Len(t, mails, c.mails+1)
			require.Contains(t, mails[c.mails].Raw, "In-Reply-To: "+rec.Legal.TS)
			require.Contains(t, strings.ReplaceAll(mails[c.mails].Raw, "=\r\n", ""), "WITHDRAWN")
			require.Empty(t, s.Slack.Messages("ir-legal"), "Slack is back, and nobody is told twice")
			noSecretAnywhere(t, s)
		})
	}
}
