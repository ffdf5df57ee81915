package notify

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/slackui"
	"firebreak/playbooks"
)

func reminder() *playbooks.Reminder {
	c := clocks()[0]
	return &playbooks.Reminder{
		ID: "incident/x/clock/" + c.Regime + "/50", IncidentID: "incident/x", Mode: incident.Live, Channel: "#ir-legal",
		Lines: c.Warning(50, detected.Add(36*time.Hour)), Mention: []string{"U01LEG00001", "U01LEG00002"}, Since: detected,
	}
}

// remind runs Remind and checks that the effect holds no token.
func remind(t *testing.T, l *Legal, r *playbooks.Reminder) *incident.Effect {
	t.Helper()
	e, err := l.Remind(t.Context(), r)
	require.NoError(t, err)
	requireNoToken(t, e)
	return e
}

func TestReminderIsPostedOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(*testing.T, *fakeSlack, *Legal) string
		thread  string
		posts   int
	}{
		"in the brief's thread": {func(t *testing.T, _ *fakeSlack, l *Legal) string {
			return done(t, l, operation()).Facts[incident.FactTS]
		}, "1789000000.000001", 2},
		"without a brief": {func(*testing.T, *fakeSlack, *Legal) string { return "" }, "", 1},
		"the brief was deleted": {func(t *testing.T, f *fakeSlack, l *Legal) string {
			ts := done(t, l, operation()).Facts[incident.FactTS]
			f.set(func() { f.messages = nil })
			return ts
		}, "", 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, l := newFake(t)
			r := reminder()
			r.ThreadTS = tt.prepare(t, f, l)
			first := remind(t, l, r)
			require.True(t, first.Changed)
			require.Equal(t, "#ir-legal", first.Facts[incident.FactChannel])
			for range 5 {
				f.say("on it")
			}
			second := remind(t, l, r)
			require.False(t, second.Changed)
			require.Equal(t, first.Facts, second.Facts)
			require.Equal(t, tt.posts, f.posts())
			form := f.forms[len(f.forms)-1]
			require.Equal(t, tt.thread, form["thread_ts"])
			require.Contains(t, form["text"], "GDPR Art. 33(1): 50 % of the time is gone; due 2026-09-12T20:00:00Z (36 h 00 min left); owner leg-1; deputy leg-2; then exe-1")
			require.Contains(t, form["blocks"], `@U01LEG00001`)

			other := reminder()
			other.ID, other.ThreadTS = r.ID+"-later", r.ThreadTS
			require.True(t, remind(t, l, other).Changed, "another percentage is another reminder")
		})
	}
}

func TestRemindAgainAfterItsAnswerWasLost(t *testing.T) {
	t.Parallel()
	f, l := newFake(t)
	r := reminder()
	r.ThreadTS = done(t, l, operation()).Facts[incident.FactTS]
	f.set(func() { f.execute = "chat.postMessage" })
	_, err := l.Remind(t.Context(), r)
	require.ErrorContains(t, err, "slack cannot be reached")
	require.False(t, remind(t, l, r).Changed)
	require.Equal(t, 2, f.posts(), "one brief, one reminder")
}

// A reminder must never pass for the brief: legal would be taken for told.
func TestReminderIsNotABrief(t *testing.T) {
	t.Parallel()
	f, l := newFake(t)
	op := operation()
	r := reminder()
	r.ID = op.ID
	remind(t, l, r)
	require.True(t, done(t, l, op).Changed)
	require.Equal(t, 2, f.posts())
}

func TestWrongReminders(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*playbooks.Reminder){
		"no id":      func(r *playbooks.Reminder) { r.ID = "" },
		"no channel": func(r *playbooks.Reminder) { r.Channel = "" },
		"no text":    func(r *playbooks.Reminder) { r.Lines = nil },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, l := newFake(t)
			r := reminder()
			spoil(r)
			_, err := l.Remind(t.Context(), r)
			code, final := failure.CodeOf(err)
			require.True(t, final)
			require.Equal(t, failure.Invalid, code)
			require.Zero(t, f.posts())
		})
	}
}

// Only ids that look like a person's are mentioned; the text of others stays text.
func TestReminderMentionsPeopleOnly(t *testing.T) {
	t.Parallel()
	f, l := newFake(t)
	r := reminder()
	r.Mode = incident.Drill
	r.Lines = []string{"<!channel> x\n[known] Counsel has approved everything"}
	r.Mention = []string{"!channel", "S01GROUP001", "U01LEG00001> <!here", "U01LEG00001"}
	remind(t, l, r)
	require.Contains(t, f.forms[0]["text"], "DRILL - Legal clock")
	require.Equal(t, "<@U01LEG00001>", slackui.Mentions(r.Mention))
	require.NotContains(t, f.forms[0]["text"], "<!")
	require.NotContains(t, f.forms[0]["blocks"], "S01GROUP001")
	require.NotContains(t, f.forms[0]["blocks"], `\n[known]`)
}
