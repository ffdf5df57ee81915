package serving_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/activities/serving/fence"
	"firebreak/activities/serving/kserve"
	"firebreak/activities/serving/kube/kubefake"
	"firebreak/internal/inventory"
)

func TestDisableOnceProvedAndUndone(t *testing.T) {
	t.Parallel()
	for name, annotations := range map[string]map[string]string{
		"stop absent":    {"team": "lending"},
		"stop is false":  {"team": "lending", kserve.StopAnnotation: "false"},
		"no annotations": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, annotations)
			a, op := serving.NewDisable(s.setup), s.operation("endpoint.disable", "contain")
			capture(t, a, op)
			require.Contains(t, op.Capture.Summary, "answers from outside with sha256:suspect")

			require.True(t, do(t, a, op).Changed)
			require.False(t, do(t, a, op).Changed)
			require.Len(t, s.kube.Patches(), 1)
			held := s.annotations()
			require.Equal(t, op.ID, held[fence.OperationAnnotation])
			var restore serving.Saved
			require.NoError(t, json.Unmarshal([]byte(held[fence.RestoreAnnotation]), &restore))
			require.Equal(t, "sha256:suspect", restore.Digest)

			proof, err := a.Verify(t.Context(), op)
			require.NoError(t, err)
			require.True(t, proof.Proved)
			require.Equal(t, "GET probe from outside, 3 of 3 refused", proof.Method)

			effect, err := a.Undo(t.Context(), op)
			require.NoError(t, err)
			require.True(t, effect.Changed)
			require.Contains(t, effect.Summary, "answers again with sha256:suspect")
			require.Equal(t, annotations, s.annotations())
			effect, err = a.Undo(t.Context(), op)
			require.NoError(t, err)
			require.False(t, effect.Changed)
			require.Len(t, s.kube.Patches(), 2)
		})
	}
}

func TestDisableIsNotProvedWhileTheEndpointAnswers(t *testing.T) {
	t.Parallel()
	s := newScene(t, map[string]string{kserve.FrozenAnnotation: "true"})
	s.stubborn.Store(true)
	// A platform that says so is no proof.
	s.merge(kubefake.Object{"status": kubefake.Object{"conditions": []any{kubefake.Object{"type": "PredictorReady", "status": "False", "reason": "Stopped"}}}})
	a, op := serving.NewDisable(s.setup), s.operation("endpoint.disable", "contain")
	capture(t, a, op)
	effect := do(t, a, op)
	require.Contains(t, effect.Facts["warning"], kserve.FrozenAnnotation)
	proof, err := a.Verify(t.Context(), op)
	require.NoError(t, err)
	require.False(t, proof.Proved)
	require.Equal(t, "GET probe from outside, answered 3 of 3", proof.Method)
	require.Equal(t, "true", proof.Facts["platform_is_off"])
}

func TestDisableWritesDespiteOtherWriters(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	a, op := serving.NewDisable(s.setup), s.operation("endpoint.disable", "contain")
	capture(t, a, op)
	s.kube.BeforeNextPatch(func() { s.pointAt("s3://registry/credit/18/") })
	effect := do(t, a, op)
	require.True(t, effect.Changed)
	require.Len(t, s.kube.Patches(), 1)
	require.Equal(t, "s3://registry/credit/18/", effect.Facts["loads"])
	require.Equal(t, "s3://registry/credit/18/", s.kube.StorageURI("lending", "credit-scorer"))
}

func TestDisableOfAnEndpointThatNeverAnswered(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	s.endpoint.Probe.URL = closed.URL
	a, op := serving.NewDisable(s.setup), s.operation("endpoint.disable", "contain")
	capture(t, a, op)
	do(t, a, op)
	_, err := a.Verify(t.Context(), op)
	require.ErrorContains(t, err, "did not answer before")

	s.merge(kubefake.Object{"status": kubefake.Object{"conditions": []any{kubefake.Object{"type": "PredictorReady", "status": "False", "reason": "Stopped"}}}})
	proof, err := a.Verify(t.Context(), op)
	require.NoError(t, err)
	require.True(t, proof.Proved)
	require.Equal(t, "false", proof.Facts["answered_before"])
}

func TestUndoLeavesAnEndpointThatAnotherIncidentHolds(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	first, second := serving.NewDisable(s.setup), serving.NewDisable(s.setup)
	op := s.operation("endpoint.disable", "contain")
	capture(t, first, op)
	do(t, first, op)
	other := s.operation("endpoint.disable", "contain")
	other.IncidentID = "incident/dataset-compromise/loans"
	other.ID = other.IncidentID + "/contain/credit-api"
	capture(t, second, other)
	require.True(t, do(t, second, other).Changed)

	_, err := first.Undo(t.Context(), op)
	requireCode(t, failure.Refused, err)
	require.Equal(t, "true", s.annotations()[kserve.StopAnnotation])
	_, err = second.Undo(t.Context(), other)
	require.NoError(t, err)
	require.Equal(t, op.ID, s.annotations()[fence.OperationAnnotation])
	require.Equal(t, "true", s.annotations()[kserve.StopAnnotation])
	_, err = first.Undo(t.Context(), op)
	require.NoError(t, err)
	require.Empty(t, s.annotations())
}

func TestDisableRefuses(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	a := serving.NewDisable(s.setup)
	t.Run("another platform", func(t *testing.T) {
		t.Parallel()
		op := s.operation("endpoint.disable", "contain")
		e := *s.endpoint
		e.Serving.Platform = "sagemaker"
		op.Target.Endpoint = &e
		_, err := a.Capture(t.Context(), op)
		requireCode(t, failure.Unsupported, err)
		require.ErrorContains(t, err, "sagemaker")
	})
	t.Run("nothing captured", func(t *testing.T) {
		t.Parallel()
		_, err := a.Do(t.Context(), s.operation("endpoint.disable", "contain"))
		requireCode(t, failure.Invalid, err)
	})
	t.Run("no such service", func(t *testing.T) {
		t.Parallel()
		op := s.operation("endpoint.disable", "contain")
		e := *s.endpoint
		e.Serving = inventory.Serving{Platform: "kserve", Cluster: kubefake.Context, Namespace: "lending", Name: "absent"}
		op.Target.Endpoint = &e
		_, err := a.Capture(t.Context(), op)
		requireCode(t, failure.Invalid, err)
		require.NotContains(t, err.Error(), "hunter2")
	})
}

func TestVerifyHonoursCancel(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	s.stubborn.Store(true)
	s.setup.Patience.Stop = 1 << 40
	a, op := serving.NewDisable(s.setup), s.operation("endpoint.disable", "contain")
	capture(t, a, op)
	do(t, a, op)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := a.Verify(ctx, op)
	require.ErrorIs(t, err, context.Canceled)
}

func requireCode(t *testing.T, want failure.Code, err error) {
	t.Helper()
	require.Error(t, err)
	code, final := failure.CodeOf(err)
	require.True(t, final, err)
	require.Equal(t, want, code, err)
}
