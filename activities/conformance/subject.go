package conformance

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities"
	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Subject is one action on one target in a world of its own.
type Subject struct {
	Action    activities.Action
	Operation *playbooks.Operation
	// Provider stands between the adapter and its server. Its client gives a request so little time that a silent
	// provider ends a stage within Patience.
	Provider *Provider
	// Patience bounds a stage; ten seconds if it is zero.
	Patience time.Duration
	// State is everything that the action may change, as the server holds it: undo must bring it back byte for byte.
	State func(*testing.T) string
	// Secrets are the credentials in the adapter's requests. None may be in an error, a capture, an effect or a proof.
	Secrets []string

	// Change changes the target as another person would between capture and act, or after the act; the action must then
	// refuse with the code Refusal (TargetChanged if empty). Nil with a reason in WhyNoChange if acting is right all the same.
	Change      func(*testing.T)
	Refusal     failure.Code
	WhyNoChange string
	// ChangeAfter is Change for after the act, which Undo must refuse. Nil with a reason in WhyNoChangeAfter.
	ChangeAfter      func(*testing.T)
	RefusalAfter     failure.Code
	WhyNoChangeAfter string
	// Hollow makes the effect not take hold although the server says that it did. Verify must then not call it proved.
	Hollow func(*testing.T)
	// Remains is why undo does not restore the state byte for byte, e.g. what was revoked stays revoked. Undone then checks
	// what it did restore.
	Remains string
	Undone  func(*testing.T)
	// Observes is true if even a provider that is down leaves Verify another path, so that it may prove all the same.
	Observes bool
	// Absent removes the target from the server; the action must then fail for good. Nil if that cannot be.
	Absent func(*testing.T)
}

func (s *Subject) context(t *testing.T) context.Context {
	t.Helper()
	patience := s.Patience
	if patience == 0 {
		patience = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// capture runs the first stage and carries its result through JSON, as history does.
func (s *Subject) capture(t *testing.T) {
	t.Helper()
	c, err := s.Action.Capture(s.context(t), s.Operation)
	s.clean(t, c, err)
	require.NoError(t, err)
	s.Operation.Capture = through(t, c)
}

func (s *Subject) do(t *testing.T) *incident.Effect {
	t.Helper()
	e, err := s.Action.Do(s.context(t), s.Operation)
	s.clean(t, e, err)
	require.NoError(t, err)
	before := s.Operation.Effect
	s.Operation.Effect = through(t, e)
	s.Operation.Effect.Changed = e.Changed || before != nil && before.Changed
	return e
}

func (s *Subject) verify(t *testing.T) (*incident.Proof, error) {
	t.Helper()
	p, err := s.Action.Verify(s.context(t), s.Operation)
	s.clean(t, p, err)
	return p, err
}

func (s *Subject) undo(t *testing.T) (*incident.Effect, error) {
	t.Helper()
	e, err := s.Action.Undo(s.context(t), s.Operation)
	s.clean(t, e, err)
	return e, err
}

func through[T any](t *testing.T, v *T) *T {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	out := new(T)
	require.NoError(t, json.Unmarshal(text, out))
	return out
}

// clean fails the test if a secret is in what a stage returns.
func (s *Subject) clean(t *testing.T, result any, err error) {
	t.Helper()
	text, encoding := json.Marshal(result)
	require.NoError(t, encoding)
	for _, secret := range s.Secrets {
		require.NotContains(t, string(text), secret, "a secret is in the result")
		if err != nil {
			require.NotContains(t, err.Error(), secret, "a secret is in the error")
		}
	}
}
