package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
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
	// deliveryTimeout bounds how long a sender waits to hear that Temporal did not confirm. EventBridge waits 5 seconds for
	// the whole answer, and the other senders longer.
	deliveryTimeout = 4 * time.Second
	// deliveries bounds the posts that are being handed to Temporal at the same time. In a storm each waits up to a second for
	// its batch; the memory that their alerts hold is bounded by maxHeld.
	deliveries = 1 << 14
	// unproved bounds the posts larger than smallBody whose origin is not proved before their last byte is there.
	unproved  = 32
	smallBody = 64 << 10
)

// intake takes posts of alerts in. It answers 2xx only when every alert of the post is durably in Temporal, 5xx if the
// sender should try again, and 4xx if trying again cannot help. An alert that can be read is never answered 4xx: a sender
// would not send it again, so what no route fits goes to a person.
type intake struct {
	inventory *inventoryFile
	routing   *routesFile
	mode      incident.Mode
	kinds     []incident.Kind
	sources   map[string]source
	temporal  deliverer
	log       *slog.Logger
	metrics   *metrics
	timeout   time.Duration
	// slots holds a token for each post that is being delivered. A post that is still being read holds none, so that a
	// slow sender keeps nobody else out.
	slots chan struct{}
	// large holds a token for each large post whose origin is not proved yet: what strangers send takes bounded memory.
	large chan struct{}
	now   func() time.Time
}

// post is POST /alerts/<source>.
func (in *intake) post(src source) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		raw, post, err := in.receive(w, r, src)
		if err != nil {
			in.refuse(w, r, src, err, post.RawSHA256)
			return
		}
		if len(post.Signals) == 0 {
			in.log.Info("post without an alert", "source", src.name, "reason", post.Note, "raw_sha256", post.RawSHA256)
			writeJSON(w, http.StatusOK, answer{Note: post.Note})
			return
		}
		// The sender may hang up: what it has posted is delivered all the same, and its repetition joins.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), in.timeout)
		defer cancel()
		answer, err := in.take(ctx, post, raw)
		if err != nil {
			in.refuse(w, r, src, err, post.RawSHA256)
			return
		}
		writeJSON(w, answer.status, answer)
	}
}

// take delivers a post, if it gets a slot.
func (in *intake) take(ctx context.Context, post alert.Post, raw []byte) (answer, error) {
	select {
	case in.slots <- struct{}{}:
		defer func() { <-in.slots }()
	default:
		return answer{}, &refusal{status: http.StatusServiceUnavailable, reason: "too many alerts are being delivered at this moment: send it again"}
	}
	return in.deliver(ctx, post, raw), nil
}

// receive proves the origin of a post and reads it.
func (in *intake) receive(w http.ResponseWriter, r *http.Request, src source) ([]byte, alert.Post, error) {
	if src.admit != nil {
		if err := src.admit(r); err != nil {
			return nil, alert.Post{}, err
		}
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(src.media, media) || r.Header.Get("Content-Encoding") != "" {
		return nil, alert.Post{}, &refusal{
			status: http.StatusUnsupportedMediaType,
			reason: "the Content-Type must be " + strings.Join(src.media, " or ") + ", without a Content-Encoding",
		}
	}
	release := func() {}
	defer func() { release() }()
	raw, err := in.body(w, r, src.admit != nil, &release)
	if err != nil {
		return nil, alert.Post{}, err
	}
	post, err := src.read(r.Context(), r, raw, in.now().UTC())
	return raw, post, err
}

// body reads at most alert.MaxBytes. A body that declares itself larger is not read at all. Release is set if the body
// holds a token of in.large.
func (in *intake) body(w http.ResponseWriter, r *http.Request, proved bool, release *func()) ([]byte, error) {
	tooLarge := &refusal{status: http.StatusRequestEntityTooLarge, reason: fmt.Sprintf("the body is larger than %d bytes", alert.MaxBytes)}
	if r.ContentLength > alert.MaxBytes {
		w.Header().Set("Connection", "close")
		return nil, tooLarge
	}
	limited := http.MaxBytesReader(w, r.Body, alert.MaxBytes)
	var b bytes.Buffer
	n, err := io.CopyN(&b, limited, smallBody)
	if n == smallBody && err == nil {
		if !proved {
			select {
			case in.large <- struct{}{}:
				*release = func() { <-in.large }
			default:
				w.Header().Set("Connection", "close")
				return nil, &refusal{status: http.StatusServiceUnavailable, reason: "too many large posts are being read at this moment: send it again"}
			}
		}
		_, err = b.ReadFrom(limited)
	}
	var over *http.MaxBytesError
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return b.Bytes(), nil
	case errors.As(err, &over):
		return nil, tooLarge
	}
	w.Header().Set("Connection", "close")
	return nil, &refusal{status: http.StatusRequestTimeout, reason: "the body did not arrive in time or not as a whole", cause: err}
}

// refuse answers a post of which no alert was delivered.
func (in *intake) refuse(w http.ResponseWriter, r *http.Request, src source, err error, rawSHA256 string) {
	refused := &refusal{status: http.StatusBadRequest, reason: err.Error()}
	errors.As(err, &refused)
	switch refused.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="alerts"`)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	attributes := []any{"source", src.name, "status", refused.status, "error", refused.reason, "raw_sha256", rawSHA256, "remote", r.RemoteAddr}
	if refused.cause != nil {
		attributes = append(attributes, "cause", refused.cause)
	}
	in.log.Warn("alert post refused", attributes...)
	writeJSON(w, refused.status, answer{Error: refused.reason})
}
