package serving_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/activities/serving/fence"
	"firebreak/activities/serving/kserve"
	"firebreak/playbooks"
)

// contained is a scene whose endpoint this incident has disabled, and the operation that is to enable it.
func contained(t *testing.T) (*scene, *serving.Enable, *playbooks.Operation) {
	t.Helper()
	s := newScene(t, nil)
	disable := s.operation("endpoint.disable", "contain")
	capture(t, serving.NewDisable(s.setup), disable)
	do(t, serving.NewDisable(s.setup), disable)
	s.pointAt(goodURI)
	a, op := serving.NewEnable(s.setup), s.operation("endpoint.enable", "reopen")
	capture(t, a, op)
	return s, a, op
}

func TestEnableOnceProvedAndUndone(t *testing.T) {
	t.Parallel()
	s, a, op := contained(t)
	before := s.annotations()
	require.True(t, do(t, a, op).Changed)
	require.False(t, do(t, a, op).Changed)
	require.Len(t, s.kube.Patches(), 2)

	proof, err := a.Verify(t.Context(), op)
	require.NoError(t, err)
	require.True(t, proof.Proved)
	require.Equal(t, goodDigest, proof.Facts["digest"])

	effect, err := a.Undo(t.Context(), op)
	require.NoError(t, err)
	require.True(t, effect.Changed)
	require.Contains(t, effect.Summary, "3 of 3 calls from outside refused")
	require.Equal(t, before, s.annotations())
	effect, err = a.Undo(t.Context(), op)
	require.NoError(t, err)
	require.False(t, effect.Changed)
}

func TestEnableIsNotProvedByAnotherDigest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ served, shown string }{
		"stale":     {"sha256:suspect", "answered with sha256:suspect instead of the known-good sha256:good"},
		"no digest": {"", "answered with no digest instead"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, a, op := contained(t)
			do(t, a, op)
			s.digest.Store(tt.served)
			proof, err := a.Verify(t.Context(), op)
			require.NoError(t, err)
			require.False(t, proof.Proved)
			require.Contains(t, proof.Method, tt.shown)
		})
	}
}

func TestEnableIsNotProvedWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	s, a, op := contained(t)
	do(t, a, op)
	s.annotate(kserve.StopAnnotation, "true")
	proof, err := a.Verify(t.Context(), op)
	require.NoError(t, err)
	require.False(t, proof.Proved)
	require.Contains(t, proof.Method, "answered only 0 of 3")
}

func TestEnableUndoFailsWhileTheEndpointAnswers(t *testing.T) {
	t.Parallel()
	s, a, op := contained(t)
	do(t, a, op)
	s.stubborn.Store(true)
	_, err := a.Undo(t.Context(), op)
	require.ErrorContains(t, err, "still answers, 3 of 3")
	require.Equal(t, "true", s.annotations()[kserve.StopAnnotation])
}

func TestEnableRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		code failure.Code
		set  func(*scene, *playbooks.Operation)
	}{
		"an endpoint that is not rolled back":     {failure.TargetChanged, func(s *scene, _ *playbooks.Operation) { s.pointAt(suspectURI) }},
		"an endpoint that another incident holds": {failure.Refused, func(s *scene, _ *playbooks.Operation) { s.annotate(fence.IncidentAnnotation, "incident/other") }},
		"no known-good": {failure.Invalid, func(_ *scene, op *playbooks.Operation) { op.Target.KnownGood = nil }},
		"no digest header": {failure.Unsupported, func(_ *scene, op *playbooks.Operation) {
			op.Target.Endpoint.Probe.ExpectDigestHeader = ""
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, a, op := contained(t)
			tt.set(s, op)
			_, err := a.Do(t.Context(), op)
			requireCode(t, tt.code, err)
			require.Equal(t, "true", s.annotations()[kserve.StopAnnotation])
		})
	}
}
