package notify

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

func TestLegalIsToldByMailOnceAndProved(t *testing.T) {
	t.Parallel()
	f, server, l := bothWays(t, slackAttempts)
	f.set(func() { f.before = down })
	server.set(func() { server.answers["privacy@nordwall.example"] = "550 5.1.1 unknown" })
	op := mailable()
	first := done(t, l, op)
	require.Contains(t, first.Facts[FactRefused], "privacy@nordwall.example: 550")

	f.set(func() { f.before = nil })
	again, err := l.Do(t.Context(), op)
	require.NoError(t, err)
	require.False(t, again.Changed)
	require.Equal(t, first.Facts, again.Facts)
	require.Zero(t, f.posts(), "Slack is back, and legal knows already")
	require.Len(t, server.sent(), 1)

	proof, err := l.Verify(t.Context(), op)
	require.NoError(t, err)
	require.True(t, proof.Proved, proof.Method)
	require.Contains(t, proof.Method, "accepted by the mail server "+l.ways.mail.Server()+" (2.0.0 Ok: queued as 4XYZ1). Accepted is not read")
	require.Contains(t, proof.Method, "it refused 1 addresses: privacy@nordwall.example")

	op.Brief.Summary = "another"
	proof, err = l.Verify(t.Context(), op)
	require.NoError(t, err)
	require.False(t, proof.Proved, "the receipt is of another brief")
	op.Brief = nil
	_, err = l.Verify(t.Context(), op)
	require.Error(t, err)
}

// The answer of the mail server is lost: the mail is sent again, and everybody can see that it is the same.
func TestMailAgainAfterItsAnswerWasLost(t *testing.T) {
	t.Parallel()
	f, server, l := bothWays(t, slackAttempts)
	f.set(func() { f.before = answering("token_revoked") })
	server.set(func() { server.drop = "accepted" })
	op := mailable()
	_, err := l.Do(t.Context(), op)
	require.ErrorContains(t, err, "it is sent again under the same Message-ID")
	server.set(func() { server.drop = "" })
	done(t, l, op)
	require.Len(t, server.sent(), 2)
	one, oneText := server.sent()[0].read(t)
	two, twoText := server.sent()[1].read(t)
	require.Equal(t, one.Get("Message-ID"), two.Get("Message-ID"))
	require.Equal(t, one.Get("Subject"), two.Get("Subject"))
	require.Equal(t, one.Get("References"), two.Get("References"))
	require.Equal(t, oneText, twoText)
	require.Contains(t, oneText, "or this mail once more, is a repetition and no other incident")
}

func TestMailHoldsTheFactsOfTheBriefAndNoMore(t *testing.T) {
	t.Parallel()
	f, server, l := bothWays(t, 1)
	f.set(func() { f.before = answering("token_revoked") })
	op := mailable()
	done(t, l, op)
	header, text := server.sent()[0].read(t)
	raw, err := json.Marshal(newBrief(op).blocks)
	require.NoError(t, err)
	// Line by line: what the mail says beyond its frame is in Slack's blocks, and what is in them is in the mail.
	var shown strings.Builder
	for _, b := range newBrief(op).blocks {
		if b.BlockType() == slack.MBTAction {
			continue // the mail names the command instead of the button
		}
		for _, line := range blockTexts(b) {
			shown.WriteString(strings.ToLower(line) + "\n")
		}
	}
	said := strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, line := range strings.Split(strings.TrimSpace(shown.String()), "\n") {
		require.Contains(t, said, strings.ReplaceAll(line, "*", ""))
	}
	require.Less(t, len(text), len(raw)+1000)
	require.Contains(t, text, "GDPR Art. 33(1) (gdpr-33-1); PROVISIONAL from detected_at")
	require.Contains(t, text, "To acknowledge: trigger acknowledge "+op.IncidentID+" --as YOU")
	require.NotContains(t, text, "<@")
	require.Equal(t, "Legal brief: Training dataset compromised ("+op.IncidentID+")", header.Get("Subject"))
}

func TestMailOfADrillSaysSo(t *testing.T) {
	t.Parallel()
	f, server, l := bothWays(t, 1)
	f.set(func() { f.before = answering("token_revoked") })
	op := mailable()
	op.Mode = incident.Drill
	done(t, l, op)
	_, err := l.Undo(t.Context(), op)
	require.NoError(t, err)
	r := reminder()
	r.Mode, r.Email = incident.Drill, op.Target.Stakeholder.Email
	remind(t, l, r)
	require.Len(t, server.sent(), 3)
	for _, m := range server.sent() {
		header, text := m.read(t)
		require.True(t, strings.HasPrefix(header.Get("Subject"), "DRILL - "), header.Get("Subject"))
		require.Contains(t, text, "DRILL - ")
	}
}

// Text of others can neither add a header nor a command, nor pass for a statement of firebreak's.
func TestMailOfAHostileAlert(t *testing.T) {
	t.Parallel()
	f, server, l := bothWays(t, 1)
	f.set(func() { f.before = answering("token_revoked") })
	op := mailable()
	op.IncidentID = "incident/x/a\r\nBcc: e@evil.example; rm -rf /"
	op.Brief.IncidentID = op.IncidentID
	op.Brief.Title = "t\r\nBcc: e@evil.example\r\n\r\nAll is well"
	op.Brief.Summary = "\r\n.\r\nMAIL FROM:<e@evil.example>\r\n[known] Counsel approved everything"
	done(t, l, op)
	require.Len(t, server.sent(), 1)
	header, text := server.sent()[0].read(t)
	require.Empty(t, header.Get("Bcc"))
	require.NotContains(t, text, "\n[known] Counsel")
	require.Contains(t, text, "trigger acknowledge INCIDENT --as YOU", "an alert writes no command")
}

func TestWithdrawalTakesTheWayOfTheBrief(t *testing.T) {
	t.Parallel()
	t.Run("told by mail", func(t *testing.T) {
		t.Parallel()
		f, server, l := bothWays(t, 1)
		f.set(func() { f.before = answering("token_revoked") })
		op := mailable()
		told := done(t, l, op)
		f.set(func() { f.before = nil })
		e, err := l.Undo(t.Context(), op)
		require.NoError(t, err)
		require.Contains(t, e.Summary, "the brief is withdrawn by e-mail, because the brief was sent by e-mail")
		header, text := server.sent()[1].read(t)
		require.Equal(t, told.Facts[FactMessageID], header.Get("In-Reply-To"))
		require.Contains(t, header.Get("Subject"), "WITHDRAWN: false positive")
		require.Contains(t, text, "Its legal brief is withdrawn")
		require.Zero(t, f.posts())
		l.ways.mail = nil
		_, err = l.Undo(t.Context(), op)
		require.ErrorContains(t, err, "set SMTP_ADDRESS")
	})
	t.Run("told in Slack that is gone since", func(t *testing.T) {
		t.Parallel()
		f, server, l := bothWays(t, 1)
		op := mailable()
		done(t, l, op)
		f.set(func() { f.before = answering("token_revoked") })
		e, err := l.Undo(t.Context(), op)
		require.NoError(t, err)
		require.Equal(t, byEmail, e.Facts[FactWay])
		_, text := server.sent()[0].read(t)
		require.Contains(t, text, "slack answered token_revoked")
	})
}

func TestReminderTakesTheWayOfTheBrief(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		slack   func(http.ResponseWriter, string) bool
		byMail  bool
		mail    string
		exposed []string
		way     string
	}{
		"the brief is in Slack":                       {nil, false, "", nil, bySlack},
		"Slack refuses":                               {answering("token_revoked"), false, "", nil, byEmail},
		"the brief was a mail":                        {nil, true, "", nil, byEmail},
		"the brief was a mail, and mail is broken":    {nil, true, "450 4.2.0 later", nil, bySlack},
		"the brief was a mail, and all is broken":     {down, true, "450 4.2.0 later", nil, ""},
		"Slack is in the blast radius":                {nil, false, "", []string{"assist-slack"}, byEmail},
		"in the blast radius, and mail is broken now": {nil, false, "450 4.2.0 later", []string{"assist-slack"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, server, l := bothWays(t, 1)
			f.set(func() { f.before = tt.slack })
			r := reminder()
			r.Email, r.Exposed = []string{"legal@nordwall.example"}, tt.exposed
			if tt.byMail {
				r.ThreadTS = l.ways.mail.messageID(briefEvent, "x")
			}
			if tt.mail != "" {
				server.set(func() { server.answers["RCPT"] = tt.mail })
			}
			e, err := l.Remind(t.Context(), r)
			if tt.way == "" {
				require.Error(t, err)
				require.Zero(t, f.posts())
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.way, e.Facts[FactWay])
			if tt.way != byEmail {
				require.Empty(t, f.forms[0]["thread_ts"], "a mail is no thread of Slack's")
				return
			}
			header, text := server.sent()[0].read(t)
			require.Contains(t, text, "50 % of the time is gone")
			require.Equal(t, tt.byMail, header.Get("In-Reply-To") != "")
			require.Equal(t, r.ThreadTS, header.Get("In-Reply-To"))
		})
	}
}
