package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Control is one wish to break Slack or to mend it, as POST /control takes it in JSON and the page's panel sends it.
type Control struct {
	// Break is down, up, rate_limit, fail, fail_http, timeout_after_doing, duplicate, delay, lose, forge, disconnect or mend.
	Break string `json:"break"`
	// On is the method, or the kind of delivery, that is met; all if empty.
	On string `json:"on"`
	// Count is how many calls or deliveries are met; all until mend if zero.
	Count int `json:"count"`
	// Milliseconds is the delay, or what Retry-After asks for.
	Milliseconds int `json:"milliseconds"`
	// Error is Slack's error code for fail, or the reason of disconnect.
	Error string `json:"error"`
	// Status is the HTTP status of fail_http; 500 if zero.
	Status int `json:"status"`
	// Copies is how many more a duplicate brings; one if zero.
	Copies int `json:"copies"`
}

// Apply does what c asks for. The error says what it does not know.
func (s *Server) Apply(c Control) error {
	on, pause := c.On, time.Duration(c.Milliseconds)*time.Millisecond
	if on == "" {
		on = AnyMethod
	}
	switch c.Break {
	case "down", "up":
		s.Down(c.Break == "down")
	case "rate_limit":
		s.RateLimit(on, c.Count, pause)
	case "fail":
		if c.Error == "" {
			return errors.New("fail needs an error, such as internal_error")
		}
		s.Fail(on, c.Count, c.Error)
	case "fail_http":
		if c.Status == 0 {
			c.Status = http.StatusInternalServerError
		}
		if c.Status < 400 || c.Status > 599 {
			return errors.New("fail_http needs a status from 400 to 599")
		}
		s.FailHTTP(on, c.Count, c.Status)
	case "timeout_after_doing":
		s.TimeoutAfterDoing(on, c.Count)
	case "duplicate":
		s.Duplicate(on, c.Count, max(c.Copies, 1))
	case "delay":
		s.Delay(on, c.Count, pause)
	case "lose":
		s.Lose(on, c.Count)
	case "forge":
		s.Forge(on, c.Count)
	case "disconnect":
		s.Disconnect(c.Error)
	case "mend":
		s.ClearFaults()
	default:
		return fmt.Errorf("unknown break %q", c.Break)
	}
	return nil
}

// serveControl is POST /control.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	var c Control
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&c)
	if err == nil {
		err = s.Apply(c)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, reply{"ok": false, "error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, reply{"ok": true})
}
