package serving

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"firebreak/activities/failure"
	"firebreak/activities/probe"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// platform is the part of Kubernetes that acts on InferenceServices.
type platform interface {
	Get(context.Context, inventory.Serving) (*InferenceService, error)
	Patch(context.Context, inventory.Serving, map[string]any) (*InferenceService, error)
}

// outside calls endpoints as their users do.
type outside interface {
	Call(context.Context, inventory.Probe) (probe.Answer, error)
	Repeat(context.Context, inventory.Probe, int, time.Duration) (probe.Counts, error)
}

// prior is what an InferenceService was like before an act.
type prior struct {
	// Stop is the value of StopAnnotation, nil if there was none.
	Stop       *string `json:"stop"`
	StorageURI string  `json:"storage_uri,omitempty"`
	// Answered says whether a call from outside was answered, with Digest; otherwise Reason says how it was refused.
	Answered bool   `json:"answered"`
	Digest   string `json:"digest,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// saved is the state of a Capture. Held are the prior values of firebreak's own annotations, nil for those absent.
type saved struct {
	prior
	ResourceVersion string             `json:"resource_version"`
	Held            map[string]*string `json:"held"`
}

// stopped reports whether the InferenceService was to be stopped already.
func (s *saved) stopped() bool { return s.Stop != nil && strings.EqualFold(*s.Stop, "true") }

// annotations are the values that restore what was saved; nil removes one.
func (s *saved) annotations() map[string]any {
	out := map[string]any{StopAnnotation: value(s.Stop)}
	for _, name := range ownAnnotations() {
		out[name] = value(s.Held[name])
	}
	return out
}

func ownAnnotations() []string {
	return []string{OperationAnnotation, IncidentAnnotation, RestoreAnnotation}
}

func value(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

// capture reads the InferenceService and calls the endpoint once. A call that tells nothing is no reason not to contain:
// it is noted, and the proof then asks for more.
func (c *control) capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	if err := RequireKServe(op); err != nil {
		return nil, err
	}
	e := op.Target.Endpoint
	service, err := c.platform.Get(ctx, e.Serving)
	if err != nil {
		return nil, err
	}
	s := saved{ResourceVersion: service.Metadata.ResourceVersion, Held: map[string]*string{}}
	s.StorageURI = service.StorageURI()
	s.Stop = annotation(service, StopAnnotation)
	for _, name := range ownAnnotations() {
		s.Held[name] = annotation(service, name)
	}
	answer, err := c.outside.Call(ctx, e.Probe)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("capture %s: %w", op.Target.ID, ctx.Err())
	}
	s.Answered, s.Digest, s.Reason = answer.Answered, answer.Digest, answer.Reason
	if err != nil {
		s.Reason = err.Error()
	}
	state, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode state of %s: %w", op.Target.ID, err)
	}
	return &incident.Capture{Summary: s.summary(e), State: state, At: time.Now().UTC()}, nil
}

func (s *saved) summary(e *inventory.Endpoint) string {
	text := fmt.Sprintf("InferenceService %s/%s loads %s; ", e.Serving.Namespace, e.Serving.Name, s.StorageURI)
	if s.stopped() {
		text += "it is stopped already; "
	}
	if s.Answered {
		return text + "it answers from outside with " + named(s.Digest)
	}
	return text + "it does not answer from outside (" + s.Reason + ")"
}

func annotation(service *InferenceService, name string) *string {
	if v, ok := service.Metadata.Annotations[name]; ok {
		return &v
	}
	return nil
}

// readSaved returns the state that Capture saved.
func readSaved(op *playbooks.Operation) (*saved, error) {
	if op.Capture == nil || len(op.Capture.State) == 0 {
		return nil, failure.New(failure.Invalid, "%s on %s: nothing was captured", op.Action, op.Target.ID)
	}
	var s saved
	if err := json.Unmarshal(op.Capture.State, &s); err != nil {
		return nil, failure.New(failure.Invalid, "%s on %s: read captured state: %w", op.Action, op.Target.ID, err)
	}
	return &s, nil
}

// named is a digest for people.
func named(digest string) string {
	if digest == "" {
		return "no digest"
	}
	return digest
}
