package serving

import (
	"context"
	"fmt"
	"strings"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Enable is the action endpoint.enable: it puts an endpoint back into service once it loads its known-good checkpoint.
type Enable struct{ *base }

// NewEnable returns the action.
func NewEnable(s Setup) *Enable { return &Enable{newBase(s)} }

// recoverable returns what a recovery needs, and refuses a target whose recovery could not be proved.
func (b *base) recoverable(op *playbooks.Operation) (c Control, address string, err error) {
	c, err = b.Platforms.Of(op)
	if err != nil {
		return nil, "", err
	}
	if _, address, err = knownGood(c, op); err != nil {
		return nil, "", err
	}
	if op.Target.Endpoint.Probe.ExpectDigestHeader == "" {
		return nil, "", failure.New(failure.Unsupported, "%s: the inventory names no expect_digest_header for endpoint %s, so nothing can prove what it serves", op.Action, op.Target.ID)
	}
	return c, address, nil
}

// onlyGood is the check of a recovery: it refuses an endpoint that loads anything but the known-good checkpoint, and one
// that another incident holds.
func onlyGood(op *playbooks.Operation, address string) Check {
	return func(s State) error {
		if s.Loads != address {
			return failure.New(failure.TargetChanged, "%s: %s points at %s, not at the known-good %s; it stays contained until it is rolled back", op.Action, op.Target.ID, s.Loads, address)
		}
		if holder := heldByAnother(s, op); holder != "" {
			return failure.New(failure.Refused, "%s: incident %s holds %s", op.Action, holder, op.Target.ID)
		}
		return nil
	}
}

// Capture saves the platform's state and whether the endpoint answers.
func (e *Enable) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	c, _, err := e.recoverable(op)
	if err != nil {
		return nil, err
	}
	return e.capture(ctx, c, op, "")
}

// Do puts the endpoint back into service.
func (e *Enable) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	c, address, err := e.recoverable(op)
	if err != nil {
		return nil, err
	}
	before, err := ReadSaved(op)
	if err != nil {
		return nil, err
	}
	change, err := c.Enable(ctx, op, before, onlyGood(op, address))
	if err != nil {
		return nil, err
	}
	effect := &incident.Effect{Summary: change.Did + "; it loads " + address, Changed: change.Changed, At: time.Now().UTC()}
	if !change.Changed {
		effect.Summary = change.Did + " by this operation before"
	}
	return effect, nil
}

// Verify waits at most a minute until the endpoint answers, and then asks that every call from outside is answered with
// the digest of the known-good checkpoint.
func (e *Enable) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	if _, _, err := e.recoverable(op); err != nil {
		return nil, err
	}
	n, interval, err := probes(op)
	if err != nil {
		return nil, err
	}
	digest := op.Target.KnownGood.RootDigest
	counts, err := e.untilAnswered(ctx, op.Target.Endpoint, n, interval, digest)
	if err != nil {
		return nil, err
	}
	proof := &incident.Proof{Facts: countFacts(counts), At: time.Now().UTC()}
	proof.Facts[incident.FactDigest] = strings.Join(counts.Digests, ", ")
	switch {
	case counts.AllAnswered(n, digest):
		proof.Proved = true
		proof.Method = fmt.Sprintf("GET probe from outside, %d of %d answered with %s", counts.Answered, counts.Tries, digest)
	case stranger(counts, digest):
		proof.Method = fmt.Sprintf("GET probe from outside, answered with %s instead of the known-good %s", others(counts.Digests, digest), digest)
	default:
		proof.Method = fmt.Sprintf("GET probe from outside, answered only %d of %d", counts.Answered, counts.Tries)
	}
	return proof, nil
}

func others(digests []string, wanted string) string {
	var out []string
	for _, d := range digests {
		if d != wanted {
			out = append(out, digestName(d))
		}
	}
	return strings.Join(out, " and ")
}

// Undo takes the endpoint out of service again and proves that it refuses.
func (e *Enable) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	return e.contain(ctx, op)
}

// contain undoes a recovery: whatever was captured, the endpoint ends contained, and never serves what it served before.
func (b *base) contain(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	c, before, err := b.begin(op)
	if err != nil {
		return nil, err
	}
	n, interval, err := probes(op)
	if err != nil {
		return nil, err
	}
	change, err := c.Restore(ctx, op, before, Contained, func(State) error { return nil })
	if err != nil {
		return nil, err
	}
	seen, err := b.untilRefused(ctx, c, op, n, interval, false)
	if err != nil {
		return nil, err
	}
	if !seen.AllRefused(n) {
		return nil, fmt.Errorf("undo %s of %s: it still answers, %d of %d calls from outside", op.Action, op.Target.ID, seen.Answered, seen.Tries)
	}
	summary := fmt.Sprintf("out of service again (%s); %d of %d calls from outside refused", change.Did, seen.Refused, seen.Tries)
	return &incident.Effect{Summary: summary, Changed: change.Changed, At: time.Now().UTC()}, nil
}
