package kserve_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/serving"
	"firebreak/activities/serving/kube/kubefake"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// isolated captures and isolates an endpoint.
func isolated(t *testing.T, w *world) (*serving.Disable, *playbooks.Operation) {
	t.Helper()
	a, op := serving.NewIsolate(w.setup), w.operation("endpoint.isolate")
	var err error
	op.Capture, err = a.Capture(t.Context(), op)
	require.NoError(t, err)
	again(t, a, op)
	return a, op
}

func again(t *testing.T, a *serving.Disable, op *playbooks.Operation) *incident.Proof {
	t.Helper()
	var err error
	op.Effect, err = a.Do(t.Context(), op)
	require.NoError(t, err)
	proof, err := a.Verify(t.Context(), op)
	require.NoError(t, err)
	return proof
}

func TestIsolationThatDoesNotHoldIsAStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.unfenced.Store(true)
	before := w.state(t)
	a, op := isolated(t, w)
	proof := again(t, a, op)
	require.True(t, proof.Proved, proof.Method)
	require.Equal(t, "stop", op.Effect.Facts["escalated"])
	require.Contains(t, op.Effect.Summary, "it went on answering")
	proof = again(t, a, op)
	require.True(t, proof.Proved, proof.Method)
	require.Equal(t, "stop", op.Effect.Facts["escalated"], "a later round does not forget it")

	_, err := a.Undo(t.Context(), op)
	require.NoError(t, err)
	require.Equal(t, before, w.state(t))
}

// The worker died after the stop and before it could say so.
func TestAStopThatNobodyHeardOfIsUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.unfenced.Store(true)
	before := w.state(t)
	a, op := isolated(t, w)
	unheard := op.Effect
	again(t, a, op)
	op.Effect = unheard
	again(t, a, op)
	_, err := a.Undo(t.Context(), op)
	require.NoError(t, err)
	require.Equal(t, before, w.state(t))
}

func TestIsolationWarnsOfPoliciesThatLetIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kube.Add("/apis/networking.k8s.io/v1/namespaces/lending/networkpolicies/allow-all", kubefake.Object{
		"spec": kubefake.Object{"podSelector": kubefake.Object{}, "ingress": []any{kubefake.Object{}}},
	})
	w.kube.Add("/apis/networking.k8s.io/v1/namespaces/lending/networkpolicies/other-app", kubefake.Object{
		"spec": kubefake.Object{"podSelector": kubefake.Object{"matchLabels": kubefake.Object{"serving.kserve.io/inferenceservice": "other"}}, "ingress": []any{kubefake.Object{}}},
	})
	_, op := isolated(t, w)
	require.Contains(t, op.Effect.Facts["warning"], "allow-all lets traffic in")
	require.NotContains(t, op.Effect.Facts["warning"], "other-app")
}

func TestAFenceThatSomebodyOpensIsShutAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, op := isolated(t, w)
	w.kube.MergeAt(fencePath, kubefake.Object{"spec": kubefake.Object{"ingress": []any{kubefake.Object{}}}})
	require.True(t, again(t, a, op).Proved)
	require.NotContains(t, w.kube.Object(fencePath), `"ingress":[{}]`)
}

// A network takes a moment until it enforces a policy, also one that is raised again.
func TestAFenceThatIsRaisedAgainIsGivenAMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, op := isolated(t, w)
	w.kube.Drop(fencePath)
	w.unfenced.Store(true)
	timer := time.AfterFunc(100*time.Millisecond, func() { w.unfenced.Store(false) })
	defer timer.Stop()
	require.True(t, again(t, a, op).Proved)
	require.NotEmpty(t, w.kube.Object(fencePath))
	require.Empty(t, op.Effect.Facts["escalated"], "the pods live on")
}

func TestWhoPutsItBackIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, op := serving.NewDisable(w.setup), w.operation("endpoint.disable")
	var err error
	op.Capture, err = a.Capture(t.Context(), op)
	require.NoError(t, err)
	w.kube.AfterEachChange(func() {
		w.kube.MergeAt(servicePath, kubefake.Object{"metadata": kubefake.Object{"annotations": kubefake.Object{"serving.kserve.io/stop": nil}}})
	})
	proof := again(t, a, op)
	require.False(t, proof.Proved)
	require.Contains(t, proof.Facts["reverted_by"], "argocd-controller at ")
	require.Contains(t, proof.Method, "pause what applies it (GitOps)")
}
