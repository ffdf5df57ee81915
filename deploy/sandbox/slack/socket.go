package slack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Socket Mode (https://docs.slack.dev/apis/events-api/using-socket-mode).
const (
	maxConnections = 10
	ticketLife     = 30 * time.Second
	pingEvery      = 5 * time.Second
	writeTimeout   = 5 * time.Second
)

// sockets are the connections of Socket Mode. The zero value has none.
type sockets struct {
	mu      sync.Mutex
	tickets map[string]time.Time
	open    []*connection
	waiting map[string]chan []byte // what an envelope's acknowledgement carries, by envelope_id
}

type connection struct {
	ws *websocket.Conn
	mu sync.Mutex // gorilla allows one writer at a time
}

func (c *connection) write(v any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ws.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return c.ws.WriteMessage(websocket.TextMessage, encode(v))
}

// openConnection is apps.connections.open: an address for one connection, to be used at once.
func (s *Server) openConnection(arguments) (reply, *failure) {
	if !s.settings().SocketMode {
		return nil, &failure{code: "socket_mode_not_enabled"}
	}
	ticket := rand.Text()
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	if s.sockets.tickets == nil || len(s.sockets.tickets) >= maxCalls {
		s.sockets.tickets = make(map[string]time.Time)
	}
	s.sockets.tickets[ticket] = time.Now()
	address := "ws" + strings.TrimPrefix(s.address(), "http")
	return reply{"url": address + "/socket/" + ticket + "?app_id=" + appID}, nil
}

func (f *sockets) redeem(ticket string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, found := f.tickets[ticket]
	delete(f.tickets, ticket)
	return found && time.Since(at) < ticketLife
}

// serveSocket is one connection: hello, then envelopes until one of the two sides ends it.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	if s.faults.isDown() {
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
		return
	}
	if !s.sockets.redeem(r.PathValue("ticket")) {
		http.Error(w, "the address was used before or is too old", http.StatusForbidden)
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }} // the ticket is the proof
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	defer func() { _ = ws.Close() }()
	ws.SetReadLimit(maxBody)
	c := &connection{ws: ws}
	n, fits := s.sockets.join(c)
	if !fits {
		_ = c.write(disconnectMessage("too_many_websockets"))
		return
	}
	defer s.sockets.leave(c)
	if err := c.write(reply{
		"type": "hello", "num_connections": n, "connection_info": reply{"app_id": appID},
		"debug_info": reply{"host": "sandbox", "build_number": 1, "approximate_connection_time": 3600},
	}); err != nil {
		return
	}
	done := make(chan struct{})
	defer close(done)
	if s.background(func() { c.keepAlive(done, s.life) }) {
		s.sockets.listen(c)
	}
}

func (c *connection) keepAlive(done <-chan struct{}, life context.Context) {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	// slack-go gives a connection up that is not pinged, so the first ping goes out at once.
	for {
		if c.ws.WriteControl(websocket.PingMessage, []byte("Ping from the sandbox"), time.Now().Add(writeTimeout)) != nil {
			return
		}
		select {
		case <-ticker.C:
		case <-done:
			return
		case <-life.Done():
			return
		}
	}
}

func (f *sockets) join(c *connection) (int, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.open) >= maxConnections {
		return 0, false
	}
	f.open = append(f.open, c)
	return len(f.open), true
}

func (f *sockets) leave(c *connection) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open = slices.DeleteFunc(f.open, func(o *connection) bool { return o == c })
}

// listen reads acknowledgements until the connection ends.
func (f *sockets) listen(c *connection) {
	for {
		_, raw, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if json.Unmarshal(raw, &ack) != nil {
			continue
		}
		f.mu.Lock()
		waiting := f.waiting[ack.EnvelopeID]
		delete(f.waiting, ack.EnvelopeID)
		f.mu.Unlock()
		if waiting != nil {
			waiting <- ack.Payload // has room for one, and is found once
		}
	}
}

// throughSocket sends an envelope to one connection, chosen at random, and waits for its acknowledgement.
func (s *Server) throughSocket(ctx context.Context, d delivery) ([]byte, *undelivered) {
	id := rand.Text()
	envelope := reply{
		"envelope_id": id, "type": d.envelope, "payload": d.payload, "accepts_response_payload": d.envelope != "events_api",
	}
	if d.envelope == "events_api" {
		envelope["retry_attempt"], envelope["retry_reason"] = d.attempt, d.reason
	}
	acknowledged := make(chan []byte, 1)
	s.sockets.mu.Lock()
	if len(s.sockets.open) == 0 {
		s.sockets.mu.Unlock()
		return nil, &undelivered{reason: "dispatch_failed", err: errors.New("the app has no connection open")}
	}
	c := s.sockets.open[mathrand.IntN(len(s.sockets.open))]
	if s.sockets.waiting == nil {
		s.sockets.waiting = make(map[string]chan []byte)
	}
	s.sockets.waiting[id] = acknowledged
	s.sockets.mu.Unlock()
	defer func() {
		s.sockets.mu.Lock()
		defer s.sockets.mu.Unlock()
		delete(s.sockets.waiting, id)
	}()
	if err := c.write(envelope); err != nil {
		return nil, &undelivered{reason: "dispatch_failed", err: err}
	}
	select {
	case payload := <-acknowledged:
		return payload, nil
	case <-ctx.Done():
		return nil, &undelivered{reason: "operation_timeout", err: errors.New("the envelope was not acknowledged")}
	}
}

// Connections is how many Socket Mode connections are open.
func (s *Server) Connections() int {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	return len(s.sockets.open)
}

// Disconnect asks every connection to go, with a reason of Slack's: warning, which is sent a while before and leaves the
// connection open, refresh_requested or link_disabled. With an empty reason the connections break without a word.
func (s *Server) Disconnect(reason string) {
	s.sockets.mu.Lock()
	open := slices.Clone(s.sockets.open)
	s.sockets.mu.Unlock()
	for _, c := range open {
		if reason != "" {
			_ = c.write(disconnectMessage(reason)) // a connection that is gone needs no word
		}
		if reason != "warning" {
			_ = c.ws.Close()
		}
	}
}

func disconnectMessage(reason string) reply {
	return reply{"type": "disconnect", "reason": reason, "debug_info": reply{"host": "sandbox"}}
}

func (f *sockets) closeAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.open {
		_ = c.ws.Close()
	}
}
