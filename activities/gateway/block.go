package gateway

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Block is the action consumer.block, rung L3: the gateway refuses the key.
type Block struct{ *Consumers }

// NewBlock returns the action.
func NewBlock(c *Consumers) *Block { return &Block{c} }

// Capture saves what the gateway says of the key and issues the canary.
func (b *Block) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	s, err := b.session(ctx, op)
	if err != nil {
		return nil, err
	}
	return s.capture(ctx)
}

// Do blocks the key and then the canary. A key that is gone since it was captured is no key that was blocked.
func (b *Block) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	s, st, err := b.up(ctx, op)
	if err != nil {
		return nil, err
	}
	changed, err := s.setBlocked(ctx, s.consumer.KeyHash, true)
	if errors.Is(err, errNoKey) {
		return nil, failure.New(failure.TargetChanged, "block %s: the key was removed from gateway %s since it was captured", op.Target.ID, s.consumer.Gateway.ID)
	}
	if err != nil {
		return nil, err
	}
	if err := s.canaryBlocked(ctx, st.Canary, true); err != nil {
		return nil, err
	}
	summary := "blocked at the gateway"
	if !changed {
		summary = "was blocked at the gateway already"
	}
	return &incident.Effect{Summary: summary, Changed: changed, At: time.Now().UTC()}, nil
}

// up is the session of a step up the ladder after its capture.
func (c *Consumers) up(ctx context.Context, op *playbooks.Operation) (*session, state, error) {
	s, err := c.session(ctx, op)
	if err != nil {
		return nil, state{}, err
	}
	st, err := read(op, op.Capture)
	return s, st, err
}

// setBlocked observes first and reports whether it changed anything.
func (s *session) setBlocked(ctx context.Context, hash string, blocked bool) (bool, error) {
	k, err := s.control.Info(ctx, hash)
	if err != nil || k.blocked() == blocked {
		return false, err
	}
	return true, s.control.Block(ctx, hash, blocked, s.actor)
}

// canaryBlocked does to the canary what is done to the consumer. One that somebody removed proves nothing any more, and Verify
// says so.
func (s *session) canaryBlocked(ctx context.Context, c canary, blocked bool) error {
	if c.Hash == "" {
		return nil
	}
	if _, err := s.setBlocked(ctx, c.Hash, blocked); err != nil && !errors.Is(err, errNoKey) {
		return fmt.Errorf("canary: %w", err)
	}
	return nil
}

// Verify uses the blocked canary on every instance once every cache is over, looks for requests of the key itself in the
// gateway's log, and calls with a key outside the cluster.
func (b *Block) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	s, st, err := b.up(ctx, op)
	if err != nil {
		return nil, err
	}
	found := newFindings()
	k, err := s.info(ctx)
	if err != nil {
		return nil, err
	}
	found.check("control", k.blocked(), "the gateway says that it is blocked", "the gateway says that it is not blocked")
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	if err := s.refused(ctx, st, found); err != nil {
		return nil, err
	}
	if err := s.unharmed(ctx, st, found); err != nil {
		return nil, err
	}
	return found.proof(), nil
}

// refused finds whether anybody is still served: the canary, or the key itself by the gateway's log. A canary that an instance
// did not serve before does not show that the instance forgets a key which it did: then the log alone does, in time.
func (s *session) refused(ctx context.Context, st state, found *findings) error {
	inUse := st.Usage.Requests > 0
	if st.Canary.Hash != "" {
		if err := s.everywhere(ctx, st.Canary, Blocked, found); err != nil {
			return err
		}
	} else if !inUse {
		return fmt.Errorf("verify %s: no canary could be issued (%s) and the key was not in use, so that nothing shows whether it is refused", s.op.Target.ID, st.Canary.Gap)
	}
	if !st.Canary.Worked && inUse {
		if err := s.watched(ctx); err != nil {
			return err
		}
	}
	used, err := s.control.Usage(ctx, s.consumer.KeyHash, s.settled())
	if err != nil {
		return err
	}
	found.facts["requests_since"] = strconv.Itoa(used.Requests)
	found.check("log", used.Requests == 0, "no request of the key in the gateway's log since the caches ended "+s.ago(),
		fmt.Sprintf("the key was served %d times after every cache had ended, last at %s", used.Requests, used.Last.Format(time.TimeOnly)))
	return nil
}

// ago says for how long no cache has been in force.
func (s *session) ago() string { return time.Since(s.settled()).Round(time.Second).String() + " ago" }

// unset puts the flag back as it was. Unblocking alone writes false where nothing was ever written.
func (s *session) unset(ctx context.Context, saved Key) (bool, error) {
	changed, err := s.setBlocked(ctx, s.consumer.KeyHash, saved.blocked())
	if err != nil {
		return changed, err
	}
	k, err := s.control.Info(ctx, s.consumer.KeyHash)
	if err != nil || sameJSON(k.flag(), saved.flag()) {
		return changed, err
	}
	return true, s.control.Limit(ctx, s.consumer.KeyHash, Limits{fieldBlocked: saved.flag()}, s.actor)
}

// Undo lets the key in again, unless it was blocked before, and withdraws the canaries.
func (b *Block) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	s, st, err := b.up(ctx, op)
	if err != nil {
		return nil, err
	}
	changed, err := s.unset(ctx, st.Key)
	gone := errors.Is(err, errNoKey)
	if err != nil && !gone {
		return nil, err
	}
	if err := s.withdraw(ctx, st); err != nil {
		return nil, err
	}
	summary := "the gateway serves the key again"
	switch {
	case gone:
		summary = "the key was removed from the gateway meanwhile: there is nothing to restore"
	case st.Key.blocked():
		summary = "the key stays blocked, as it was before"
	}
	return &incident.Effect{Summary: summary, Changed: changed, At: time.Now().UTC()}, nil
}
