package workload_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/activities/serving/kube/kubefake"
	"firebreak/activities/serving/workload"
)

func disabled(t *testing.T, w *world, setup serving.Setup) {
	t.Helper()
	a, op := serving.NewDisable(setup), w.operation("endpoint.disable")
	var err error
	op.Capture, err = a.Capture(t.Context(), op)
	require.NoError(t, err)
	op.Effect, err = a.Do(t.Context(), op)
	require.NoError(t, err)
	proof, err := a.Verify(t.Context(), op)
	require.NoError(t, err)
	require.True(t, proof.Proved, proof.Method)
}

func TestIsolationCutsServiceAndPods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	disabled(t, w, w.setup)
	require.Contains(t, w.kube.Object(service), `"firebreak.dev/isolated":"true"`)
	require.Contains(t, w.kube.Object(policy), `"matchLabels":{"app":"credit-batch"}`)
	require.Contains(t, w.kube.Object(deployment), `"replicas":3`, "the pods live on")
}

func TestStopHoldsKEDAOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.setup
	stop.Platforms = serving.Platforms{"k8s": stopping{w.setup.Platforms["k8s"].(*workload.Control)}}
	disabled(t, w, stop)
	require.Contains(t, w.kube.Object(deployment), `"replicas":0`)
	require.Contains(t, w.kube.Object(scaler), `"autoscaling.keda.sh/paused-replicas":"0"`)

	w.pointAt(suspectURI, goodURI)
	a, op := serving.NewEnable(w.setup), w.operation("endpoint.enable")
	var err error
	op.Capture, err = a.Capture(t.Context(), op)
	require.NoError(t, err)
	_, err = a.Do(t.Context(), op)
	require.NoError(t, err)
	require.Contains(t, w.kube.Object(deployment), `"replicas":3`, "as many as before it was stopped, not as when it was enabled")
	require.NotContains(t, w.kube.Object(scaler), "paused-replicas")
}

func TestLoadChangesEveryPlaceAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.kube.Object(deployment)
	p := pointing{w.setup.Platforms["k8s"].(*workload.Control)}
	op := w.operation("checkpoint.rollback")
	var err error
	op.Capture, err = p.Capture(t.Context(), op)
	require.NoError(t, err)
	_, err = p.Do(t.Context(), op)
	require.NoError(t, err)
	after := w.kube.Object(deployment)
	require.Equal(t, 3, strings.Count(after, goodURI))
	require.NotContains(t, after, suspectURI)
	require.Contains(t, after, envSecret)
	require.Equal(t, strings.Count(before, `"name"`), strings.Count(after, `"name"`))
}

func TestWhatCannotBeControlled(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		set  func(*world)
		want string
	}{
		"no selector":            {func(w *world) { w.endpoint.Serving.ReplicasSelector = "" }, "replicas_selector"},
		"a selector of sets":     {func(w *world) { w.endpoint.Serving.ReplicasSelector = "app in (a)" }, "replicas_selector"},
		"a selector that denies": {func(w *world) { w.endpoint.Serving.ReplicasSelector = "app!=a" }, "replicas_selector"},
		"no Deployment":          {func(w *world) { w.kube.Drop(deployment) }, "no such object"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.set(w)
			_, err := serving.NewDisable(w.setup).Capture(t.Context(), w.operation("endpoint.disable"))
			require.ErrorContains(t, err, c.want)
			code, _ := failure.CodeOf(err)
			require.Equal(t, failure.Invalid, code)
		})
	}
}

func TestTwoModelsAreNotGuessedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kube.MergeAt(deployment, kubefake.Object{"spec": kubefake.Object{"template": kubefake.Object{"spec": kubefake.Object{
		"initContainers": []any{kubefake.Object{"name": "fetch", "args": []any{"s3://registry/adapter/3/"}}},
	}}}})
	state, err := w.setup.Platforms["k8s"].Observe(t.Context(), w.operation("checkpoint.rollback"))
	require.NoError(t, err)
	require.Empty(t, state.Loads)
}
