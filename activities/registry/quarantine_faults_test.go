package registry

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/activities/registry/mlflow/mlflowfake"
	"firebreak/internal/inventory"
)

func TestQuarantineRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		code failure.Code
		set  func(*ward)
	}{
		"what is in no registry":   {failure.Invalid, func(w *ward) { w.op.Target.Registered = nil }},
		"another registry":         {failure.Unsupported, func(w *ward) { w.op.Target.Registered.Platform = "sagemaker" }},
		"a version that is absent": {failure.Invalid, func(w *ward) { w.op.Target.Registered.Version = "99" }},
		"without MLflow":           {failure.Unsupported, func(w *ward) { w.a = NewQuarantine(nil) }},
		"an endpoint":              {failure.Invalid, func(w *ward) { w.op.Target.Kind = inventory.EndpointTarget }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			tt.set(w)
			_, err := w.a.Capture(t.Context(), w.op)
			requireCode(t, tt.code, err)
		})
	}
	w := newWard(t)
	_, err := w.a.Do(t.Context(), w.op)
	requireCode(t, failure.Invalid, err)
	require.ErrorContains(t, err, "nothing was captured")
}

func TestQuarantineWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.capture(t)
	for _, status := range []int{403, 429, 500, 503} {
		w.server.Fail(func(string) (int, bool) { return status, false })
		for name, stage := range map[string]func() error{
			"capture": func() error { _, err := w.a.Capture(t.Context(), w.op); return err },
			"do":      func() error { _, err := w.a.Do(t.Context(), w.op); return err },
			"verify":  func() error { _, err := w.a.Verify(t.Context(), w.op); return err },
			"undo":    func() error { _, err := w.a.Undo(t.Context(), w.op); return err },
		} {
			err := stage()
			require.Error(t, err, name)
			_, final := failure.CodeOf(err)
			require.False(t, final, "%s with %d is tried again", name, status)
			require.NotContains(t, err.Error(), mlflowfake.Token)
		}
	}
	w.server.Fail(nil)
	w.a = NewQuarantine(mlflowClient(t, w.server.URL, "wrong"))
	_, err := w.a.Capture(t.Context(), w.op)
	require.ErrorContains(t, err, "answered 401: set MLFLOW_TRACKING_TOKEN")
	w.a = NewQuarantine(mlflowClient(t, "http://127.0.0.1:1", mlflowfake.Token))
	_, err = w.a.Capture(t.Context(), w.op)
	require.ErrorContains(t, err, "cannot be reached")
	require.NotContains(t, err.Error(), mlflowfake.Token)
}

func TestQuarantineHonoursCancel(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.capture(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.server.Before(func(string) { cancel(); time.Sleep(20 * time.Millisecond) })
	_, err := w.a.Do(ctx, w.op)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, w.server.Writes())
}
