package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"firebreak/internal/slackui"
)

// socketServer opens Socket Mode connections as https://docs.slack.dev/apis/events-api/using-socket-mode describes.
type socketServer struct {
	*httptest.Server
	mu    sync.Mutex
	conns []*websocket.Conn
	acks  []map[string]json.RawMessage
	// refuse is what apps.connections.open answers instead.
	refuse string
	opened int
}

func newSocketServer(t *testing.T) *socketServer {
	t.Helper()
	s := &socketServer{}
	// The library names api.slack.com as its origin.
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/apps.connections.open", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.opened++
		if s.refuse != "" || r.Header.Get("Authorization") != "Bearer xapp-1-A0-test-of-nobody" {
			fmt.Fprintf(w, `{"ok":false,"error":%q}`, s.refuse)
			return
		}
		fmt.Fprintf(w, `{"ok":true,"url":"ws%s/socket"}`, strings.TrimPrefix(s.URL, "http"))
	})
	mux.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		_ = conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello","num_connections":1}`))
		s.mu.Lock()
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
		for {
			var ack map[string]json.RawMessage
			if conn.ReadJSON(&ack) != nil {
				return
			}
			s.mu.Lock()
			s.acks = append(s.acks, ack)
			s.mu.Unlock()
		}
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		s.mu.Lock()
		for _, c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		s.Close()
	})
	return s
}

func (s *socketServer) send(t *testing.T, n int, envelope string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NoError(t, s.conns[n].WriteMessage(websocket.TextMessage, []byte(envelope)))
}

func (s *socketServer) count() (conns, acks, opened int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns), len(s.acks), s.opened
}

// connected is a cockpit with both its connections.
func connected(t *testing.T, c *cockpit, s *socketServer) (stop func()) {
	t.Helper()
	c.sockets = sockets("xapp-1-A0-test-of-nobody", s.URL+"/api/", c)
	for _, one := range c.sockets {
		one.pause = tick
	}
	stop = sync.OnceFunc(c.start(t.Context()))
	t.Cleanup(stop)
	require.Eventually(t, func() bool { n, _, _ := s.count(); return n == socketConnections }, eventually, tick)
	return stop
}

func enveloped(t *testing.T, kind, id string, payload any, accepts bool) string {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"type": kind, "envelope_id": id, "payload": payload, "accepts_response_payload": accepts})
	require.NoError(t, err)
	return string(raw)
}

func TestSocketModeIsTheSameCockpit(t *testing.T) {
	t.Parallel()
	rec := waitingRecord()
	desk := desks(rec)
	c, f, logs := newCockpit(t, desk)
	c.secrets = nil
	s := newSocketServer(t)
	stop := connected(t, c, s)

	p := click(f, slackMLO, slackui.ActionApprove, approveButton(t, rec, "approve-rollback"))
	s.send(t, 0, enveloped(t, "interactive", "e1", p, false))
	f.told(t, "Recorded for mlo-1")
	// Slack sends it again on the other connection, as after an acknowledgement that was lost.
	s.send(t, 1, enveloped(t, "interactive", "e2", p, false))
	s.send(t, 1, enveloped(t, "slash_commands", "e3", map[string]any{
		"command": slackCommand, "text": "help", "user_id": slackIC, "team_id": testTeam, "api_app_id": testApp, "trigger_id": "1.2", "is_enterprise_install": "false",
	}, true))
	s.send(t, 0, enveloped(t, "interactive", "e4", interaction(f, slackIC, slackSuggestion, map[string]any{"action_id": slackui.ActionAsset, "value": "credit"}), true))
	s.send(t, 0, enveloped(t, "events_api", "e5", map[string]any{
		"type": "event_callback", "team_id": testTeam, "api_app_id": testApp, "event_id": "Ev9", "event": map[string]any{"type": "app_home_opened", "user": slackMLO, "tab": "home"},
	}, false))
	foreign := click(f, slackMLO, slackui.ActionApprove, approveButton(t, rec, "approve-rollback"))
	foreign["team"] = map[string]any{"id": "T0OTHER"}
	s.send(t, 0, enveloped(t, "interactive", "e6", foreign, false))
	s.send(t, 0, enveloped(t, "interactive", "e7", map[string]any{"type": "block_actions"}, false))
	s.send(t, 0, `{"type":"interactive","envelope_id":"e8","payload":"no`+"\n")
	require.Eventually(t, func() bool { _, n, _ := s.count(); return n == 7 }, eventually, tick, "%s", logs)
	require.Eventually(t, func() bool { return len(f.made("views.publish")) == 1 }, eventually, tick)

	payloads := map[string]string{}
	s.mu.Lock()
	for _, ack := range s.acks {
		payloads[strings.Trim(string(ack["envelope_id"]), `"`)] = string(ack["payload"])
	}
	s.mu.Unlock()
	require.Contains(t, payloads["e3"], "/incident declare")
	require.Contains(t, payloads["e4"], "credit-api")
	require.Empty(t, strings.ReplaceAll(payloads["e1"]+payloads["e6"], "null", ""))
	require.Len(t, desk.decided, 1)
	stop()
	require.NotContains(t, logs.String(), "xapp-")
}

func TestSocketModeKeepsTwoConnections(t *testing.T) {
	t.Parallel()
	c, _, logs := newCockpit(t, desks())
	s := newSocketServer(t)
	stop := connected(t, c, s)
	s.send(t, 0, `{"type":"disconnect","reason":"refresh_requested"}`)
	require.Eventually(t, func() bool { n, _, _ := s.count(); return n == 3 }, eventually, tick, "%s", logs)
	s.mu.Lock()
	s.conns[1].Close()
	s.mu.Unlock()
	require.Eventually(t, func() bool { n, _, _ := s.count(); return n == 4 }, eventually, tick)
	stop()
}

func TestSocketModeGoesOnAfterARefusedToken(t *testing.T) {
	t.Parallel()
	c, _, logs := newCockpit(t, desks())
	s := newSocketServer(t)
	s.refuse = "invalid_auth"
	c.sockets = sockets("xapp-1-A0-test-of-nobody", s.URL+"/api/", c)
	for _, one := range c.sockets {
		one.pause = tick
	}
	stop := c.start(t.Context())
	require.Eventually(t, func() bool { _, _, n := s.count(); return n > 4 }, eventually, tick)
	s.mu.Lock()
	s.refuse = ""
	s.mu.Unlock()
	require.Eventually(t, func() bool { n, _, _ := s.count(); return n == socketConnections }, eventually, tick)
	stop()
	require.Contains(t, logs.String(), "slack answered invalid_auth")
}

// What could not be begun is not acknowledged: Slack shows that it failed, or sends it again.
func TestSocketModeDoesNotAcknowledgeWhatItCannotTake(t *testing.T) {
	t.Parallel()
	rec := waitingRecord()
	c, f, logs := newCockpit(t, blocked{})
	c.jobs.slots = make(chan struct{})
	s := newSocketServer(t)
	connected(t, c, s)
	s.send(t, 0, enveloped(t, "interactive", "e1", click(f, slackMLO, slackui.ActionApprove, approveButton(t, rec, "approve-rollback")), false))
	require.Eventually(t, func() bool { return strings.Contains(logs.String(), "too many are being worked on") }, eventually, tick)
	time.Sleep(20 * time.Millisecond)
	_, acks, _ := s.count()
	require.Zero(t, acks)
}

func TestSocketModeAnswersInTime(t *testing.T) {
	t.Parallel()
	c, f, _ := newCockpit(t, blocked{})
	s := newSocketServer(t)
	connected(t, c, s)
	t.Cleanup(c.jobs.stopWork)
	began := time.Now()
	s.send(t, 0, enveloped(t, "interactive", "e1", click(f, slackMLO, slackui.ActionApprove, approveButton(t, waitingRecord(), "approve-rollback")), false))
	require.Eventually(t, func() bool { _, n, _ := s.count(); return n == 1 }, slackPatience, tick)
	require.Less(t, time.Since(began), slackPatience)
}
