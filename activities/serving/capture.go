package serving

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"firebreak/activities/failure"
	"firebreak/activities/probe"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// outside calls endpoints as their users do.
type outside interface {
	Call(context.Context, inventory.Probe) (probe.Answer, error)
	Repeat(context.Context, inventory.Probe, int, time.Duration) (probe.Counts, error)
}

// capture reads the platform and calls the endpoint once. A call that tells nothing is no reason not to contain: it is
// noted, and the proof then asks for more.
func (b *base) capture(ctx context.Context, c Control, op *playbooks.Operation, m Mode) (*incident.Capture, error) {
	s := Saved{Mode: m}
	var err error
	if s.State, s.Platform, err = c.Capture(ctx, op); err != nil {
		return nil, err
	}
	answer, err := b.Outside.Call(ctx, op.Target.Endpoint.Probe)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("capture %s: %w", op.Target.ID, ctx.Err())
	}
	s.Answered, s.Digest, s.Reason = answer.Answered, answer.Digest, answer.Reason
	if err != nil {
		s.Reason = err.Error()
	}
	return s.Record(c.Describe(op.Target.Endpoint))
}

// Record is the capture that history keeps. what names the platform's object.
func (s *Saved) Record(what string) (*incident.Capture, error) {
	state, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode state of %s: %w", what, err)
	}
	return &incident.Capture{Summary: s.summary(what), State: state, At: time.Now().UTC()}, nil
}

func (s *Saved) summary(what string) string {
	text := what
	if s.Loads != "" {
		text += " loads " + s.Loads
	}
	if len(s.Off) > 0 {
		text += "; it is out of service already (" + named(s.Off) + ")"
	}
	switch {
	case s.Answered:
		text += "; it answers from outside with " + digestName(s.Digest)
	case s.Reason != "":
		text += "; it does not answer from outside (" + s.Reason + ")"
	}
	return text
}

// Note is the prior state for a person who must restore it without firebreak.
func (s *Saved) Note() string {
	note := struct {
		State
		Answered bool            `json:"answered"`
		Digest   string          `json:"digest,omitempty"`
		Platform json.RawMessage `json:"platform,omitempty"`
	}{s.State, s.Answered, s.Digest, s.Platform}
	text, err := json.Marshal(note)
	if err != nil {
		return "{}" // Platform came out of JSON, so it goes in again
	}
	return string(text)
}

// InService reports whether the endpoint was meant to answer, and did.
func (s *Saved) InService() bool { return s.Answered && len(s.Off) == 0 }

// IsOff reports whether the endpoint is set to be out of service in the mode; an empty one means any.
func (s *State) IsOff(m Mode) bool {
	return len(s.Off) > 0 && (m == "" || slices.Contains(s.Off, m))
}

// ReadSaved returns the state that Capture saved.
func ReadSaved(op *playbooks.Operation) (*Saved, error) {
	if op.Capture == nil || len(op.Capture.State) == 0 {
		return nil, failure.New(failure.Invalid, "%s on %s: nothing was captured", op.Action, op.Target.ID)
	}
	var s Saved
	if err := json.Unmarshal(op.Capture.State, &s); err != nil {
		return nil, failure.New(failure.Invalid, "%s on %s: read captured state: %w", op.Action, op.Target.ID, err)
	}
	return &s, nil
}

// digestName is a digest for people.
func digestName(digest string) string {
	if digest == "" {
		return "no digest"
	}
	return digest
}
