package slackui

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"firebreak/internal/incident"
)

// Ref is what a button's value and a modal's private_metadata carry: what the click is about. It is a reference only. Who
// clicked comes from Slack, and whether they may is the incident's to decide.
type Ref struct {
	Incident string `json:"i"`
	// Opened is when the incident was opened, in Unix milliseconds: a button of a closed incident must not act on the next
	// one with the same id.
	Opened int64 `json:"t,omitempty"`
	// Step and Target are what is decided, done or skipped. Plan is the digest of the plan that was shown.
	Step   string `json:"s,omitempty"`
	Target string `json:"g,omitempty"`
	Plan   string `json:"p,omitempty"`
	// Outcome is what a task came to.
	Outcome string `json:"o,omitempty"`
	// Verb is what a modal was opened for. Channel and Thread are where it was, so that the answer can go there.
	Verb    Verb   `json:"v,omitempty"`
	Channel string `json:"c,omitempty"`
	Thread  string `json:"r,omitempty"`
}

// refPrefix is the version of the encoding.
const refPrefix = "1."

// maxRef is what Slack takes as a button's value.
const maxRef = 2000

// ErrRef is why a value is not a reference. It never repeats the value.
var ErrRef = errors.New("the button's value is not one of firebreak's")

// RefOf refers to an incident.
func RefOf(rec *incident.Record) Ref { return RefTo(rec.ID, rec.OpenedAt) }

// RefTo refers to the run of an incident that was opened at a time.
func RefTo(id string, opened time.Time) Ref {
	return Ref{Incident: id, Opened: milliseconds(opened)}
}

// Of reports whether the reference was made for this run of the incident. A reference that names no time is of any run.
func (r Ref) Of(rec *incident.Record) bool {
	return r.Incident == rec.ID && (r.Opened == 0 || r.Opened == milliseconds(rec.OpenedAt))
}

// Encode returns the reference as text, or an error if it does not fit into a button or names nothing that can be read
// again.
func (r Ref) Encode() (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("encode reference: %w", err)
	}
	value := refPrefix + base64.RawURLEncoding.EncodeToString(raw)
	if len(value) > maxRef {
		return "", fmt.Errorf("encode reference: %d bytes do not fit into a button, which takes %d", len(value), maxRef)
	}
	return value, nil
}

// ParseRef reads a reference. It takes exactly what Encode makes, and nothing else.
func ParseRef(value string) (Ref, error) {
	encoded, ok := strings.CutPrefix(value, refPrefix)
	if !ok || len(value) > maxRef {
		return Ref{}, ErrRef
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return Ref{}, ErrRef
	}
	var r Ref
	if json.Unmarshal(raw, &r) != nil {
		return Ref{}, ErrRef
	}
	// There is one spelling: unknown keys, other orders, spaces and repetitions do not survive being encoded again.
	if again, err := r.Encode(); err != nil || again != value {
		return Ref{}, ErrRef
	}
	return r, nil
}

var (
	planDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	slackID    = regexp.MustCompile(`^[A-Z0-9]{2,30}$`)
	slackTS    = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{1,9}$`)
)

func (r Ref) check() error {
	for _, part := range []string{r.Incident, r.Step, r.Target, r.Outcome} {
		if !utf8.ValidString(part) || strings.ContainsFunc(part, unicode.IsControl) {
			return fmt.Errorf("encode reference: %q is not an id", part)
		}
	}
	switch {
	case !incident.IsWorkflowID(r.Incident):
		return fmt.Errorf("encode reference: %q is not the id of an incident", r.Incident)
	case r.Opened < 0:
		return errors.New("encode reference: the incident was opened before 1970")
	case r.Plan != "" && !planDigest.MatchString(r.Plan):
		return fmt.Errorf("encode reference: %q is not the digest of a plan", r.Plan)
	case r.Verb != "" && !r.Verb.known():
		return fmt.Errorf("encode reference: %q is nothing that a modal is opened for", r.Verb)
	case r.Channel != "" && !slackID.MatchString(r.Channel), r.Thread != "" && !slackTS.MatchString(r.Thread):
		return errors.New("encode reference: the place is not one of Slack's")
	}
	return nil
}

// milliseconds is 0 for a time that is not set.
func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(t.UnixMilli(), 0)
}
