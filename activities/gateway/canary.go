package gateway

import (
	"context"
	"errors"
	"fmt"

	"firebreak/activities/failure"
)

// canary is a key that Capture issued only so that Verify can use it.
type canary struct {
	// Sealed is transit ciphertext of the key; Hash is what the gateway calls it.
	Sealed string `json:"sealed,omitempty"`
	Hash   string `json:"hash,omitempty"`
	// Worked is true if every instance served it before the act, so that every instance knew it from then on.
	Worked bool `json:"worked"`
	// Gap says why there is none, or where it was not served.
	Gap string `json:"gap,omitempty"`
}

func (c canary) describe() string {
	switch {
	case c.Worked:
		return "a canary is served by every instance"
	case c.Hash != "":
		return "a canary was issued, and is not served: " + c.Gap
	}
	return "no canary: " + c.Gap
}

// issue makes a key of firebreak's own. A try that was cut short may have left one of the same name, whose secret is lost: it
// is removed first. That the gateway issues none must not stand in the way of the act: why is recorded. A Vault that cannot
// seal is an error, because a key may not be recorded as it is.
func (s *session) issue(ctx context.Context, role string) (canary, error) {
	name := s.name(role)
	key, hash, err := s.control.Issue(ctx, name, s.models(), s.actor)
	if err != nil && ctx.Err() == nil && s.control.WithdrawNamed(ctx, name, s.actor) == nil {
		key, hash, err = s.control.Issue(ctx, name, s.models(), s.actor)
	}
	if ctx.Err() != nil {
		return canary{}, ctx.Err()
	}
	if err != nil {
		return canary{Gap: err.Error()}, nil
	}
	sealed, err := s.sealer.Seal(ctx, key)
	if err != nil {
		// The next try removes it if this does not.
		if left := s.control.Withdraw(ctx, hash, s.actor); left != nil {
			return canary{}, fmt.Errorf("seal canary: %w; it is left as %s: %w", err, hash, left)
		}
		return canary{}, fmt.Errorf("seal canary: %w", err)
	}
	return canary{Sealed: sealed, Hash: hash}, nil
}

// models are what the canary may call: the route, and the one that its answers are stripped by.
func (s *session) models() []string {
	out := []string{s.consumer.Route}
	if stripped := s.consumer.Gateway.Stripped[s.consumer.Route]; stripped != "" {
		out = append(out, stripped)
	}
	return out
}

// open returns the key of a canary.
func (s *session) open(ctx context.Context, c canary) (string, error) {
	if c.Sealed == "" {
		return "", errors.New("there is no canary: " + c.Gap)
	}
	var key string
	if err := s.sealer.Open(ctx, c.Sealed, &key); err != nil {
		return "", fmt.Errorf("open canary: %w", err)
	}
	return key, nil
}

// warm uses the canary and the bystander on every instance, so that each instance knows them, and measures how the bystander
// is served.
func (s *session) warm(ctx context.Context, st *state) (service, error) {
	for _, instance := range s.consumer.Gateway.Instances() {
		if st.Canary.Hash == "" {
			break
		}
		key, err := s.open(ctx, st.Canary)
		if err != nil {
			return service{}, err
		}
		a, err := s.control.Call(ctx, instance, key, s.consumer.Route)
		switch {
		case ctx.Err() != nil:
			return service{}, ctx.Err()
		case err != nil:
			st.Canary.Gap = err.Error()
		case a.Outcome != Served:
			st.Canary.Gap = fmt.Sprintf("%s on %s: %s", a.Outcome, hostOf(instance), a.How)
		}
	}
	st.Canary.Worked = st.Canary.Hash != "" && st.Canary.Gap == ""
	return s.serve(ctx, st.Bystander)
}

// withdraw removes the keys of firebreak's own. What is left ends by itself.
func (s *session) withdraw(ctx context.Context, st state) error {
	for _, c := range []canary{st.Canary, st.Bystander} {
		if c.Hash == "" {
			continue
		}
		if err := s.control.Withdraw(ctx, c.Hash, s.actor); err != nil {
			return fmt.Errorf("withdraw canary: %w", err)
		}
	}
	return nil
}

// everywhere uses the canary as often as the step asks for on each instance and finds whether each call came out as wanted.
func (s *session) everywhere(ctx context.Context, c canary, want Outcome, found *findings) error {
	n, err := s.op.Integer("probes")
	if err != nil {
		return failure.New(failure.Invalid, "%w", err)
	}
	interval, err := s.op.Duration("interval")
	if err != nil {
		return failure.New(failure.Invalid, "%w", err)
	}
	key, err := s.open(ctx, c)
	if err != nil {
		return err
	}
	instances := s.consumer.Gateway.Instances()
	good, other := 0, ""
	for i := range n {
		if i > 0 {
			if err := wait(ctx, interval); err != nil {
				return err
			}
		}
		for _, instance := range instances {
			a, err := s.control.Call(ctx, instance, key, s.consumer.Route)
			if err != nil {
				return err
			}
			if a.Outcome == want {
				good++
				continue
			}
			other = fmt.Sprintf("%s by %s (%s)", a.Outcome, hostOf(instance), a.How)
		}
	}
	before := ", which every instance served before,"
	if !c.Worked {
		before = ", which was not seen to be served before (" + c.Gap + "),"
	}
	total := n * len(instances)
	found.facts["canary"] = fmt.Sprintf("%d of %d %s", good, total, want)
	found.check("canary", good == total, fmt.Sprintf("a canary%s is %s in %d of %d calls to %d instances", before, want, good, total, len(instances)),
		fmt.Sprintf("the canary is %s, %s in only %d of %d calls to %d instances", other, want, good, total, len(instances)))
	return nil
}
