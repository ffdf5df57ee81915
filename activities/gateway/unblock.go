package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Unblock is the action consumer.unblock: the way down from rung L3. It takes back what consumer.block did in the same
// incident, and nothing else: a key that was blocked before stays blocked.
type Unblock struct{ *Consumers }

// NewUnblock returns the action.
func NewUnblock(c *Consumers) *Unblock { return &Unblock{c} }

// Capture saves what the gateway says of the key now.
func (u *Unblock) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	s, err := u.session(ctx, op)
	if err != nil {
		return nil, err
	}
	return s.present(ctx)
}

// Do lets the key and its canary in again.
func (u *Unblock) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	s, st, err := u.down(ctx, op)
	if err != nil {
		return nil, err
	}
	if st == nil || st.Key.blocked() {
		return nothing(st, "the key was blocked before this incident and stays so"), nil
	}
	return s.turn(ctx, *st, false, "let in again at the gateway")
}

// turn blocks the key and its canary, or lets both in.
func (s *session) turn(ctx context.Context, st state, blocked bool, summary string) (*incident.Effect, error) {
	put := func() (bool, error) { return s.unset(ctx, st.Key) }
	if blocked {
		put = func() (bool, error) { return s.setBlocked(ctx, s.consumer.KeyHash, true) }
	}
	changed, err := put()
	if errors.Is(err, errNoKey) {
		return nil, failure.New(failure.TargetChanged, "%s on %s: the key was removed from gateway %s", s.op.Action, s.op.Target.ID, s.consumer.Gateway.ID)
	}
	if err != nil {
		return nil, err
	}
	if err := s.canaryBlocked(ctx, st.Canary, blocked); err != nil {
		return nil, err
	}
	return &incident.Effect{Summary: summary, Changed: changed, At: time.Now().UTC()}, nil
}

// Verify uses the canary on every instance once every cache is over.
func (u *Unblock) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	s, st, err := u.down(ctx, op)
	if err != nil {
		return nil, err
	}
	found := newFindings()
	if st == nil || st.Key.blocked() {
		found.say("nothing of this incident blocks the key")
		return found.proof(), nil
	}
	k, err := s.info(ctx)
	if err != nil {
		return nil, err
	}
	found.check("control", !k.blocked(), "the gateway says that it is not blocked", "the gateway says that it is blocked")
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	if st.Canary.Hash == "" {
		found.say("that it is served was not observed: " + st.Canary.Gap)
		return found.proof(), nil
	}
	if err := s.everywhere(ctx, st.Canary, Served, found); err != nil {
		return nil, err
	}
	return found.proof(), nil
}

// Undo blocks the key and the canary again.
func (u *Unblock) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	s, st, err := u.down(ctx, op)
	if err != nil {
		return nil, err
	}
	if st == nil || st.Key.blocked() {
		return nothing(st, "the key stays blocked, as it was before this incident"), nil
	}
	return s.turn(ctx, *st, true, "blocked again at the gateway")
}

// present captures what the gateway says now, without keys of firebreak's own: those of the earlier act are used.
func (s *session) present(ctx context.Context) (*incident.Capture, error) {
	k, err := s.info(ctx)
	if err != nil {
		return nil, err
	}
	return s.encode(state{Key: k}, fmt.Sprintf("key %s: %s, blocked %t", incident.ShortKey(s.consumer.KeyHash), k.limits(), k.blocked()))
}

// down is the session of a step down the ladder, with what the step up captured; nil if that did nothing to the consumer.
func (c *Consumers) down(ctx context.Context, op *playbooks.Operation) (*session, *state, error) {
	s, err := c.session(ctx, op)
	if err != nil {
		return nil, nil, err
	}
	if _, err := read(op, op.Capture); err != nil {
		return nil, nil, err
	}
	if op.Superseded == nil || op.Superseded.Effect == nil {
		return s, nil, nil
	}
	st, err := read(op, op.Superseded.Capture)
	if err != nil {
		return nil, nil, err
	}
	return s, &st, nil
}

// nothing is the effect of a step down where there is nothing to take back.
func nothing(st *state, otherwise string) *incident.Effect {
	if st == nil {
		otherwise = "nothing was done to the key in this incident, so that there is nothing to take back"
	}
	return &incident.Effect{Summary: otherwise, At: time.Now().UTC()}
}
