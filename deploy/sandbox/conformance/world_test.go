package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/conformance"
	"firebreak/activities/probe"
	"firebreak/activities/serving"
	"firebreak/activities/serving/kserve"
	"firebreak/activities/serving/kube"
	"firebreak/deploy/sandbox/company"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

const (
	name       = "credit-scorer"
	incidentID = "incident/backdoor-discovery/credit-scorer@17"
)

// world is a namespace with one InferenceService, and the worker's way to it through a provider.
type world struct {
	*cluster
	services, policies string // paths
	service, fence     string
	namespace          string
	provider           *conformance.Provider
	setup              serving.Setup
	endpoint           *inventory.Endpoint
	// others is what others do after each change by the worker, before the worker knows of it; nil for nothing.
	others atomic.Pointer[func() error]
}

// newWorld makes the InferenceService, which loads the suspect checkpoint, and waits until it is as its annotations say.
func newWorld(t *testing.T, c *cluster, annotations object) *world {
	t.Helper()
	w := &world{cluster: c, namespace: fmt.Sprintf("lending-%d", c.worlds.Add(1))}
	w.services = "/apis/serving.kserve.io/v1beta1/namespaces/" + w.namespace + "/inferenceservices"
	w.policies = "/apis/networking.k8s.io/v1/namespaces/" + w.namespace + "/networkpolicies"
	w.service, w.fence = w.services+"/"+name, w.policies+"/firebreak-"+name
	w.provider = conformance.NewProvider(w.proxy(t), nil)
	api, err := kube.New(w.kubeconfig(t))
	require.NoError(t, err)
	w.endpoint = &inventory.Endpoint{
		ID:      "credit-api",
		Serving: inventory.Serving{Platform: "kserve", Cluster: "sandbox", Namespace: w.namespace, Name: name},
		Probe: inventory.Probe{
			URL: fmt.Sprintf("%s/%s/%s/v1/models/%s:predict", c.modelURL, w.namespace, name, name), ExpectDigestHeader: "x-model-digest",
		},
	}
	w.setup = serving.Setup{
		Platforms: serving.Platforms{"kserve": kserve.New(api.WithTimeout(5 * time.Second))}, Outside: probe.New(),
		Patience: serving.Patience{Poll: 20 * time.Millisecond, Stop: 15 * time.Second, Start: 15 * time.Second},
	}
	_, err = c.call(t.Context(), http.MethodPost, w.services, object{
		"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
		"metadata": object{"name": name, "annotations": annotations},
		"spec": object{"predictor": object{"model": object{
			"modelFormat": object{"name": "custom"}, "storageUri": suspectURI, "env": []any{object{"name": "LOG_LEVEL", "value": "info"}}}}},
	})
	require.NoError(t, err)
	w.settled(t)
	return w
}

// proxy passes requests on to the API server as they are.
func (w *world) proxy(t *testing.T) http.Handler {
	t.Helper()
	target, err := url.Parse(w.kubernetes.URL)
	require.NoError(t, err)
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: w.http.Transport,
		ErrorLog:  log.New(io.Discard, "", 0), // callers that give up
		ModifyResponse: func(res *http.Response) error {
			if others := w.others.Load(); others != nil && res.Request.Method != http.MethodGet {
				return (*others)()
			}
			return nil
		},
	}
}

// kubeconfig is the worker's own, with the provider as the server.
func (w *world) kubeconfig(t *testing.T) string {
	t.Helper()
	front := httptest.NewServer(w.provider)
	t.Cleanup(front.Close)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	content := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q}}]
users: [{name: u, user: {token: %q}}]
contexts: [{name: sandbox, context: {cluster: c, user: u}}]
`, front.URL, w.kubernetes.Tokens[company.Responder])
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// settled waits until the model server has done what the newest spec says.
func (w *world) settled(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		read, err := w.call(t.Context(), http.MethodGet, w.service, nil)
		if err != nil {
			return false
		}
		status, _ := read["status"].(object)
		model, _ := status["modelStatus"].(object)
		return status["observedGeneration"] == read["metadata"].(object)["generation"] && model["transitionStatus"] != "InProgress"
	}, settles, 20*time.Millisecond)
}

// refused waits until callers of the endpoint are refused.
func (w *world) refused(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		answer, err := w.setup.Outside.Call(t.Context(), w.endpoint.Probe)
		return err == nil && !answer.Answered
	}, settles, 20*time.Millisecond)
}

// state is all InferenceServices and NetworkPolicies as the API server holds them, but for its own books and the status,
// which is the model server's. A policy that was removed and is made again is another to the server, made at another time.
func (w *world) state(t *testing.T) string {
	t.Helper()
	held := map[string]any{}
	for path, books := range map[string][]string{
		w.services: {"resourceVersion", "generation", "managedFields"},
		w.policies: {"resourceVersion", "generation", "managedFields", "uid", "creationTimestamp"},
	} {
		list, err := w.call(t.Context(), http.MethodGet, path, nil)
		require.NoError(t, err)
		for _, item := range list["items"].([]any) {
			delete(item.(object), "status")
			for _, field := range books {
				delete(item.(object)["metadata"].(object), field)
			}
		}
		held[path] = list["items"]
	}
	text, err := json.Marshal(held)
	require.NoError(t, err)
	return string(text)
}

// merge changes an object as another person would.
func (w *world) merge(t *testing.T, path string, patch object) {
	t.Helper()
	_, err := w.call(t.Context(), http.MethodPatch, path, patch)
	require.NoError(t, err)
}

func pointing(uri string) object {
	return object{"spec": object{"predictor": object{"model": object{"storageUri": uri}}}}
}

// holds makes another incident hold the endpoint.
func (w *world) holds(t *testing.T, path string) {
	t.Helper()
	w.merge(t, path, object{"metadata": object{"annotations": object{"firebreak.dev/incident": "incident/other"}}})
}

func (w *world) operation(action string) *playbooks.Operation {
	return &playbooks.Operation{
		ID: playbooks.NewOperationID(incidentID, time.Time{}, action, "credit-api"), IncidentID: incidentID, Step: action, Action: action,
		Target: inventory.Target{
			ID: "credit-api", Kind: inventory.EndpointTarget, Endpoint: w.endpoint,
			KnownGood: &inventory.Checkpoint{ID: "credit-scorer@16", URI: goodURI, RootDigest: w.good},
		},
		With: map[string]string{"probes": "3", "interval": "1ms"},
	}
}

func (w *world) subject(action string) *conformance.Subject {
	return &conformance.Subject{
		Operation: w.operation(action), Provider: w.provider, Patience: settles, State: w.state,
		Secrets: []string{w.kubernetes.Tokens[company.Responder]}, Observes: true,
		Absent: func(t *testing.T) {
			_, err := w.call(t.Context(), http.MethodDelete, w.service, nil)
			require.NoError(t, err)
		},
	}
}
