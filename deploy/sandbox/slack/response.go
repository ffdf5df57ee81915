package slack

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// A response URL can be used five times within thirty minutes.
const (
	responseUses = 5
	responseLife = 30 * time.Minute
)

// responses are the response URLs that were given out. The zero value holds none.
type responses struct {
	mu    sync.Mutex
	known map[string]*response
}

// response is where an answer of the app's belongs.
type response struct {
	user    string
	channel string
	// original is the message that was acted upon, empty for a slash command; thread is its thread.
	original, thread string
	made             time.Time
	used             int
}

func (s *Server) responseURL(r response) string {
	id := rand.Text()
	r.made = s.workspace.now()
	s.responses.mu.Lock()
	defer s.responses.mu.Unlock()
	if s.responses.known == nil || len(s.responses.known) >= maxCalls {
		s.responses.known = make(map[string]*response)
	}
	s.responses.known[id] = &r
	return s.address() + "/response/" + id
}

// use counts one use of a response URL.
func (s *Server) use(id string) (response, *failure) {
	s.responses.mu.Lock()
	defer s.responses.mu.Unlock()
	r := s.responses.known[id]
	switch {
	case r == nil:
		return response{}, &failure{code: "invalid_url"}
	case s.workspace.now().Sub(r.made) > responseLife:
		return response{}, &failure{code: "expired_url"}
	case r.used >= responseUses:
		return response{}, &failure{code: "used_url"}
	}
	r.used++
	return *r, nil
}

// responseMethod names response URLs among the methods, for faults and in the ledger of calls.
const responseMethod = "response_url"

// serveResponse takes what an app posts to a response URL.
func (s *Server) serveResponse(w http.ResponseWriter, r *http.Request) {
	if s.faults.isDown() {
		s.record(responseMethod, "", "down")
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
		return
	}
	planned := s.faults.take(responseMethod)
	if s.turnedAway(w, planned, responseMethod, "") {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var failed *failure
	to := response{}
	switch {
	case err != nil:
		failed = &failure{code: "invalid_payload"}
	case planned.action == failWith:
		failed = &failure{code: planned.slackError}
	default:
		to, failed = s.use(r.PathValue("id"))
	}
	if failed == nil && s.respond(to, body) != nil {
		failed = &failure{code: "invalid_payload"}
	}
	if planned.action == hangUp {
		s.record(responseMethod, to.channel, "no_answer")
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	if failed != nil {
		s.record(responseMethod, to.channel, failed.code)
		status := http.StatusNotFound
		if failed.code == "invalid_payload" {
			status = http.StatusBadRequest
		}
		writeJSON(w, status, reply{"ok": false, "error": failed.code})
		return
	}
	s.record(responseMethod, to.channel, "ok")
	writeJSON(w, http.StatusOK, reply{"ok": true})
}

// respond does what an answer asks for, whether it came in the HTTP response to a command or by a response URL. An empty
// answer asks for nothing; text that is not JSON is a message for the person alone.
func (s *Server) respond(to response, body []byte) error {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil
	}
	if body[0] != '{' {
		body = encode(reply{"text": string(body)})
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return fmt.Errorf("decode the app's answer: %w", err)
	}
	args := arguments{values: make(map[string]string)}
	args.keep(fields)
	s.workspace.mu.Lock()
	defer s.workspace.mu.Unlock()
	c := s.workspace.findID(to.channel)
	if c == nil {
		return errors.New("the channel is gone")
	}
	original := c.any(to.original)
	if args.flag("delete_original") {
		if original != nil {
			c.remove(original)
		}
		return nil
	}
	m, failed := readMessage(args)
	switch {
	case failed != nil:
		return fmt.Errorf("the app's message: %s %v", failed.code, failed.messages)
	case m.isEmpty() && len(fields) == 0:
		return nil
	case m.isEmpty():
		return errors.New("the app's message: no_text")
	}
	if args.flag("replace_original") && original != nil {
		original.Text, original.Blocks, original.Attachments = m.Text, m.Blocks, m.Attachments
		original.Edited = s.workspace.now()
		original.Mentions = mentionsIn(m.Text, m.Blocks)
		return nil
	}
	if args.text("response_type") != "in_channel" {
		m.EphemeralFor = to.user
	}
	m.ThreadTS = args.text("thread_ts")
	if m.ThreadTS == "" && m.EphemeralFor != "" {
		m.ThreadTS = to.thread
	}
	s.workspace.add(c, m)
	return nil
}

// any finds a message, ephemeral ones too. The caller holds the lock.
func (c *channel) any(ts string) *Message {
	for _, m := range c.messages {
		if m.TS == ts {
			return m
		}
	}
	return nil
}
