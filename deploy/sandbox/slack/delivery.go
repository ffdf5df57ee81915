package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Delivery is one attempt to bring something to the app, for tests that count them.
type Delivery struct {
	At time.Time
	// Kind is slash_commands, block_actions, view_submission, view_closed, block_suggestion, or the type of an event.
	Kind string
	// ID is what stays the same when it is delivered again: the trigger_id or the event_id.
	ID string
	// Attempt counts from 0.
	Attempt int
	// Answer is "ok" or the reason why there was none: operation_timeout, dispatch_failed, http_client_error,
	// http_service_error, or lost for one that a fault held back.
	Answer string
}

// delivery is what is to be brought to the app.
type delivery struct {
	kind string
	id   string
	// payload is the JSON of the interaction, the event or, in Socket Mode, the command.
	payload reply
	// form is a slash command's body over HTTP.
	form url.Values
	url  string
	// envelope is the type in Socket Mode.
	envelope string
	attempt  int
	reason   string // why it is sent again
}

// undelivered says why the app did not answer, in the words that Slack shows for slash commands.
type undelivered struct {
	reason string
	err    error
	// final is Slack's header X-Slack-No-Retry: the app does not want it again.
	final bool
}

func (u *undelivered) Error() string { return u.reason + ": " + u.err.Error() }
func (u *undelivered) Unwrap() error { return u.err }

// Deliveries returns what was sent to the app, oldest first, at most the last ten thousand.
func (s *Server) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Delivery(nil), s.deliveries...)
}

func (s *Server) note(d delivery, said string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.deliveries) >= maxCalls {
		s.deliveries = append([]Delivery(nil), s.deliveries[maxCalls/2:]...)
	}
	s.deliveries = append(s.deliveries, Delivery{At: s.workspace.now(), Kind: d.kind, ID: d.id, Attempt: d.attempt, Answer: said})
}

// deliver brings d to the app and waits for the answer as long as Slack does. What is late arrives nevertheless: the app
// may act upon it after the person was told that nothing happened.
func (s *Server) deliver(ctx context.Context, d delivery) ([]byte, *undelivered) {
	app, planned := s.settings(), s.faults.takeDelivery(d.kind)
	type outcome struct {
		body []byte
		err  *undelivered
	}
	first := make(chan outcome, 1)
	for copyOf := range planned.copies + 1 {
		if !s.background(func() {
			body, failed := s.attempt(app, d, planned)
			if copyOf == 0 {
				first <- outcome{body, failed}
			}
		}) {
			return nil, &undelivered{reason: "dispatch_failed", err: s.life.Err()}
		}
	}
	var late <-chan time.Time // an attempt that is not held back ends by itself
	if planned.delay > 0 {
		timer := time.NewTimer(app.Patience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case got := <-first:
		return got.body, got.err
	case <-late:
		return nil, &undelivered{reason: "operation_timeout", err: fmt.Errorf("no answer within %s", app.Patience)}
	case <-ctx.Done():
		return nil, &undelivered{reason: "operation_timeout", err: ctx.Err()}
	}
}

// attempt sends one copy, after the pause that a fault may ask for.
func (s *Server) attempt(app App, d delivery, planned deliveryFault) ([]byte, *undelivered) {
	if !s.pause(planned.delay) {
		return nil, &undelivered{reason: "dispatch_failed", err: s.life.Err()}
	}
	if planned.lose {
		s.note(d, "lost")
		s.pause(app.Patience)
		return nil, &undelivered{reason: "operation_timeout", err: errors.New("a fault lost it")}
	}
	ctx, cancel := context.WithTimeout(s.life, app.Patience)
	defer cancel()
	var body []byte
	var failed *undelivered
	if app.SocketMode {
		body, failed = s.throughSocket(ctx, d)
	} else {
		body, failed = s.overHTTP(ctx, app, d, planned.forge)
	}
	said := "ok"
	if failed != nil {
		said = failed.reason
	}
	s.note(d, said)
	return body, failed
}

// pause waits and says whether the server still runs.
func (s *Server) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.life.Done():
		return false
	}
}

func (s *Server) overHTTP(ctx context.Context, app App, d delivery, forged bool) ([]byte, *undelivered) {
	r := request{url: d.url, kind: "application/x-www-form-urlencoded", forged: forged}
	switch {
	case d.form != nil:
		r.body = []byte(d.form.Encode())
	case d.envelope == "events_api":
		r.kind = "application/json"
		r.body = encode(d.payload)
	default:
		r.body = []byte(url.Values{"payload": {string(encode(d.payload))}}.Encode())
	}
	if d.attempt > 0 {
		r.header = http.Header{
			"X-Slack-Retry-Num": {strconv.Itoa(d.attempt)}, "X-Slack-Retry-Reason": {d.reason},
		}
	}
	got, err := s.post(ctx, app, r)
	if err == nil {
		return got.body, nil
	}
	var status *statusError
	switch {
	case errors.As(err, &status) && status.code >= http.StatusInternalServerError:
		return nil, &undelivered{reason: "http_service_error", err: err, final: status.noRetry}
	case errors.As(err, &status):
		return nil, &undelivered{reason: "http_client_error", err: err, final: status.noRetry}
	case ctx.Err() != nil:
		return nil, &undelivered{reason: "operation_timeout", err: err}
	}
	return nil, &undelivered{reason: "dispatch_failed", err: err}
}

// statusError is an answer that is not 2xx.
type statusError struct {
	code    int
	noRetry bool
}

func (e *statusError) Error() string { return "the app answered HTTP " + strconv.Itoa(e.code) }

// exchange sends the request on a connection of its own, so that nothing is left open behind a test.
func exchange(req *http.Request) (answer, error) {
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("send to the app: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return answer{}, fmt.Errorf("read the app's answer: %w", err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return answer{}, &statusError{code: res.StatusCode, noRetry: res.Header.Get("X-Slack-No-Retry") == "1"}
	}
	return answer{status: res.StatusCode, header: res.Header, body: body}, nil
}

// encode writes JSON of values that were made here or decoded from JSON, which cannot fail.
func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return raw
}
