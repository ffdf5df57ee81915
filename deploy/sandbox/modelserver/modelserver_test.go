package modelserver_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/modelserver"
)

func TestServesWhatStorageURINames(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	require.Empty(t, b.digest(t), "nothing is there before the InferenceService")
	b.kube.apply(service, storage(goodURI))
	b.waitFor(t, loaded())
	require.Equal(t, goodDigest, b.digest(t))

	status, digest, body := b.get(t, "/v1/health-probe")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, goodDigest, digest)
	require.Equal(t, goodDigest, body["digest"])

	status, _, _ = b.get(t, "/v1/models/other:predict")
	require.Equal(t, http.StatusNotFound, status)
}

func TestFollowsTheSpec(t *testing.T) {
	t.Parallel()
	type step struct {
		change object
		status status
		digest string
	}
	stop, start := annotate("stop", "true"), annotate("stop", "false")
	tests := map[string][]step{
		"stop and start": {{stop, stopped(), ""}, {start, loaded(), goodDigest}},
		"another uri":    {{storage(badURI), loaded(), badDigest}, {storage(goodURI), loaded(), goodDigest}},
		"roll back while stopped": {
			{storage(badURI), loaded(), badDigest}, {stop, stopped(), ""},
			{storage(goodURI), stopped(), ""}, {start, loaded(), goodDigest},
		},
		"no such prefix keeps the one before": {
			{storage("s3://models/credit/none/"), failedToLoad("-"), goodDigest}, {storage(badURI), loaded(), badDigest},
		},
		"no such scheme": {{storage("gs://models/credit/v1/"), failedToLoad("-"), goodDigest}},
		"stop after a failed load": {
			{storage("s3://models/credit/none/"), failedToLoad("-"), goodDigest}, {stop, stopped(), ""},
			{start, failedToLoad(""), ""},
		},
		"stop is ignored without auto-update": {
			{annotate("disable-auto-update", "true"), loaded(), goodDigest}, {stop, loaded(), goodDigest},
			{annotate("disable-auto-update", "false"), stopped(), ""},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			b.kube.apply(service, storage(goodURI))
			b.waitFor(t, loaded())
			for _, s := range steps {
				b.kube.apply(service, s.change)
				b.settle(t)
				b.waitFor(t, s.status)
				require.EventuallyWithT(t, func(c *assert.CollectT) {
					require.Equal(c, s.digest, b.digest(t))
				}, wait, tick)
			}
		})
	}
}

// settle waits until the change before it has been seen: a second
// InferenceService, applied after it, has been loaded.
func (b *bench) settle(t *testing.T) {
	t.Helper()
	const other = "lending/marker"
	b.kube.remove(other)
	b.kube.apply(other, storage(goodURI))
	require.Eventually(t, func() bool { return b.kube.status(t, other).ready == "True" }, wait, tick)
}

func TestDeletedServiceHasNoRoute(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.kube.apply(service, storage(goodURI))
	b.waitFor(t, loaded())
	b.kube.remove(service)
	require.Eventually(t, func() bool { return b.digest(t) == "" }, wait, tick)
}

func TestSurvivesBrokenWatches(t *testing.T) {
	t.Parallel()
	for name, expire := range map[string]bool{"broken stream": false, "410 expired": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			b.kube.apply(service, storage(goodURI))
			b.waitFor(t, loaded())
			b.kube.breakStreams(expire)
			b.kube.apply(service, storage(badURI))
			require.Eventually(t, func() bool { return b.digest(t) == badDigest }, wait, tick)
			b.kube.breakStreams(expire)
			b.kube.remove(service)
			require.Eventually(t, func() bool { return b.digest(t) == "" }, wait, tick)
		})
	}
}

func TestWaitsForServersThatAreDown(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.kube.mu.Lock()
	b.kube.unlisted = true
	b.kube.mu.Unlock()
	b.kube.breakStreams(false)
	b.s3.set(true, nil)
	b.kube.apply(service, storage(goodURI))
	b.kube.mu.Lock()
	b.kube.unlisted = false
	b.kube.mu.Unlock()
	b.waitFor(t, failedToLoad(""))
	b.s3.set(false, nil)
	b.waitFor(t, loaded())
	require.Equal(t, goodDigest, b.digest(t))
}

func TestWritesAStatusOnlyWhenItChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.kube.apply(service, storage(goodURI))
	b.waitFor(t, loaded())
	b.settle(t)
	before := b.kube.patchCount(service)
	for _, value := range []string{"a", "b", "c", "d", "e"} {
		b.kube.apply(service, annotate("unrelated", value))
		b.settle(t)
	}
	// At most one more: what was read before the echo of the last status is written again.
	require.LessOrEqual(t, b.kube.patchCount(service), before+1)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		plan   func(*modelserver.Server)
		change []object
		status status
		digest string // with the fault
		after  string // without it
	}{
		"stop is ignored by the data plane": {
			func(s *modelserver.Server) { s.IgnoreStop("lending", "credit-scorer") },
			[]object{annotate("stop", "true")}, stopped(), goodDigest, "",
		},
		"old bytes after a change": {
			func(s *modelserver.Server) { s.ServeStale("lending", "credit-scorer") },
			[]object{storage(badURI)}, loaded(), goodDigest, badDigest,
		},
		"old bytes after a stop, a change and a start": {
			func(s *modelserver.Server) { s.ServeStale("lending", "credit-scorer") },
			[]object{annotate("stop", "true"), storage(badURI), annotate("stop", "false")}, loaded(), goodDigest, badDigest,
		},
		"another endpoint's fault": {
			func(s *modelserver.Server) { s.IgnoreStop("lending", "other"); s.ServeStale("lending", "other") },
			[]object{storage(badURI)}, loaded(), badDigest, badDigest,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			b.kube.apply(service, storage(goodURI))
			b.waitFor(t, loaded())
			tc.plan(b.server)
			for _, change := range tc.change {
				b.kube.apply(service, change)
				b.settle(t)
			}
			b.waitFor(t, tc.status)
			require.EventuallyWithT(t, func(c *assert.CollectT) {
				require.Equal(c, tc.digest, b.digest(t))
			}, wait, tick)
			b.server.ClearFaults()
			require.Eventually(t, func() bool { return b.digest(t) == tc.after }, wait, tick)
		})
	}
}

func TestRunRefusesOptionsThatCannotWork(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		opts modelserver.Options
		want string
	}{
		"no url": {modelserver.Options{S3: &bucket{}}, "is not a url"},
		"no s3":  {modelserver.Options{KubernetesURL: "http://127.0.0.1:1"}, "no s3 client"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, modelserver.New(tc.opts).Run(t.Context()), tc.want)
		})
	}
}
