package serving

import (
	"context"
	"time"

	"firebreak/activities/failure"
	"firebreak/playbooks"
)

// Patience says how long the proofs wait for platforms. Zero values mean the defaults.
type Patience struct {
	// Poll is the time between two looks at an endpoint that is on its way (150 ms).
	Poll time.Duration
	// Stop is how long a disabled endpoint may take until it refuses (20 s).
	Stop time.Duration
	// Start is how long an enabled endpoint may take until it answers (one minute).
	Start time.Duration
}

const (
	defaultPoll  = 150 * time.Millisecond
	defaultStop  = 20 * time.Second
	defaultStart = time.Minute
)

// Setup is what the actions work with.
type Setup struct {
	Platforms Platforms
	// Outside is a *probe.Client.
	Outside  outside
	Patience Patience
}

// base is what the actions share.
type base struct{ Setup }

func newBase(s Setup) *base {
	for d, other := range map[*time.Duration]time.Duration{&s.Patience.Poll: defaultPoll, &s.Patience.Stop: defaultStop, &s.Patience.Start: defaultStart} {
		if *d == 0 {
			*d = other
		}
	}
	return &base{s}
}

// begin returns what every stage after Capture needs.
func (b *base) begin(op *playbooks.Operation) (Control, *Saved, error) {
	c, err := b.Platforms.Of(op)
	if err != nil {
		return nil, nil, err
	}
	before, err := ReadSaved(op)
	return c, before, err
}

// heldByAnother returns the incident that holds the endpoint, if it is not the operation's.
func heldByAnother(s State, op *playbooks.Operation) string {
	if s.Holder != op.IncidentID {
		return s.Holder
	}
	return ""
}

// probes returns the parameters of a proof.
func probes(op *playbooks.Operation) (int, time.Duration, error) {
	n, err := op.Integer("probes")
	if err != nil {
		return 0, 0, failure.New(failure.Invalid, "%w", err)
	}
	interval, err := op.Duration("interval")
	if err != nil {
		return 0, 0, failure.New(failure.Invalid, "%w", err)
	}
	return n, interval, nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
