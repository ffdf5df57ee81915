package workload_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/conformance"
	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/activities/serving/workload"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

const noReason = "a changed model is no reason to leave it running"

func TestIsolateConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		w := newWorld(t)
		s := w.subject("endpoint.disable") // isolate is what endpoint.disable does here
		s.Action = serving.NewDisable(w.setup)
		s.WhyNoChange = noReason
		s.ChangeAfter, s.RefusalAfter = func(*testing.T) { w.holds(policy) }, failure.Refused
		s.Hollow = func(*testing.T) { w.stubborn.Store(true) }
		return s
	})
}

// stopping is endpoint.disable on a platform that only stops, so that the kit runs the other mode.
type stopping struct{ *workload.Control }

func (stopping) Modes(*inventory.Endpoint) []serving.Mode { return []serving.Mode{serving.Stop} }

func TestStopConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		w := newWorld(t)
		s := w.subject("endpoint.disable")
		setup := w.setup
		setup.Platforms = serving.Platforms{"k8s": stopping{w.setup.Platforms["k8s"].(*workload.Control)}}
		s.Action = serving.NewDisable(setup)
		s.WhyNoChange = noReason
		s.ChangeAfter, s.RefusalAfter = func(*testing.T) { w.holds(deployment) }, failure.Refused
		s.Hollow = func(*testing.T) { w.stubborn.Store(true) }
		return s
	})
}

func TestEnableConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		w := newWorld(t)
		disable, op := serving.NewDisable(w.setup), w.operation("endpoint.disable")
		var err error
		op.Capture, err = disable.Capture(t.Context(), op)
		require.NoError(t, err)
		_, err = disable.Do(t.Context(), op)
		require.NoError(t, err)
		w.pointAt(suspectURI, goodURI)
		s := w.subject("endpoint.enable")
		s.Provider.Forget()
		s.Action = serving.NewEnable(w.setup)
		s.Change = func(*testing.T) { w.pointAt(goodURI, suspectURI) }
		s.WhyNoChangeAfter = "shutting again is always right"
		s.Hollow = func(*testing.T) { w.stale.Store(true) }
		return s
	})
}

// pointing is the part of a rollback that is the platform's: package registry hashes the bytes besides.
type pointing struct {
	c *workload.Control
}

func (p pointing) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	var s serving.Saved
	var err error
	if s.State, s.Platform, err = p.c.Capture(ctx, op); err != nil {
		return nil, err
	}
	return s.Record("Deployment")
}

func (p pointing) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	before, err := serving.ReadSaved(op)
	if err != nil {
		return nil, err
	}
	change, err := p.c.Load(ctx, op, before, goodURI, func(s serving.State) error {
		if s.Loads != before.Loads {
			return failure.New(failure.TargetChanged, "it points at %s", s.Loads)
		}
		return nil
	})
	return &incident.Effect{Summary: change.Did, Changed: change.Changed}, err
}

func (p pointing) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	s, err := p.c.Observe(ctx, op)
	return &incident.Proof{Proved: s.Loads == goodURI, Method: "it loads " + s.Loads}, err
}

func (p pointing) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	before, err := serving.ReadSaved(op)
	if err != nil {
		return nil, err
	}
	change, err := p.c.Restore(ctx, op, before, serving.Model, func(s serving.State) error {
		if s.Loads != goodURI && s.Loads != before.Loads {
			return failure.New(failure.TargetChanged, "it points at %s", s.Loads)
		}
		return nil
	})
	return &incident.Effect{Summary: "it loads what it loaded", Changed: change.Changed}, err
}

func TestLoadConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		w := newWorld(t)
		s := w.subject("checkpoint.rollback")
		s.Action = pointing{w.setup.Platforms["k8s"].(*workload.Control)}
		s.Observes = false
		s.Change = func(*testing.T) { w.pointAt(suspectURI, "s3://registry/credit/18/") }
		s.ChangeAfter = func(*testing.T) { w.pointAt(goodURI, "s3://registry/credit/18/") }
		s.Hollow = func(*testing.T) { w.kube.AfterEachChange(func() { w.pointAt(goodURI, suspectURI) }) }
		return s
	})
}
