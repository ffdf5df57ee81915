package main

import (
	"errors"
	"io"
	"mime"
	"net/http"
)

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
	// slackBodyLimit is more than the largest message with its blocks, encoded as a form.
	slackBodyLimit = 1 << 20
)

// route answers one of Slack's request URLs. Nothing of a request is parsed before its signature over the raw bytes has been
// checked, and everything that is wrong with one gives the same answer.
func (c *cockpit) route(media string, parse func([]byte) (slackDelivery, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received := c.now()
		claim, ok := claimed(r.Header, received)
		if !ok {
			c.unsigned(w, r, "it has no signature of Slack's of these five minutes")
			return
		}
		body, ok := c.slackBody(w, r)
		if !ok {
			return
		}
		if !c.secrets.verify(claim, body) {
			c.unsigned(w, r, "its signature is not of a signing secret")
			return
		}
		got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || got != media {
			c.refuse(w, r, http.StatusUnsupportedMediaType, "the Content-Type must be "+media)
			return
		}
		d, err := parse(body)
		if err != nil {
			c.refuse(w, r, http.StatusBadRequest, err.Error())
			return
		}
		d.at = received
		if number := r.Header.Get("X-Slack-Retry-Num"); number != "" {
			c.log.Info("slack sends something again", "retry", clean(number), "reason", clean(r.Header.Get("X-Slack-Retry-Reason")))
		}
		write(w, c.handle(&d))
	})
}

// slackBody reads at most slackBodyLimit. A body that declares itself larger is not read at all.
func (c *cockpit) slackBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	if r.ContentLength > slackBodyLimit {
		w.Header().Set("Connection", "close")
		c.refuse(w, r, http.StatusRequestEntityTooLarge, "the body is too large")
		return nil, false
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, slackBodyLimit))
	var over *http.MaxBytesError
	switch {
	case err == nil:
		return raw, true
	case errors.As(err, &over):
		c.refuse(w, r, http.StatusRequestEntityTooLarge, "the body is too large")
	default:
		w.Header().Set("Connection", "close")
		c.refuse(w, r, http.StatusRequestTimeout, "the body did not arrive in time or not as a whole")
	}
	return nil, false
}

// unsigned refuses a request that is not proved to be Slack's. The answer is a constant, so that nothing can be learnt from
// it; the log says what is wrong.
func (c *cockpit) unsigned(w http.ResponseWriter, r *http.Request, reason string) {
	c.log.Warn("slack request refused", "status", http.StatusUnauthorized, "path", r.URL.Path, "error", reason, "remote", r.RemoteAddr)
	writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "unauthorized"})
}

func (c *cockpit) refuse(w http.ResponseWriter, r *http.Request, status int, reason string) {
	c.log.Warn("slack request refused", "status", status, "path", r.URL.Path, "error", reason, "remote", r.RemoteAddr)
	writeJSON(w, status, map[string]string{"error": reason})
}

// write answers a delivery. Slack takes an empty 200 for "received", and text for an error as it is.
func write(w http.ResponseWriter, reply slackReply) {
	status := reply.status
	if status == 0 {
		status = http.StatusOK
	}
	switch body := reply.body.(type) {
	case nil:
		w.WriteHeader(status)
	case string:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	default:
		writeJSON(w, status, body)
	}
}
