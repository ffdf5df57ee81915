package serving

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Disable takes an endpoint out of service. It is the action endpoint.disable, in the mode that comes first on the
// endpoint's platform, and endpoint.isolate.
type Disable struct {
	*base
	mode Mode
}

// NewDisable returns the action endpoint.disable.
func NewDisable(s Setup) *Disable { return &Disable{base: newBase(s)} }

// NewIsolate returns the action endpoint.isolate.
func NewIsolate(s Setup) *Disable { return &Disable{base: newBase(s), mode: Isolate} }

// Capture saves the platform's state and whether the endpoint answers from outside, and with which digest.
func (d *Disable) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	c, err := d.Platforms.Of(op)
	if err != nil {
		return nil, err
	}
	m, err := mode(c, op, d.mode)
	if err != nil {
		return nil, err
	}
	return d.capture(ctx, c, op, m)
}

// Do disables whatever the endpoint serves by now: a changed model is noted and is no reason to leave it running.
func (d *Disable) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	c, before, err := d.begin(op)
	if err != nil {
		return nil, err
	}
	change, err := c.Disable(ctx, op, before, before.Mode, func(State) error { return nil })
	if err != nil {
		return nil, err
	}
	further, err := d.escalate(ctx, c, op, before, change)
	if err != nil {
		return nil, err
	}
	effect := &incident.Effect{Summary: change.Did, Changed: change.Changed, Facts: map[string]string{"mode": string(before.Mode)}, At: time.Now().UTC()}
	if !change.Changed {
		effect.Summary += " by this operation before"
	}
	if further != nil {
		effect.Facts[factEscalated] = string(c.Modes(op.Target.Endpoint)[0])
		effect.Changed = effect.Changed || further.Changed
		effect.Summary += "; it went on answering, so that it is taken out altogether: " + further.Did
	}
	if w := change.Found.Warning; w != "" {
		effect.Facts["warning"] = w
		effect.Summary += "; " + w
	}
	if now := change.Found.Loads; now != before.Loads {
		effect.Facts["loads"] = now
		effect.Summary += "; what it loads changed since it was captured, to " + now
	}
	return effect, nil
}

// factEscalated names the mode in which an endpoint was disabled besides, because its isolation did not hold.
const factEscalated = "escalated"

// escalate disables an endpoint in its platform's first mode if it was isolated before and answers all the same: a network
// that does not enforce policies must not keep a suspect model in service. It returns nil if there is no need.
func (d *Disable) escalate(ctx context.Context, c Control, op *playbooks.Operation, before *Saved, done Change) (*Change, error) {
	first := c.Modes(op.Target.Endpoint)[0]
	if before.Mode != Isolate || first == Isolate || op.Effect == nil {
		return nil, nil
	}
	ours := done.Found.IsOff(first) && done.Found.Operation == op.ID // by a worker that could not say so any more
	if op.Effect.Facts[factEscalated] == "" && !ours {
		answers, err := d.answers(ctx, op, done.Changed)
		if err != nil || !answers {
			return nil, err
		}
	}
	change, err := c.Disable(ctx, op, before, first, func(State) error { return nil })
	return &change, err
}

// answers reports whether an isolated endpoint answers. An isolation of only now, because somebody had undone the one
// before, is given as long to hold as any: stopping ends the pods, and what is in their memory.
func (d *Disable) answers(ctx context.Context, op *playbooks.Operation, now bool) (bool, error) {
	for deadline := time.Now().Add(d.Patience.Stop); ; {
		answer, err := d.Outside.Call(ctx, op.Target.Endpoint.Probe)
		if err != nil || !answer.Answered {
			return false, nil
		}
		if !now || time.Now().After(deadline) {
			return true, nil
		}
		if err := wait(ctx, d.Patience.Poll); err != nil {
			return false, fmt.Errorf("observe %s: %w", op.Target.ID, err)
		}
	}
}

// Verify calls the endpoint from outside until as many calls in a row as the step asks for are refused, for at most 20
// seconds. If the endpoint did not answer before it was disabled either, refusals alone show nothing, and the platform
// must say that it is off too.
func (d *Disable) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	c, before, err := d.begin(op)
	if err != nil {
		return nil, err
	}
	n, interval, err := probes(op)
	if err != nil {
		return nil, err
	}
	needWord := !before.Answered && len(before.Off) == 0
	seen, err := d.untilRefused(ctx, c, op, n, interval, needWord)
	if err != nil {
		return nil, err
	}
	proof := &incident.Proof{Facts: seen.facts(), At: time.Now().UTC()}
	proof.Facts["answered_before"] = strconv.FormatBool(before.Answered)
	switch {
	case !seen.AllRefused(n):
		proof.Method = fmt.Sprintf("GET probe from outside, answered %d of %d", seen.Answered, seen.Tries)
		if by := seen.revertedBy(); by != "" {
			proof.Facts["reverted_by"] = by
			proof.Method += "; the platform's object was put back by " + by + ": pause what applies it (GitOps), or change it there"
		}
	case needWord && !seen.platform.SaysOff:
		return nil, fmt.Errorf("verify %s: it did not answer before it was disabled either (%s), and its platform does not say that it is off; check its probe in the inventory",
			op.Target.ID, before.Reason)
	default:
		proof.Proved = true
		proof.Method = fmt.Sprintf("GET probe from outside, %d of %d refused", seen.Refused, seen.Tries)
	}
	return proof, nil
}

// Undo restores what Capture saved and waits until the endpoint answers again, if it did before. An endpoint that another
// incident holds by now is left as it is.
func (d *Disable) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	c, before, err := d.begin(op)
	if err != nil {
		return nil, err
	}
	if op.Effect != nil && op.Effect.Facts[factEscalated] != "" {
		before.Mode = ""
	}
	change, err := c.Restore(ctx, op, before, Availability, func(s State) error {
		if holder := heldByAnother(s, op); holder != "" {
			return failure.New(failure.Refused, "undo disabling of %s: incident %s holds it now; undo that one first", op.Target.ID, holder)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	effect := &incident.Effect{Summary: c.Describe(op.Target.Endpoint) + " is as it was", Changed: change.Changed}
	if before.InService() {
		counts, err := d.untilAnswered(ctx, op.Target.Endpoint, 1, 0, "")
		if err != nil {
			return nil, err
		}
		if counts.Answered == 0 {
			return nil, fmt.Errorf("undo disabling of %s: it is restored, but it does not answer yet", op.Target.ID)
		}
		effect.Summary += "; it answers again with " + digestName(counts.Digests[0])
	}
	effect.At = time.Now().UTC()
	return effect, nil
}
