package notify

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
)

func aLetter(m *Mailer) *letter {
	return &letter{
		id: m.messageID("a"), root: m.messageID("root"), subject: "Legal brief: ärger (incident/x)", body: "[known] Größe\n.\n..\nFrom here\n",
		to: []string{"legal@nordwall.example", "privacy@nordwall.example"},
	}
}

func TestMailArrivesAsItWasWritten(t *testing.T) {
	t.Parallel()
	f, m := newMailFake(t)
	l := aLetter(m)
	l.answers = m.messageID("brief")
	got, err := m.send(t.Context(), l)
	require.NoError(t, err)
	require.Equal(t, "2.0.0 Ok: queued as 4XYZ1", got.Answer)
	require.Equal(t, l.to, got.To)
	require.Equal(t, m.Server(), got.Server)
	require.Len(t, f.sent(), 1)
	require.Equal(t, l.to, f.sent()[0].to)
	header, text := f.sent()[0].read(t)
	require.Equal(t, l.body, text)
	require.Equal(t, l.id, header.Get("Message-ID"))
	require.Equal(t, l.root+" "+l.answers, header.Get("References"))
	require.Equal(t, l.answers, header.Get("In-Reply-To"))
	require.Equal(t, "auto-generated", header.Get("Auto-Submitted"))
	require.Contains(t, header.Get("Content-Type"), "text/plain")
	require.Contains(t, f.commands, "STARTTLS")

	again, err := m.send(t.Context(), l)
	require.NoError(t, err)
	require.Equal(t, got.MessageID, again.MessageID, "a repetition is known by its id")
}

func TestMailLogsIn(t *testing.T) {
	t.Parallel()
	f, m := newMailFake(t)
	f.set(func() { f.login = true })
	m.username, m.password = "firebreak", mailPasswordForTests
	_, err := m.send(t.Context(), aLetter(m))
	require.NoError(t, err)
	m.password = "canary-wrong"
	_, err = m.send(t.Context(), aLetter(m))
	require.ErrorContains(t, err, "it answered 535")
	require.ErrorContains(t, err, "check SMTP_USERNAME and SMTP_PASSWORD_FILE")
	require.NotContains(t, err.Error(), "canary", "not even if the server repeats it")
}

func TestMailOverALineThatIsEncryptedFromItsStart(t *testing.T) {
	t.Parallel()
	f, m := newMailFake(t)
	f.set(func() { f.implicit, f.login = true, true })
	m.implicit, m.username, m.password = true, "firebreak", mailPasswordForTests
	_, err := m.send(t.Context(), aLetter(m))
	require.NoError(t, err)
	require.NotContains(t, f.commands, "STARTTLS")
	require.Contains(t, f.commands, "AUTH")
}

func TestMailServerRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		verb, answer string
		wrong        string
	}{
		"at the greeting":   {"greeting", "554 5.3.2 no service", "connect: it answered 554"},
		"busy":              {"greeting", "421 4.3.2 later", "it asks to try later"},
		"no encryption":     {"EHLO", "250 mail.nordwall.example", "it offers no STARTTLS"},
		"encryption broken": {"STARTTLS", "454 4.7.0 not now", "connect: it answered 454"},
		"the sender":        {"MAIL", "550 5.7.1 relaying denied", "send as firebreak@nordwall.example: it answered 550 5.7.1 relaying denied: check the addresses"},
		"everybody":         {"RCPT", "550 5.1.1 unknown", "send to any of legal@nordwall.example, privacy@nordwall.example: it answered 550"},
		"the mail":          {"DATA", "452 4.3.1 disk full", "it has no room"},
		"after the mail":    {"accepted", "554 5.7.1 spam", "send: it answered 554 5.7.1 spam"},
		"with an odd text":  {"MAIL", "550 \x1b[31m" + strings.Repeat("x", 5000), "it answered 550 [31mxxx"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, m := newMailFake(t)
			f.set(func() { f.answers[tt.verb] = tt.answer })
			_, err := m.send(t.Context(), aLetter(m))
			require.ErrorContains(t, err, tt.wrong)
			require.Less(t, len(err.Error()), 600)
			require.NotContains(t, err.Error(), "\x1b")
			_, final := failure.CodeOf(err)
			require.False(t, final, "servers are mended")
			require.Empty(t, f.sent())
		})
	}
}

func TestMailServerFallsSilentOrHangsUp(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"greeting", "EHLO", "STARTTLS", "MAIL", "RCPT", "DATA", "accepted"} {
		t.Run("silent at "+verb, func(t *testing.T) {
			t.Parallel()
			f, m := newMailFake(t)
			m.timeout = 300 * time.Millisecond
			f.set(func() { f.stall = verb })
			began := time.Now()
			_, err := m.send(t.Context(), aLetter(m))
			require.ErrorContains(t, err, "did not answer in time")
			require.Less(t, time.Since(began), 3*time.Second)
			require.Equal(t, verb == "accepted", strings.Contains(err.Error(), "whether it was taken is not known"))
		})
		t.Run("hangs up at "+verb, func(t *testing.T) {
			t.Parallel()
			f, m := newMailFake(t)
			f.set(func() { f.drop = verb })
			_, err := m.send(t.Context(), aLetter(m))
			require.ErrorContains(t, err, "mail server "+m.Server())
			require.Equal(t, verb == "accepted", strings.Contains(err.Error(), "whether it was taken is not known"))
			require.Len(t, f.sent(), map[bool]int{true: 1}[verb == "accepted"])
		})
	}
}

// Saying goodbye is not part of the mail.
func TestMailIsTakenEvenIfTheServerDoesNotSayGoodbye(t *testing.T) {
	t.Parallel()
	f, m := newMailFake(t)
	f.set(func() { f.drop = "QUIT" })
	_, err := m.send(t.Context(), aLetter(m))
	require.NoError(t, err)
}

func TestMailOfSomeAddresses(t *testing.T) {
	t.Parallel()
	f, m := newMailFake(t)
	f.set(func() { f.answers["privacy@nordwall.example"] = "550 5.1.1 unknown" })
	got, err := m.send(t.Context(), aLetter(m))
	require.NoError(t, err)
	require.Equal(t, []string{"legal@nordwall.example"}, got.To)
	require.Equal(t, []string{"privacy@nordwall.example: 550 5.1.1 unknown"}, got.Refused)
}

func TestMailServerThatIsNotTrusted(t *testing.T) {
	t.Parallel()
	f, m := newMailFake(t)
	_, m.encryption = certificates(t)
	_, err := m.send(t.Context(), aLetter(m))
	require.ErrorContains(t, err, "its certificate is not trusted")
	require.Empty(t, f.sent())
	require.NotContains(t, f.commands, "MAIL")
}

func TestMailServerThatIsGone(t *testing.T) {
	t.Parallel()
	f, m := newMailFake(t)
	require.NoError(t, f.listener.Close())
	_, err := m.send(t.Context(), aLetter(m))
	require.ErrorContains(t, err, "connect: ")
	require.ErrorContains(t, err, "refused")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = m.send(ctx, aLetter(m))
	require.ErrorIs(t, err, context.Canceled)
}

func TestMailRefusesWhatMustNotBeSent(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*letter){
		"to nobody":                   func(l *letter) { l.to = nil },
		"to too many":                 func(l *letter) { l.to = make([]string, mostAddresses+1) },
		"too much":                    func(l *letter) { l.body = strings.Repeat("x", mostMailBytes+1) },
		"a header in the subject":     func(l *letter) { l.subject = "x\r\nBcc: e@evil.example" },
		"a line feed in the subject":  func(l *letter) { l.subject = "x\ny" },
		"a header in the id":          func(l *letter) { l.id += "\r\nX: y" },
		"a header in what it answers": func(l *letter) { l.answers = "<a@b>\nX: y" },
		"a header in the address":     func(l *letter) { l.to = []string{"a@b.example\r\nBcc: e@evil.example"} },
		"a command in the address":    func(l *letter) { l.to = []string{"a@b.example>\r\nDATA"} },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, m := newMailFake(t)
			l := aLetter(m)
			spoil(l)
			_, err := m.send(t.Context(), l)
			code, final := failure.CodeOf(err)
			require.True(t, final, err)
			require.Equal(t, failure.Invalid, code)
			require.Empty(t, f.commands, "nobody is called")
		})
	}
}

func TestMessageIDs(t *testing.T) {
	t.Parallel()
	m := &Mailer{from: "firebreak@nordwall.example"}
	id := m.messageID(briefEvent, "incident/x/tell-legal/#ir-legal")
	require.Equal(t, id, m.messageID(briefEvent, "incident/x/tell-legal/#ir-legal"))
	require.Regexp(t, mailRef, id)
	seen := map[string]bool{}
	for i := range 3 {
		for _, event := range []string{briefEvent, withdrawalEvent, reminderEvent} {
			seen[m.messageID(event, fmt.Sprint(i))] = true
		}
	}
	require.Len(t, seen, 9)
}
