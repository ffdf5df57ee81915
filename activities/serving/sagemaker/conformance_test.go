package sagemaker_test

import (
	"context"
	"testing"

	"firebreak/activities/conformance"
	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/activities/serving/sagemaker"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

func shapes() []shape { return []shape{component, variants, parking} }

func TestDisableConforms(t *testing.T) {
	t.Parallel()
	for _, as := range shapes() {
		t.Run(string(as), func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, func(t *testing.T) *conformance.Subject {
				w := newWorld(t, as)
				s := w.subject("endpoint.disable")
				s.Action = serving.NewDisable(w.setup)
				s.WhyNoChange = "a changed model is no reason to leave it running"
				s.ChangeAfter, s.RefusalAfter = w.holds, failure.Refused
				s.Hollow = func(*testing.T) { w.stubborn.Store(true) }
				return s
			})
		})
	}
}

func TestEnableConforms(t *testing.T) {
	t.Parallel()
	for _, as := range shapes() {
		t.Run(string(as), func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, func(t *testing.T) *conformance.Subject {
				w := contained(t, as)
				s := w.subject("endpoint.enable")
				s.Action = serving.NewEnable(w.setup)
				s.Change = func(*testing.T) { w.pointAt("18") }
				s.WhyNoChangeAfter = "shutting again is always right"
				s.Hollow = func(*testing.T) { w.stale.Store(true) }
				return s
			})
		})
	}
}

func TestShiftConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		w := contained(t, variants)
		s := w.subject("endpoint.shift")
		s.Operation.With = stage(25)
		s.Action = serving.NewShift(w.setup)
		s.Change = func(*testing.T) { w.pointAt("18") }
		s.WhyNoChangeAfter = "shutting again is always right"
		s.Hollow = func(*testing.T) { w.stale.Store(true) }
		return s
	})
}

// pointing is the part of a rollback that is the platform's: package registry hashes the bytes besides.
type pointing struct{ c *sagemaker.Control }

func (p pointing) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	var s serving.Saved
	var err error
	if s.State, s.Platform, err = p.c.Capture(ctx, op); err != nil {
		return nil, err
	}
	return s.Record("endpoint")
}

func (p pointing) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	before, err := serving.ReadSaved(op)
	if err != nil {
		return nil, err
	}
	change, err := p.c.Load(ctx, op, before, goodURI, only(before.Loads, goodURI))
	return &incident.Effect{Summary: change.Did, Changed: change.Changed}, err
}

func (p pointing) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	s, err := p.c.Observe(ctx, op)
	return &incident.Proof{Proved: s.Loads == goodURI && s.Pointer == op.ID, Method: "it loads " + s.Loads}, err
}

func (p pointing) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	before, err := serving.ReadSaved(op)
	if err != nil {
		return nil, err
	}
	change, err := p.c.Restore(ctx, op, before, serving.Model, only(before.Loads, goodURI))
	return &incident.Effect{Summary: "it loads what it loaded", Changed: change.Changed}, err
}

func only(loads ...string) serving.Check {
	return func(s serving.State) error {
		for _, l := range loads {
			if s.Loads == l {
				return nil
			}
		}
		return failure.New(failure.TargetChanged, "it loads %s", s.Loads)
	}
}

func TestLoadConforms(t *testing.T) {
	t.Parallel()
	for _, as := range shapes() {
		t.Run(string(as), func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, func(t *testing.T) *conformance.Subject {
				w := newWorld(t, as)
				s := w.subject("checkpoint.rollback")
				s.Action = pointing{w.control}
				s.Observes = false
				s.Change = func(*testing.T) { w.pointAt("18") }
				s.ChangeAfter = func(*testing.T) { w.pointAt("18") }
				// The books are the last that is written; then somebody puts the suspect back.
				s.Hollow = func(*testing.T) { w.aws.AfterTagging(func() { w.pointAt("17") }) }
				return s
			})
		})
	}
}
