package conformance

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/conformance"
	"firebreak/activities/failure"
	"firebreak/activities/registry"
	"firebreak/activities/serving"
	"firebreak/activities/serving/kserve"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

const noReason = "a changed model is no reason to leave it running"

// TestKServe runs the whole kit for every action on an InferenceService but endpoint.shift. All worlds share one API server.
func TestKServe(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for name, subject := range map[string]func(*testing.T, *cluster) *conformance.Subject{
		"endpoint.disable":                   disable,
		"endpoint.isolate":                   isolate,
		"endpoint.enable of a stopped one":   func(t *testing.T, c *cluster) *conformance.Subject { return enable(t, c, serving.NewDisable) },
		"endpoint.enable of an isolated one": func(t *testing.T, c *cluster) *conformance.Subject { return enable(t, c, serving.NewIsolate) },
		"checkpoint.rollback":                rollback,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, func(t *testing.T) *conformance.Subject { return subject(t, c) })
		})
	}
	t.Run("another writer comes first", func(t *testing.T) {
		t.Parallel()
		overtaken(t, c)
	})
	t.Run("a fence that somebody removes", func(t *testing.T) {
		t.Parallel()
		removed(t, c)
	})
}

func disable(t *testing.T, c *cluster) *conformance.Subject {
	w := newWorld(t, c, object{"team": "lending"})
	s := w.subject("endpoint.disable")
	s.Action = serving.NewDisable(w.setup)
	s.WhyNoChange = noReason
	s.ChangeAfter, s.RefusalAfter = func(t *testing.T) { w.holds(t, w.service) }, failure.Refused
	s.Hollow = func(*testing.T) { c.models.IgnoreStop(w.namespace, name) }
	return s
}

func isolate(t *testing.T, c *cluster) *conformance.Subject {
	w := newWorld(t, c, object{"team": "lending"})
	s := w.subject("endpoint.isolate")
	s.Action = isolating{serving.NewIsolate(w.setup)}
	s.WhyNoChange = noReason
	s.ChangeAfter, s.RefusalAfter = func(t *testing.T) { w.holds(t, w.fence) }, failure.Refused
	s.Hollow = func(*testing.T) { c.models.IgnorePolicies(w.namespace, name) }
	return s
}

// isolating acts again as the engine does: after a proof was tried, which gives the network time to enforce the policy. An
// endpoint that still answers then is stopped, and rightly.
type isolating struct{ *serving.Disable }

func (i isolating) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	if op.Effect != nil {
		if _, err := i.Verify(ctx, op); err != nil {
			return nil, err
		}
	}
	return i.Disable.Do(ctx, op)
}

// enable is of an endpoint that this incident has taken out of service and that loads the known-good checkpoint.
func enable(t *testing.T, c *cluster, disable func(serving.Setup) *serving.Disable) *conformance.Subject {
	w := newWorld(t, c, object{"team": "lending"})
	action, op := disable(w.setup), w.operation("endpoint.disable")
	var err error
	op.Capture, err = action.Capture(t.Context(), op)
	require.NoError(t, err)
	_, err = action.Do(t.Context(), op)
	require.NoError(t, err)
	w.refused(t)
	load := func(t *testing.T, uri string) {
		w.merge(t, w.service, pointing(uri))
		w.settled(t)
	}
	load(t, goodURI)
	s := w.subject("endpoint.enable")
	s.Provider.Forget()
	s.Action = serving.NewEnable(w.setup)
	s.Change = func(t *testing.T) { w.merge(t, w.service, pointing(suspectURI)) }
	s.WhyNoChangeAfter = "stopping again is always right"
	// What was loaded before the known-good stays what is served.
	s.Hollow = func(t *testing.T) {
		load(t, suspectURI)
		c.models.ServeStale(w.namespace, name)
		load(t, goodURI)
	}
	return s
}

// rollback is of an endpoint that is stopped. Its platform is asked through the provider, the store is not.
func rollback(t *testing.T, c *cluster) *conformance.Subject {
	w := newWorld(t, c, object{"team": "lending", kserve.StopAnnotation: "true"})
	s := w.subject("checkpoint.rollback")
	s.Action = registry.NewRollback(w.setup.Platforms, c.store)
	s.Observes = false
	elsewhere := func(t *testing.T) { w.merge(t, w.service, pointing(otherURI)) }
	s.Change, s.ChangeAfter = elsewhere, elsewhere
	// What applies the company's manifests puts the suspect back at once.
	ctx := context.WithoutCancel(t.Context())
	s.Hollow = func(*testing.T) {
		back := func() error {
			_, err := c.call(ctx, http.MethodPatch, w.service, pointing(suspectURI))
			return err
		}
		w.others.Store(&back)
	}
	return s
}

// overtaken is what only the server can say: that an object has changed since it was read. No change by others is lost, and
// each stage goes through at a further try.
func overtaken(t *testing.T, c *cluster) {
	for name, a := range map[string]struct {
		action func(serving.Setup) *serving.Disable
		// written is what others write to before undo.
		written func(*world) string
		// do is how many changes the act takes at least.
		do int
	}{
		"an InferenceService that is patched": {serving.NewDisable, func(w *world) string { return w.service }, 2},
		"a NetworkPolicy that is deleted":     {serving.NewIsolate, func(w *world) string { return w.fence }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c, object{"team": "lending"})
			s := w.subject("endpoint.disable")
			t.Cleanup(s.Provider.Close)
			action, ctx := a.action(w.setup), t.Context()
			var failed error
			write := func(path, value string) {
				s.Provider.Forget()
				s.Provider.BeforeNextChange(func() {
					_, failed = c.call(ctx, http.MethodPatch, path, object{"metadata": object{"labels": object{"ticket": value}}})
				})
			}
			var err error
			s.Operation.Capture, err = action.Capture(ctx, s.Operation)
			require.NoError(t, err)
			write(w.service, "first")
			s.Operation.Effect, err = action.Do(ctx, s.Operation)
			require.NoError(t, err)
			require.NoError(t, failed)
			require.True(t, s.Operation.Effect.Changed)
			require.GreaterOrEqual(t, s.Provider.Changes(), a.do)
			require.Contains(t, w.state(t), `"labels":{"ticket":"first"}`)

			write(a.written(w), "second")
			effect, err := action.Undo(ctx, s.Operation)
			require.NoError(t, err)
			require.NoError(t, failed)
			require.True(t, effect.Changed)
			require.GreaterOrEqual(t, s.Provider.Changes(), 2, "the first was refused")
			require.NotContains(t, w.state(t), "firebreak.dev/")
		})
	}
}

// removed is a fence that somebody removes: it is raised again, and the pods live on although the network takes a moment.
func removed(t *testing.T, c *cluster) {
	w := newWorld(t, c, object{"team": "lending"})
	action, op, ctx := serving.NewIsolate(w.setup), w.operation("endpoint.isolate"), t.Context()
	var err error
	op.Capture, err = action.Capture(ctx, op)
	require.NoError(t, err)
	op.Effect, err = action.Do(ctx, op)
	require.NoError(t, err)
	w.refused(t)
	_, err = c.call(ctx, http.MethodDelete, w.fence, nil)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		answer, err := w.setup.Outside.Call(ctx, w.endpoint.Probe)
		return err == nil && answer.Answered
	}, settles, 20*time.Millisecond)
	op.Effect, err = action.Do(ctx, op)
	require.NoError(t, err)
	proof, err := action.Verify(ctx, op)
	require.NoError(t, err)
	require.True(t, proof.Proved, proof.Method)
	read, err := c.call(ctx, http.MethodGet, w.service, nil)
	require.NoError(t, err)
	require.NotContains(t, read["metadata"].(object)["annotations"], kserve.StopAnnotation)
}
