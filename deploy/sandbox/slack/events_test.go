package slack_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/slack"
)

type eventBody struct {
	Type      string `json:"type"`
	Challenge string `json:"challenge"`
	EventID   string `json:"event_id"`
	Event     struct {
		Type, User, Text, Channel, Tab string
	} `json:"event"`
}

func (r received) event(t *testing.T) eventBody {
	t.Helper()
	var e eventBody
	require.NoError(t, json.Unmarshal(r.body, &e))
	return e
}

// withEvents answers the challenge and gives events to the app's path /events. Retries are compressed.
func withEvents(t *testing.T, server *slack.Server, app *testApp, retries ...time.Duration) {
	t.Helper()
	app.on("/events", func(w http.ResponseWriter, r received) { _, _ = io.WriteString(w, r.event(t).Challenge) })
	require.NoError(t, server.Configure(t.Context(), slack.App{
		SigningSecret: signingSecret, EventsURL: app.URL + "/events", InteractivityURL: app.URL + "/interact",
		Patience: 100 * time.Millisecond, EventRetries: retries,
	}))
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer func(w http.ResponseWriter, r received)
		wrong  string
	}{
		"bare": {func(w http.ResponseWriter, r received) { _, _ = io.WriteString(w, r.event(t).Challenge) }, ""},
		"json": {func(w http.ResponseWriter, r received) {
			_, _ = io.WriteString(w, `{"challenge":"`+r.event(t).Challenge+`"}`)
		}, ""},
		"other": {func(w http.ResponseWriter, _ received) { _, _ = io.WriteString(w, "hello") }, "does not hold the challenge"},
		"500":   {func(w http.ResponseWriter, _ received) { w.WriteHeader(http.StatusInternalServerError) }, "HTTP 500"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, app := startApp(t)
			app.on("/events", tc.answer)
			err := server.Configure(t.Context(), slack.App{SigningSecret: signingSecret, EventsURL: app.URL + "/events"})
			require.Equal(t, "url_verification", app.last().event(t).Type)
			if tc.wrong != "" {
				require.ErrorContains(t, err, tc.wrong)
				return
			}
			require.NoError(t, err)
		})
	}
}

func TestEventsReachTheApp(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	withEvents(t, server, app)
	person := as(t, server, lena)
	_, err := person.Say("legal", "nothing for the app", "")
	require.NoError(t, err)

	wait := func(n int) eventBody {
		require.Eventually(t, func() bool { return len(app.all()) == n }, 5*time.Second, 5*time.Millisecond)
		return app.last().event(t)
	}
	person.OpenHome()
	got := wait(2)
	require.Equal(t, "event_callback", got.Type)
	require.Equal(t, "app_home_opened", got.Event.Type)
	require.Equal(t, lena, got.Event.User)
	require.Equal(t, "home", got.Event.Tab)

	_, err = person.Say("legal", "<@"+slack.AppUser+"> status?", "")
	require.NoError(t, err)
	require.Equal(t, "app_mention", wait(3).Event.Type)
	_, err = person.Say(slack.AppUser, "hello", "")
	require.NoError(t, err)
	require.Equal(t, "message", wait(4).Event.Type)

	server.Remove("legal", slack.AppUser)
	_, err = person.Say("legal", "<@"+slack.AppUser+"> still there?", "")
	require.NoError(t, err)
	person.OpenHome()
	require.Equal(t, "app_home_opened", wait(5).Event.Type, "what the app is no member of, it does not hear")
}

func TestEventsAreSentAgain(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		breaks func(w http.ResponseWriter)
		reason string
		times  int
	}{
		"500":          {func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }, "http_error", 4},
		"too slow":     {func(http.ResponseWriter) { time.Sleep(200 * time.Millisecond) }, "http_timeout", 4},
		"acknowledged": {func(http.ResponseWriter) {}, "", 1},
		"not wanted": {func(w http.ResponseWriter) {
			w.Header().Set("X-Slack-No-Retry", "1")
			w.WriteHeader(http.StatusInternalServerError)
		}, "", 1},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, app := startApp(t)
			withEvents(t, server, app, 0, 10*time.Millisecond, 20*time.Millisecond)
			app.on("/events", func(w http.ResponseWriter, _ received) { tc.breaks(w) })
			as(t, server, lena).OpenHome()
			require.Eventually(t, func() bool { return len(server.Deliveries()) == tc.times }, 10*time.Second, 5*time.Millisecond)
			time.Sleep(100 * time.Millisecond)
			require.Len(t, server.Deliveries(), tc.times)
			events := app.all()[1:] // the first is the challenge
			for _, r := range events {
				require.Equal(t, events[0].event(t).EventID, r.event(t).EventID)
			}
			last := events[len(events)-1]
			require.Equal(t, tc.reason, last.header.Get("X-Slack-Retry-Reason"))
			if tc.times > 1 {
				require.Equal(t, "3", last.header.Get("X-Slack-Retry-Num"))
			}
		})
	}
}
