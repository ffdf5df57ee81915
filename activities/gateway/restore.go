package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Restore is the action consumer.restore: the way down from rung L1. It puts the limits back that consumer.throttle found.
type Restore struct{ *Consumers }

// NewRestore returns the action.
func NewRestore(c *Consumers) *Restore { return &Restore{c} }

// Capture saves what the gateway says of the key now.
func (r *Restore) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	s, err := r.session(ctx, op)
	if err != nil {
		return nil, err
	}
	return s.present(ctx)
}

// set are the limits that throttling set.
func set(op *playbooks.Operation) (Limits, error) {
	var l Limits
	if err := json.Unmarshal(op.Superseded.Effect.State, &l); err != nil {
		return nil, failure.New(failure.Invalid, "%s on %s: read what throttling set: %w", op.Action, op.Target.ID, err)
	}
	return l, nil
}

// Do puts the saved limits back, and takes those of the canary away. Limits that somebody set since are left alone.
func (r *Restore) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	s, st, err := r.down(ctx, op)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return nothing(nil, ""), nil
	}
	throttled, err := set(op)
	if err != nil {
		return nil, err
	}
	changed, err := s.putBack(ctx, *st, throttled)
	if err != nil {
		return nil, err
	}
	if err := s.canaryLimits(ctx, st.Canary, unlimited()); err != nil {
		return nil, err
	}
	return &incident.Effect{Summary: "the limits are as they were: " + st.Key.limits().String(), Changed: changed, At: time.Now().UTC()}, nil
}

// Verify reads the limits back and uses the canary oftener than the cap allowed.
func (r *Restore) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	s, st, err := r.down(ctx, op)
	if err != nil {
		return nil, err
	}
	found := newFindings()
	if st == nil {
		found.say("nothing of this incident limits the key")
		return found.proof(), nil
	}
	k, err := s.info(ctx)
	if err != nil {
		return nil, err
	}
	found.check("control", k.limits().equal(st.Key.limits()), "the gateway says that the limits are as they were", "the gateway says that its limits are "+k.limits().String())
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	if st.Canary.Hash == "" {
		found.say("that it is served was not observed: " + st.Canary.Gap)
		return found.proof(), nil
	}
	if err := s.beyond(ctx, st.Canary, found); err != nil {
		return nil, err
	}
	return found.proof(), nil
}

// beyond uses the canary oftener than it was allowed to, on the instances in turn.
func (s *session) beyond(ctx context.Context, c canary, found *findings) error {
	throttled, err := set(s.op)
	if err != nil {
		return err
	}
	most, err := strconv.Atoi(string(throttled[fieldRequests]))
	if err != nil {
		return failure.New(failure.Invalid, "%s on %s: the cap on requests is no number", s.op.Action, s.op.Target.ID)
	}
	key, err := s.open(ctx, c)
	if err != nil {
		return err
	}
	instances, served := s.consumer.Gateway.Instances(), 0
	calls := max(most+1, len(instances))
	for i := range calls {
		a, err := s.control.Call(ctx, instances[i%len(instances)], key, s.consumer.Route)
		if err != nil {
			return err
		}
		if a.Outcome == Served {
			served++
		}
	}
	found.facts["canary"] = fmt.Sprintf("%d of %d served", served, calls)
	found.check("canary", served == calls, fmt.Sprintf("a canary is served %d times in a row, more than the cap allowed", served),
		fmt.Sprintf("a canary is served only %d of %d times in a row", served, calls))
	return nil
}

// Undo limits the key again.
func (r *Restore) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	s, st, err := r.down(ctx, op)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return nothing(nil, ""), nil
	}
	throttled, err := set(op)
	if err != nil {
		return nil, err
	}
	changed, err := s.replace(ctx, s.consumer.KeyHash, st.Key.limits(), throttled)
	if err != nil {
		return nil, err
	}
	if err := s.canaryLimits(ctx, st.Canary, throttled); err != nil {
		return nil, err
	}
	return &incident.Effect{Summary: fmt.Sprintf("limited again to %s", throttled), Changed: changed, At: time.Now().UTC()}, nil
}
