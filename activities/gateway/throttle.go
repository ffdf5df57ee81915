package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Throttle is the action consumer.throttle, rung L1: the key is slowed down, and its route is led to the one whose answers
// are stripped, where the gateway has one.
type Throttle struct{ *Consumers }

// NewThrottle returns the action.
func NewThrottle(c *Consumers) *Throttle { return &Throttle{c} }

// Capture saves what the gateway says of the key and issues the canary.
func (t *Throttle) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	s, err := t.session(ctx, op)
	if err != nil {
		return nil, err
	}
	return s.capture(ctx)
}

// Do sets the limits of the key and then those of the canary. Limits that somebody changed since they were captured are left
// alone: overwriting them would lose what is to be restored.
func (t *Throttle) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	s, st, err := t.up(ctx, op)
	if err != nil {
		return nil, err
	}
	wanted, err := s.throttled(st.Key.limits())
	if err != nil {
		return nil, err
	}
	changed, err := s.replace(ctx, s.consumer.KeyHash, st.Key.limits(), wanted)
	if err != nil {
		return nil, err
	}
	if err := s.canaryLimits(ctx, st.Canary, wanted); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(wanted)
	if err != nil {
		return nil, fmt.Errorf("encode limits: %w", err)
	}
	effect := &incident.Effect{Summary: "limited to " + wanted.String(), Changed: changed, State: raw, Facts: map[string]string{}, At: time.Now().UTC()}
	if !changed {
		effect.Summary = "was limited already to " + wanted.String()
	}
	if s.consumer.Gateway.Stripped[s.consumer.Route] == "" {
		effect.Facts["outputs"] = "not stripped: gateways[].stripped names no route for " + s.consumer.Route
		effect.Summary += "; outputs are " + effect.Facts["outputs"]
	}
	return effect, nil
}

// Verify observes the rate at which the canary is served on all instances together, what its answers hold, the rate of the
// key itself by the gateway's log, and how a key outside the cluster is served.
func (t *Throttle) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	s, st, err := t.up(ctx, op)
	if err != nil {
		return nil, err
	}
	wanted, err := s.throttled(st.Key.limits())
	if err != nil {
		return nil, err
	}
	found := newFindings()
	k, err := s.info(ctx)
	if err != nil {
		return nil, err
	}
	found.check("control", k.limits().equal(wanted), "the gateway says that the limits are set", "the gateway says that its limits are "+k.limits().String())
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	if err := s.unharmed(ctx, st, found); err != nil {
		return nil, err
	}
	if err := s.slowed(ctx, st, wanted, found); err != nil {
		return nil, err
	}
	return found.proof(), nil
}

// slowed finds whether anybody is served faster than the cap.
func (s *session) slowed(ctx context.Context, st state, wanted Limits, found *findings) error {
	most, err := strconv.Atoi(string(wanted[fieldRequests]))
	if err != nil {
		return failure.New(failure.Invalid, "%s on %s: the cap on requests is no number", s.op.Action, s.op.Target.ID)
	}
	switch {
	case st.Canary.Hash != "":
		if err := s.capped(ctx, st.Canary, most, found); err != nil {
			return err
		}
	case st.Usage.Requests == 0:
		return fmt.Errorf("verify %s: no canary could be issued (%s) and the key was not in use, so that no rate can be observed", s.op.Target.ID, st.Canary.Gap)
	default:
		if err := s.watched(ctx); err != nil {
			return err
		}
	}
	since := s.settled()
	if window := time.Now().Add(-s.window); window.After(since) {
		since = window
	}
	used, err := s.control.Usage(ctx, s.consumer.KeyHash, since)
	if err != nil {
		return err
	}
	found.facts["requests_in_window"] = strconv.Itoa(used.Requests)
	found.check("log", used.Requests <= most, fmt.Sprintf("the gateway's log has %d requests of the key in the last %s", used.Requests, s.window),
		fmt.Sprintf("the key was served %d times within %s; its cap is %d", used.Requests, s.window, most))
	return nil
}

// Undo puts the saved limits back as they were and withdraws the canaries. Limits that somebody set since are left alone. A
// key that was removed meanwhile has none.
func (t *Throttle) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	s, st, err := t.up(ctx, op)
	if err != nil {
		return nil, err
	}
	wanted, err := s.throttled(st.Key.limits())
	if err != nil {
		return nil, err
	}
	summary := "the limits are as they were: " + st.Key.limits().String()
	changed, err := s.putBack(ctx, st, wanted)
	if errors.Is(err, errNoKey) {
		summary, err = "the key was removed from the gateway meanwhile: there is nothing to restore", nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.withdraw(ctx, st); err != nil {
		return nil, err
	}
	return &incident.Effect{Summary: summary, Changed: changed, At: time.Now().UTC()}, nil
}
