package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// action is what the actions on credentials share: each stage finds what deals with the target's kind and says in its
// errors what it was about.
type action struct {
	of               func(*playbooks.Operation) (credential, error)
	do, verify, undo string
}

// Capture records what Undo needs and issues a canary for Verify. It refuses protected credentials. Run twice, it issues
// two canaries; the act takes both.
func (a action) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	c, err := a.unprotected(op)
	if err != nil {
		return nil, err
	}
	summary, state, err := c.capture(ctx)
	if err != nil {
		return nil, fmt.Errorf("capture credential %s: %w", op.Target.ID, err)
	}
	encoded, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("encode state of credential %s: %w", op.Target.ID, err)
	}
	return &incident.Capture{Summary: summary, State: encoded, At: time.Now().UTC()}, nil
}

// Do acts. Changed is false if there was nothing left to do.
func (a action) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	c, err := a.unprotected(op)
	if err != nil {
		return nil, err
	}
	effect, err := c.do(ctx, captured(op))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", a.do, op.Target.ID, err)
	}
	effect.At = time.Now().UTC()
	return effect, nil
}

// Verify reads back what Do should have changed and uses the canary. The proof holds only if every finding does.
func (a action) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	c, err := a.of(op)
	if err != nil {
		return nil, err
	}
	found, err := c.verify(ctx, past{state: captured(op), effect: op.Effect})
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", a.verify, op.Target.ID, err)
	}
	return found.proof(), nil
}

// Undo restores what Capture saved, as far as it can be.
func (a action) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	c, err := a.of(op)
	if err != nil {
		return nil, err
	}
	effect, err := c.undo(ctx, captured(op))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", a.undo, op.Target.ID, err)
	}
	effect.At = time.Now().UTC()
	return effect, nil
}

func captured(op *playbooks.Operation) json.RawMessage {
	if op.Capture == nil {
		return nil
	}
	return op.Capture.State
}

// unprotected is of for the stages that lead to an act, which a protected credential never sees (V11).
func (a action) unprotected(op *playbooks.Operation) (credential, error) {
	if t := op.Target.Credential; t != nil && t.Protected {
		return nil, failure.New(failure.Refused, "credential %s is protected: it is firebreak's own or for emergencies, and is never revoked by a playbook", t.ID)
	}
	return a.of(op)
}

// decode reads a state that capture made.
func decode[S any](raw json.RawMessage) (S, error) {
	var s S
	if len(raw) == 0 {
		return s, failure.New(failure.Invalid, "the prior state was not captured")
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, failure.New(failure.Invalid, "decode the captured state: %w", err)
	}
	return s, nil
}
