package workload_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/conformance"
	"firebreak/activities/probe"
	"firebreak/activities/serving"
	"firebreak/activities/serving/kube"
	"firebreak/activities/serving/kube/kubefake"
	"firebreak/activities/serving/workload"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

const (
	suspectURI = "s3://registry/credit/17/"
	goodURI    = "s3://registry/credit/16/"
	suspect    = "sha256:suspect"
	good       = "sha256:good"
	incidentID = "incident/backdoor-discovery/credit-scorer@17"
	envSecret  = "env-secret-hunter3"

	deployment = "/apis/apps/v1/namespaces/lending/deployments/credit-batch"
	service    = "/api/v1/namespaces/lending/services/credit-batch"
	scaler     = "/apis/keda.sh/v1alpha1/namespaces/lending/scaledobjects/batch-scaler"
	policy     = "/apis/networking.k8s.io/v1/namespaces/lending/networkpolicies/firebreak-credit-batch"
)

// world is a cluster with one Deployment behind a Service, scaled by KEDA, and a model server that does as they say.
type world struct {
	kube            *kubefake.Server
	provider        *conformance.Provider
	setup           serving.Setup
	endpoint        *inventory.Endpoint
	stubborn, stale atomic.Bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{kube: kubefake.New(t)}
	w.kube.Add(deployment, kubefake.Object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": kubefake.Object{"annotations": kubefake.Object{"team": "lending"}},
		"spec": kubefake.Object{"replicas": 3, "template": kubefake.Object{"spec": kubefake.Object{
			"containers": []any{kubefake.Object{"name": "triton", "image": "registry/triton@sha256:aa", "args": []any{"--model-repository=" + suspectURI, "--log=1"},
				"env": []any{kubefake.Object{"name": "API_KEY", "value": envSecret}, kubefake.Object{"name": "MODEL_URI", "value": suspectURI}}}},
			"initContainers": []any{kubefake.Object{"name": "fetch", "command": []any{"sh", "-c", "cp -r " + suspectURI + " /models"}}},
		}}},
	})
	w.kube.Add(service, kubefake.Object{"kind": "Service", "spec": kubefake.Object{"selector": kubefake.Object{"app": "credit-batch"}}})
	w.kube.Add(scaler, kubefake.Object{"kind": "ScaledObject", "spec": kubefake.Object{"scaleTargetRef": kubefake.Object{"name": "credit-batch"}}})
	w.provider = conformance.NewProvider(w.kube, nil)
	api, err := kube.New(kubefake.Kubeconfig(t, w.provider))
	require.NoError(t, err)
	model := httptest.NewServer(http.HandlerFunc(w.predict))
	t.Cleanup(model.Close)
	w.endpoint = &inventory.Endpoint{
		ID: "credit-batch",
		Serving: inventory.Serving{Platform: "k8s", Cluster: kubefake.Context, Namespace: "lending", Name: "credit-batch",
			ReplicasSelector: "app=credit-batch"},
		Probe: inventory.Probe{URL: model.URL, ExpectDigestHeader: "x-model-digest"},
	}
	w.setup = serving.Setup{
		Platforms: serving.Platforms{"k8s": workload.New(api.WithTimeout(2 * time.Second))}, Outside: probe.New(),
		Patience: serving.Patience{Poll: 2 * time.Millisecond, Stop: time.Second, Start: time.Second},
	}
	return w
}

func (w *world) predict(out http.ResponseWriter, _ *http.Request) {
	var selector struct {
		Spec struct {
			Selector map[string]string `json:"selector"`
		} `json:"spec"`
	}
	_ = json.Unmarshal([]byte(w.kube.Object(service)), &selector)
	var d workload.Deployment
	_ = json.Unmarshal([]byte(w.kube.Object(deployment)), &d)
	off := selector.Spec.Selector[workload.IsolatedLabel] != "" || *d.Spec.Replicas == 0
	if off && !w.stubborn.Load() {
		out.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	digest := suspect
	if strings.Contains(w.kube.Object(deployment), goodURI) && !w.stale.Load() {
		digest = good
	}
	out.Header().Set("x-model-digest", digest)
}

func (w *world) state(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(w.kube.All())
	require.NoError(t, err)
	return string(text)
}

// pointAt makes somebody else point the Deployment elsewhere.
func (w *world) pointAt(from, to string) {
	var object kubefake.Object
	_ = json.Unmarshal([]byte(strings.ReplaceAll(w.kube.Object(deployment), from, to)), &object)
	w.kube.MergeAt(deployment, kubefake.Object{"spec": object["spec"]})
}

func (w *world) holds(path string) {
	w.kube.MergeAt(path, kubefake.Object{"metadata": kubefake.Object{"annotations": kubefake.Object{"firebreak.dev/incident": "incident/other"}}})
}

func (w *world) operation(action string) *playbooks.Operation {
	return &playbooks.Operation{
		ID: playbooks.NewOperationID(incidentID, time.Time{}, action, "credit-batch"), IncidentID: incidentID, Step: action, Action: action,
		Target: inventory.Target{
			ID: "credit-batch", Kind: inventory.EndpointTarget, Endpoint: w.endpoint,
			KnownGood: &inventory.Checkpoint{ID: "credit-scorer@16", URI: goodURI, RootDigest: good},
		},
		With: map[string]string{"probes": "3", "interval": "1ms"},
	}
}

func (w *world) subject(action string) *conformance.Subject {
	return &conformance.Subject{
		Operation: w.operation(action), Provider: w.provider, State: w.state, Secrets: []string{kubefake.Token, envSecret},
		Observes: true, Absent: func(*testing.T) { w.kube.Drop(deployment) },
	}
}
