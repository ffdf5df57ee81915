package slack_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/slack"
)

const appToken = "xapp-sandbox"

func startSocket(t *testing.T) (*slack.Server, *httptest.Server) {
	t.Helper()
	server := slack.New(slack.Options{
		Tokens: []string{token}, Channels: []string{"legal"}, Users: []slack.User{{ID: lena, Name: "lena"}},
		App: slack.App{
			SocketMode: true, AppTokens: []string{appToken}, Commands: []string{"/incident"}, Patience: 200 * time.Millisecond,
			EventRetries: []time.Duration{0, 10 * time.Millisecond},
		},
	})
	listener := httptest.NewServer(server)
	t.Cleanup(func() {
		_ = server.Close()
		listener.Close()
	})
	return server, listener
}

func appClient(listener *httptest.Server) *slackgo.Client {
	return slackgo.New(token, slackgo.OptionAppLevelToken(appToken), slackgo.OptionAPIURL(listener.URL+"/api/"))
}

// connect opens one connection by hand and reads its hello.
func connect(t *testing.T, listener *httptest.Server) *websocket.Conn {
	t.Helper()
	_, address, err := appClient(listener).StartSocketModeContext(t.Context())
	require.NoError(t, err)
	conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), address, nil)
	require.NoError(t, err)
	_ = res.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	require.Equal(t, "hello", next(t, conn)["type"])
	return conn
}

func next(t *testing.T, conn *websocket.Conn) map[string]any {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	var message map[string]any
	require.NoError(t, conn.ReadJSON(&message))
	return message
}

// The client is slack-go's own, as the product uses it.
func TestSocketModeWithSlackGo(t *testing.T) {
	t.Parallel()
	server, listener := startSocket(t)
	api := appClient(listener)
	sm := socketmode.New(api)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	connected := make(chan struct{}, 10)
	go func() { defer close(ended); _ = sm.RunContext(ctx) }()
	go func() {
		for event := range sm.Events {
			switch event.Type {
			case socketmode.EventTypeConnected:
				connected <- struct{}{}
			case socketmode.EventTypeSlashCommand:
				command, _ := event.Data.(slackgo.SlashCommand)
				_, err := api.OpenViewContext(ctx, command.TriggerID, modal())
				if err != nil {
					t.Error(err)
				}
				_ = sm.Ack(*event.Request, map[string]any{"text": "opened for " + command.UserID})
			case socketmode.EventTypeInteractive:
				_ = sm.Ack(*event.Request, slackgo.NewErrorsViewSubmissionResponse(map[string]string{"reason": "too vague"}))
			}
		}
	}()
	<-connected
	require.Eventually(t, func() bool { return server.Connections() == 1 }, 10*time.Second, 5*time.Millisecond)
	person := as(t, server, lena)
	require.NoError(t, person.Slash(t.Context(), "legal", "/incident x"))
	require.Equal(t, "opened for "+lena, person.Sees("legal")[0].Text)
	require.ErrorContains(t, person.Submit(t.Context(), slack.Values{"reason": {"leak"}}), "too vague")

	server.Disconnect("refresh_requested")
	<-connected // it comes back
	require.Eventually(t, func() bool { return server.Connections() == 1 }, 10*time.Second, 5*time.Millisecond)
	cancel()
	<-ended
}

func TestSocketModeRefuses(t *testing.T) {
	t.Parallel()
	server, listener := startSocket(t)
	api := appClient(listener)
	_, _, err := slackgo.New(token, slackgo.OptionAppLevelToken("xapp-other"), slackgo.OptionAPIURL(listener.URL+"/api/")).StartSocketModeContext(t.Context())
	require.EqualError(t, err, "invalid_auth")
	_, _, err = slackgo.New(token, slackgo.OptionAppLevelToken(token), slackgo.OptionAPIURL(listener.URL+"/api/")).StartSocketModeContext(t.Context())
	require.EqualError(t, err, "not_allowed_token_type")
	_, address, err := api.StartSocketModeContext(t.Context())
	require.NoError(t, err)
	first, _, err := websocket.DefaultDialer.DialContext(t.Context(), address, nil)
	require.NoError(t, err)
	defer first.Close()
	_, _, err = websocket.DefaultDialer.DialContext(t.Context(), address, nil)
	require.Error(t, err, "an address is good for one connection")

	for range 9 {
		connect(t, listener)
	}
	require.Equal(t, 10, server.Connections())
	_, address, err = api.StartSocketModeContext(t.Context())
	require.NoError(t, err)
	eleventh, _, err := websocket.DefaultDialer.DialContext(t.Context(), address, nil)
	require.NoError(t, err)
	defer eleventh.Close()
	require.Equal(t, "too_many_websockets", next(t, eleventh)["reason"])

	require.NoError(t, server.Configure(t.Context(), slack.App{AppTokens: []string{appToken}}))
	_, _, err = api.StartSocketModeContext(t.Context())
	require.EqualError(t, err, "socket_mode_not_enabled")
}

func TestSocketModeWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	server, listener := startSocket(t)
	person := as(t, server, lena)
	noticed(t, person.Slash(t.Context(), "legal", "/incident"), "dispatch_failed")

	conn := connect(t, listener)
	noticed(t, person.Slash(t.Context(), "legal", "/incident"), "operation_timeout")
	got := next(t, conn)
	require.Equal(t, "slash_commands", got["type"])
	require.Equal(t, true, got["accepts_response_payload"])
	require.NoError(t, conn.WriteJSON(map[string]any{"envelope_id": got["envelope_id"], "payload": map[string]any{"text": "late"}}))
	require.NoError(t, conn.WriteMessage(websocket.TextMessage, []byte("not json")))
	require.Equal(t, 1, server.Connections())
}

func TestEventsAreSentAgainThroughTheSocket(t *testing.T) {
	t.Parallel()
	server, listener := startSocket(t)
	conn := connect(t, listener)
	as(t, server, lena).OpenHome()
	first, second := next(t, conn), next(t, conn)
	require.Equal(t, "events_api", first["type"])
	require.Equal(t, false, first["accepts_response_payload"])
	require.EqualValues(t, 0, first["retry_attempt"])
	require.EqualValues(t, 1, second["retry_attempt"])
	require.Equal(t, "timeout", second["retry_reason"])
	id := func(m map[string]any) any { payload, _ := m["payload"].(map[string]any); return payload["event_id"] }
	require.Equal(t, id(first), id(second))
	require.NotEqual(t, first["envelope_id"], second["envelope_id"])
	require.NoError(t, conn.WriteJSON(map[string]any{"envelope_id": second["envelope_id"]}))
	require.Eventually(t, func() bool { all := server.Deliveries(); return len(all) == 2 && all[1].Answer == "ok" }, 5*time.Second, 5*time.Millisecond)
}

func TestEachEnvelopeGoesToOneConnection(t *testing.T) {
	t.Parallel()
	server, listener := startSocket(t)
	used := make(chan int, 100)
	for n := range 2 {
		conn := connect(t, listener)
		go func() {
			for {
				var envelope struct {
					ID string `json:"envelope_id"`
				}
				_, raw, err := conn.ReadMessage()
				if err != nil || json.Unmarshal(raw, &envelope) != nil {
					return
				}
				used <- n
				_ = conn.WriteJSON(map[string]any{"envelope_id": envelope.ID})
			}
		}()
	}
	for range 40 {
		require.NoError(t, as(t, server, lena).Slash(t.Context(), "legal", "/incident"))
	}
	counts := map[int]int{}
	for range 40 {
		counts[<-used]++
	}
	require.Empty(t, used, "no envelope goes to two")
	require.Len(t, counts, 2, "both are used")
}

func TestDisconnects(t *testing.T) {
	t.Parallel()
	server, listener := startSocket(t)
	conn := connect(t, listener)
	server.Disconnect("warning")
	require.Equal(t, "warning", next(t, conn)["reason"])
	require.Equal(t, 1, server.Connections(), "a warning leaves time")
	server.Disconnect("")
	_, _, err := conn.ReadMessage()
	require.Error(t, err)
}
