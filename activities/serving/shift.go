package serving

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"firebreak/activities/failure"
	"firebreak/activities/probe"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Shift is the action endpoint.shift: one stage of a recovery. It lets a share of the traffic in to the known-good
// checkpoint and refuses the rest. A playbook has one such step a stage and endpoint.enable for the last; a stage that
// cannot be proved is undone, and its undo is containment, never what was served before.
type Shift struct{ *base }

// NewShift returns the action.
func NewShift(s Setup) *Shift { return &Shift{newBase(s)} }

const (
	// factStaged is "false" if the platform cannot split traffic.
	factStaged = "staged"
	// looks is how often a share is measured while it is held, besides the first time.
	looks = 4
	// deviations is how many standard deviations of its share a count may be off.
	deviations = 4
	// unlikely bounds the chance that a share that is let in is not seen at all.
	unlikely = 0.001
)

// share is what a stage asks for.
type share struct {
	percent, probes, maxErrors int
	interval, hold             time.Duration
}

func readShare(op *playbooks.Operation) (share, error) {
	var s share
	var err error
	for name, to := range map[string]*int{"percent": &s.percent, "probes": &s.probes, "max_errors": &s.maxErrors} {
		if *to, err = op.Integer(name); err != nil {
			return s, failure.New(failure.Invalid, "%w", err)
		}
	}
	for name, to := range map[string]*time.Duration{"interval": &s.interval, "hold": &s.hold} {
		if *to, err = op.Duration(name); err != nil {
			return s, failure.New(failure.Invalid, "%w", err)
		}
	}
	if least := s.leastProbes(); s.probes < least {
		return s, failure.New(failure.Invalid, "%s: %d calls cannot show a share of %d %%; set probes to %d or more", op.Action, s.probes, s.percent, least)
	}
	return s, nil
}

// leastProbes is how many calls it takes so that a share is hardly ever missed.
func (s share) leastProbes() int {
	return int(math.Ceil(math.Log(unlikely) / math.Log(1-float64(s.percent)/100)))
}

// bounds are the fewest and the most of n calls that may be answered if each is with the share's chance.
func (s share) bounds(n int) (least, most int) {
	chance := float64(s.percent) / 100
	mean, spread := chance*float64(n), deviations*math.Sqrt(float64(n)*chance*(1-chance))
	return max(1, int(math.Floor(mean-spread))), min(n, int(math.Ceil(mean+spread)))
}

// Capture saves the platform's state and whether the endpoint answers.
func (a *Shift) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	c, _, err := a.recoverable(op)
	if err != nil {
		return nil, err
	}
	if _, err := readShare(op); err != nil {
		return nil, err
	}
	return a.capture(ctx, c, op, "")
}

// Do lets the share in. An endpoint whose platform cannot split traffic is left as it is, and the effect says so:
// endpoint.enable opens it all at once.
func (a *Shift) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	c, address, err := a.recoverable(op)
	if err != nil {
		return nil, err
	}
	before, err := ReadSaved(op)
	if err != nil {
		return nil, err
	}
	want, err := readShare(op)
	if err != nil {
		return nil, err
	}
	effect := &incident.Effect{Facts: map[string]string{factStaged: "true"}}
	err = fmt.Errorf("%w: there is no such control of its platform", ErrNoSplit)
	if splitter, ok := c.(Splitter); ok {
		var change Change
		change, err = splitter.Split(ctx, op, before, want.percent, onlyGood(op, address))
		effect.Summary, effect.Changed = change.Did, change.Changed
	}
	switch {
	case errors.Is(err, ErrNoSplit):
		effect.Facts[factStaged] = "false"
		effect.Summary, effect.Changed = fmt.Sprintf("no stage of %d %%, for %s; endpoint.enable lets all traffic in at once", want.percent, err), false
	case err != nil:
		return nil, err
	}
	effect.At = time.Now().UTC()
	return effect, nil
}

// Verify measures the share from outside, and again and again until it has been held for as long as the step says. The
// share must be answered with the digest of the known-good checkpoint, and the rest refused: one answer with another digest
// fails the stage at once, as do more calls than max_errors per cent that end in neither.
func (a *Shift) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	c, _, err := a.recoverable(op)
	if err != nil {
		return nil, err
	}
	want, err := readShare(op)
	if err != nil {
		return nil, err
	}
	if op.Effect == nil {
		return nil, failure.New(failure.Invalid, "%s on %s: nothing was done", op.Action, op.Target.ID)
	}
	if op.Effect.Facts[factStaged] == "false" {
		return a.stillOff(ctx, c, op)
	}
	proof, err := a.settle(ctx, op, want)
	for err == nil && proof.Proved {
		left := time.Until(op.Effect.At.Add(want.hold))
		if left <= 0 {
			break
		}
		if err := wait(ctx, min(left, want.hold/looks)); err != nil {
			return nil, fmt.Errorf("hold %s: %w", op.Target.ID, err)
		}
		proof, err = a.measure(ctx, op, want)
	}
	if err == nil && proof.Proved && want.hold > 0 {
		proof.Method += fmt.Sprintf("; held for %s", want.hold)
	}
	return proof, err
}

// settle measures until the share has come to pass, or patience ends. A stranger ends it at once.
func (a *Shift) settle(ctx context.Context, op *playbooks.Operation, want share) (*incident.Proof, error) {
	for deadline := time.Now().Add(a.Patience.Start); ; {
		proof, err := a.measure(ctx, op, want)
		if err != nil || proof.Proved || proof.Facts["strangers"] != "" || time.Now().After(deadline) {
			return proof, err
		}
		if err := wait(ctx, a.Patience.Poll); err != nil {
			return nil, fmt.Errorf("observe %s: %w", op.Target.ID, err)
		}
	}
}

func (a *Shift) measure(ctx context.Context, op *playbooks.Operation, want share) (*incident.Proof, error) {
	counts, _ := a.Outside.Repeat(ctx, op.Target.Endpoint.Probe, want.probes, want.interval) // calls that tell nothing are counted
	if ctx.Err() != nil {
		return nil, fmt.Errorf("observe %s: %w", op.Target.ID, ctx.Err())
	}
	return want.judge(counts, op.Target.KnownGood.RootDigest), nil
}

func (s share) judge(c probe.Counts, digest string) *incident.Proof {
	proof := &incident.Proof{Facts: countFacts(c), At: time.Now().UTC()}
	proof.Facts["unknown"] = strconv.Itoa(c.Unknown)
	proof.Facts[incident.FactDigest] = strings.Join(c.Digests, ", ")
	least, most := s.bounds(c.Tries)
	const path = "GET probe from outside, "
	switch {
	case stranger(c, digest):
		proof.Facts["strangers"] = others(c.Digests, digest)
		proof.Method = fmt.Sprintf("%sanswered with %s instead of the known-good %s", path, others(c.Digests, digest), digest)
	case c.Unknown*100 > s.maxErrors*c.Tries:
		proof.Method = fmt.Sprintf("%s%d of %d calls failed, which is more than %d %%", path, c.Unknown, c.Tries, s.maxErrors)
	case c.Answered < least || c.Answered > most:
		proof.Method = fmt.Sprintf("%s%d of %d answered with %s, and a share of %d %% is %d to %d", path, c.Answered, c.Tries, digest, s.percent, least, most)
	default:
		proof.Proved = true
		proof.Method = fmt.Sprintf("%s%d of %d answered with %s, the rest refused: a share of %d %%", path, c.Answered, c.Tries, digest, s.percent)
	}
	return proof
}

// stillOff proves that an endpoint whose traffic cannot be split is still out of service.
func (a *Shift) stillOff(ctx context.Context, c Control, op *playbooks.Operation) (*incident.Proof, error) {
	want, err := readShare(op)
	if err != nil {
		return nil, err
	}
	seen, err := a.untilRefused(ctx, c, op, want.probes, want.interval, false)
	if err != nil {
		return nil, err
	}
	proof := &incident.Proof{Facts: seen.facts(), At: time.Now().UTC()}
	proof.Proved = seen.AllRefused(want.probes)
	proof.Method = fmt.Sprintf("GET probe from outside, %d of %d refused: it is out of service until it is enabled", seen.Refused, seen.Tries)
	return proof, nil
}

// Undo takes the endpoint out of service altogether and proves that it refuses.
func (a *Shift) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	return a.contain(ctx, op)
}
