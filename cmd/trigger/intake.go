package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"firebreak/internal/alert"
	"firebreak/internal/incident"
)

// deliverer hands accepted alerts to Temporal.
type deliverer interface {
	// deliver returns what came of each alert of a post, once all of them are durable or have failed.
	deliver(ctx context.Context, posted []handover) []receipt
	ready(ctx context.Context) error
}

const (
	// deliveryTimeout bounds how long a sender waits to hear that Temporal did not confirm.
	deliveryTimeout = 5 * time.Second
	// deliveries bounds the posts that are being handed to Temporal at the same time. In a storm each waits up to a second for
	// its batch; the memory that their alerts hold is bounded by maxHeld.
	deliveries = 1 << 14
)

// intake takes posts of alerts in. It answers 2xx only when every alert of the post is durably in Temporal, 5xx if the
// sender should try again, and 4xx if trying again cannot help.
type intake struct {
	inventory *inventoryFile
	mode      incident.Mode
	labels    alert.Labels
	token     bearer
	temporal  deliverer
	log       *slog.Logger
	metrics   *metrics
	timeout   time.Duration
	// slots holds a token for each post that is being delivered. A post that is still being read holds none, so that a
	// slow sender keeps nobody else out.
	slots chan struct{}
	now   func() time.Time
}

// alertmanager is POST /alerts/alertmanager.
func (in *intake) alertmanager(w http.ResponseWriter, r *http.Request) {
	if !in.token.admits(r) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="alerts"`)
		in.refuse(w, r, http.StatusUnauthorized, "the bearer token is missing or wrong: send the alert token in the Authorization header", "")
		return
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" || r.Header.Get("Content-Encoding") != "" {
		in.refuse(w, r, http.StatusUnsupportedMediaType, "the Content-Type must be application/json, without a Content-Encoding", "")
		return
	}
	raw, ok := in.body(w, r)
	if !ok {
		return
	}
	group, err := in.labels.DecodeAlertmanager(raw, in.now().UTC())
	if err != nil {
		in.refuse(w, r, http.StatusBadRequest, err.Error(), group.RawSHA256)
		return
	}
	select {
	case in.slots <- struct{}{}:
		defer func() { <-in.slots }()
	default:
		w.Header().Set("Retry-After", "1")
		in.refuse(w, r, http.StatusServiceUnavailable, "too many alerts are being delivered at this moment: send it again", group.RawSHA256)
		return
	}
	// The sender may hang up: what it has posted is delivered all the same, and its repetition joins.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), in.timeout)
	defer cancel()
	answer := in.deliver(ctx, &group)
	writeJSON(w, answer.status, answer)
}

// body reads at most alert.MaxBytes. A body that declares itself larger is not read at all.
func (in *intake) body(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	tooLarge := fmt.Sprintf("the body is larger than %d bytes", alert.MaxBytes)
	if r.ContentLength > alert.MaxBytes {
		w.Header().Set("Connection", "close")
		in.refuse(w, r, http.StatusRequestEntityTooLarge, tooLarge, "")
		return nil, false
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, alert.MaxBytes))
	var over *http.MaxBytesError
	switch {
	case err == nil:
		return raw, true
	case errors.As(err, &over):
		in.refuse(w, r, http.StatusRequestEntityTooLarge, tooLarge, "")
	default:
		w.Header().Set("Connection", "close")
		in.refuse(w, r, http.StatusRequestTimeout, "the body did not arrive in time or not as a whole", "")
	}
	return nil, false
}

// refuse answers a post of which no alert was delivered.
func (in *intake) refuse(w http.ResponseWriter, r *http.Request, status int, reason, rawSHA256 string) {
	in.log.Warn("alert post refused", "status", status, "error", reason, "raw_sha256", rawSHA256, "remote", r.RemoteAddr)
	writeJSON(w, status, answer{Error: reason})
}
