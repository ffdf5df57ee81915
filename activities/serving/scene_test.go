package serving_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/probe"
	"firebreak/activities/serving"
	"firebreak/activities/serving/kserve"
	"firebreak/activities/serving/kube"
	"firebreak/activities/serving/kube/kubefake"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

const (
	suspectURI = "s3://registry/credit/17/"
	goodURI    = "s3://registry/credit/16/"
	goodDigest = "sha256:good"
	incidentID = "incident/backdoor-discovery/credit-scorer@17"
)

// scene is a cluster with one InferenceService, and a model server that follows it.
type scene struct {
	kube *kubefake.Server
	// stubborn makes the model server answer although it is stopped.
	stubborn atomic.Bool
	// digest, if set, is what the model server says in place of the digest of what the spec names.
	digest   atomic.Value
	endpoint *inventory.Endpoint
	setup    serving.Setup
}

func newScene(t *testing.T, annotations map[string]string) *scene {
	t.Helper()
	s := &scene{kube: kubefake.New(t)}
	s.kube.Put("lending", "credit-scorer", suspectURI, annotations)
	model := httptest.NewServer(http.HandlerFunc(s.predict))
	t.Cleanup(model.Close)
	k8s, err := kube.New(s.kube.Kubeconfig)
	require.NoError(t, err)
	s.endpoint = &inventory.Endpoint{
		ID:      "credit-api",
		Serving: inventory.Serving{Platform: "kserve", Cluster: kubefake.Context, Namespace: "lending", Name: "credit-scorer"},
		Probe:   inventory.Probe{URL: model.URL, ExpectDigestHeader: "x-model-digest"},
	}
	s.setup = serving.Setup{
		Platforms: serving.Platforms{"kserve": kserve.New(k8s)}, Outside: probe.New(),
		Patience: serving.Patience{Poll: 2 * time.Millisecond, Stop: time.Second, Start: time.Second},
	}
	return s
}

func (s *scene) predict(w http.ResponseWriter, _ *http.Request) {
	if strings.EqualFold(s.annotations()[kserve.StopAnnotation], "true") && !s.stubborn.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	digest := map[string]string{goodURI: goodDigest, suspectURI: "sha256:suspect"}[s.kube.StorageURI("lending", "credit-scorer")]
	if forced, ok := s.digest.Load().(string); ok {
		digest = forced
	}
	w.Header().Set("x-model-digest", digest)
}

func (s *scene) annotations() map[string]string {
	return s.kube.Annotations("lending", "credit-scorer")
}

func (s *scene) merge(patch kubefake.Object) { s.kube.Merge("lending", "credit-scorer", patch) }

func (s *scene) pointAt(uri string) {
	s.merge(kubefake.Object{"spec": kubefake.Object{"predictor": kubefake.Object{"model": kubefake.Object{"storageUri": uri}}}})
}

func (s *scene) annotate(name string, v any) {
	s.merge(kubefake.Object{"metadata": kubefake.Object{"annotations": kubefake.Object{name: v}}})
}

func (s *scene) operation(action, step string) *playbooks.Operation {
	return &playbooks.Operation{
		ID: playbooks.NewOperationID(incidentID, time.Time{}, step, "credit-api"), IncidentID: incidentID, Step: step, Action: action,
		Target: inventory.Target{
			ID: "credit-api", Kind: inventory.EndpointTarget, Endpoint: s.endpoint,
			KnownGood: &inventory.Checkpoint{ID: "credit-scorer@16", URI: goodURI + "?versionId=c2", RootDigest: goodDigest},
		},
		With: map[string]string{"probes": "3", "interval": "1ms"},
	}
}

// stages is the interface that the wiring asks for.
type stages interface {
	Capture(context.Context, *playbooks.Operation) (*incident.Capture, error)
	Do(context.Context, *playbooks.Operation) (*incident.Effect, error)
	Verify(context.Context, *playbooks.Operation) (*incident.Proof, error)
	Undo(context.Context, *playbooks.Operation) (*incident.Effect, error)
}

var (
	_ stages = (*serving.Disable)(nil)
	_ stages = (*serving.Enable)(nil)
)

// capture runs the first stage and carries its result through JSON, as history does.
func capture(t *testing.T, a stages, op *playbooks.Operation) {
	t.Helper()
	c, err := a.Capture(t.Context(), op)
	require.NoError(t, err)
	text, err := json.Marshal(c)
	require.NoError(t, err)
	require.NotContains(t, string(text), "hunter2")
	op.Capture = &incident.Capture{}
	require.NoError(t, json.Unmarshal(text, op.Capture))
}

func do(t *testing.T, a stages, op *playbooks.Operation) *incident.Effect {
	t.Helper()
	effect, err := a.Do(t.Context(), op)
	require.NoError(t, err)
	op.Effect = effect
	return effect
}
