package kserve_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/conformance"
	"firebreak/activities/probe"
	"firebreak/activities/serving"
	"firebreak/activities/serving/kserve"
	"firebreak/activities/serving/kube"
	"firebreak/activities/serving/kube/kubefake"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

const (
	suspectURI = "s3://registry/credit/17/"
	goodURI    = "s3://registry/credit/16/"
	suspect    = "sha256:suspect"
	good       = "sha256:good"
	incidentID = "incident/backdoor-discovery/credit-scorer@17"

	servicePath = "/apis/serving.kserve.io/v1beta1/namespaces/lending/inferenceservices/credit-scorer"
	fencePath   = "/apis/networking.k8s.io/v1/namespaces/lending/networkpolicies/firebreak-credit-scorer"
)

// world is a cluster with one InferenceService, a model server that does as its objects say, and a provider between
// firebreak and the API server.
type world struct {
	kube     *kubefake.Server
	provider *conformance.Provider
	setup    serving.Setup
	endpoint *inventory.Endpoint
	// stubborn makes the model server answer whatever the objects say; stale makes it serve the suspect.
	stubborn, stale atomic.Bool
	// unfenced is a network that enforces no policies.
	unfenced atomic.Bool
	calls    atomic.Int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{kube: kubefake.New(t)}
	w.kube.Put("lending", "credit-scorer", suspectURI, map[string]string{"team": "lending"})
	w.provider = conformance.NewProvider(w.kube, nil)
	api, err := kube.New(kubefake.Kubeconfig(t, w.provider))
	require.NoError(t, err)
	model := httptest.NewServer(http.HandlerFunc(w.predict))
	t.Cleanup(model.Close)
	w.endpoint = &inventory.Endpoint{
		ID:      "credit-api",
		Serving: inventory.Serving{Platform: "kserve", Cluster: kubefake.Context, Namespace: "lending", Name: "credit-scorer"},
		Probe:   inventory.Probe{URL: model.URL, ExpectDigestHeader: "x-model-digest"},
	}
	w.setup = serving.Setup{
		Platforms: serving.Platforms{"kserve": kserve.New(api.WithTimeout(2 * time.Second))}, Outside: probe.New(),
		Patience: serving.Patience{Poll: 2 * time.Millisecond, Stop: time.Second, Start: time.Second},
	}
	return w
}

// predict is what callers of the endpoint see: 404 for a route that is gone, 503 for pods that nobody reaches.
func (w *world) predict(out http.ResponseWriter, _ *http.Request) {
	if !w.stubborn.Load() {
		if w.kube.Annotations("lending", "credit-scorer")[kserve.StopAnnotation] == "true" {
			out.WriteHeader(http.StatusNotFound)
			return
		}
		if w.kube.Object(fencePath) != "" && !w.unfenced.Load() {
			out.WriteHeader(http.StatusServiceUnavailable)
			return
		}
	}
	if percent := w.share(); percent > 0 && w.calls.Add(1)%100*37%100 >= int64(percent) {
		out.WriteHeader(http.StatusServiceUnavailable) // the fence around the revision before
		return
	}
	digest := map[string]string{goodURI: good, suspectURI: suspect}[w.kube.StorageURI("lending", "credit-scorer")]
	if w.stale.Load() {
		digest = suspect
	}
	out.Header().Set("x-model-digest", digest)
}

// share is the percentage that the newest revision gets, or 0 if traffic is not split.
func (w *world) share() int {
	var service struct {
		Spec struct {
			Predictor struct {
				Percent int `json:"canaryTrafficPercent"`
			} `json:"predictor"`
		} `json:"spec"`
	}
	if json.Unmarshal([]byte(w.kube.Object(servicePath)), &service) != nil {
		return 0
	}
	return service.Spec.Predictor.Percent
}

// revisions makes KServe name its revisions.
func (w *world) revisions(created, ready, rolledout, previous string) {
	w.kube.MergeAt(servicePath, kubefake.Object{"status": kubefake.Object{"components": kubefake.Object{"predictor": kubefake.Object{
		"latestCreatedRevision": created, "latestReadyRevision": ready, "latestRolledoutRevision": rolledout, "previousRolledoutRevision": previous,
	}}}})
}

func (w *world) state(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(w.kube.All())
	require.NoError(t, err)
	return string(text)
}

func (w *world) pointAt(uri string) {
	w.kube.MergeAt(servicePath, kubefake.Object{"spec": kubefake.Object{"predictor": kubefake.Object{"model": kubefake.Object{"storageUri": uri}}}})
}

// holds makes another incident hold the endpoint.
func (w *world) holds(path string) {
	w.kube.MergeAt(path, kubefake.Object{"metadata": kubefake.Object{"annotations": kubefake.Object{"firebreak.dev/incident": "incident/other"}}})
}

func (w *world) operation(action string) *playbooks.Operation {
	return &playbooks.Operation{
		ID: playbooks.NewOperationID(incidentID, time.Time{}, action, "credit-api"), IncidentID: incidentID, Step: action, Action: action,
		Target: inventory.Target{
			ID: "credit-api", Kind: inventory.EndpointTarget, Endpoint: w.endpoint,
			KnownGood: &inventory.Checkpoint{ID: "credit-scorer@16", URI: goodURI, RootDigest: good},
		},
		With: map[string]string{"probes": "3", "interval": "1ms"},
	}
}

func (w *world) subject(action string) *conformance.Subject {
	return &conformance.Subject{
		Operation: w.operation(action), Provider: w.provider, State: w.state, Secrets: []string{kubefake.Token},
		Observes: true, Absent: func(*testing.T) { w.kube.Drop(servicePath) },
	}
}

// contained is a world whose endpoint this incident has taken out of service and pointed at the known-good checkpoint.
func contained(t *testing.T, disable *serving.Disable, w *world) {
	t.Helper()
	op := w.operation("endpoint.disable")
	c, err := disable.Capture(t.Context(), op)
	require.NoError(t, err)
	op.Capture = c
	_, err = disable.Do(t.Context(), op)
	require.NoError(t, err)
	w.pointAt(goodURI)
}
