package registry

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/conformance"
	"firebreak/activities/registry/mlflow/mlflowfake"
	"firebreak/activities/serving"
	"firebreak/activities/serving/kserve"
	"firebreak/activities/serving/kube"
	"firebreak/activities/serving/kube/kubefake"
)

func TestRollbackConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		s := newScene(t)
		provider := conformance.NewProvider(s.kube, nil)
		api, err := kube.New(kubefake.Kubeconfig(t, provider))
		require.NoError(t, err)
		s.a.platforms = serving.Platforms{"kserve": kserve.New(api.WithTimeout(2 * time.Second))}
		elsewhere := func(*testing.T) { s.pointAt("s3://registry/credit/18/") }
		return &conformance.Subject{
			Action: s.a, Operation: s.op, Provider: provider, Secrets: []string{kubefake.Token},
			State: func(*testing.T) string {
				return s.kube.Object("/apis/serving.kserve.io/v1beta1/namespaces/lending/inferenceservices/credit-scorer")
			},
			Change: elsewhere, ChangeAfter: elsewhere,
			Hollow: func(*testing.T) { s.kube.AfterEachChange(func() { s.pointAt(suspectURI) }) },
			Absent: func(*testing.T) { s.op.Target.Endpoint.Serving.Name = "absent" },
		}
	})
}

func TestQuarantineConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		w := newWard(t)
		provider := conformance.NewProvider(w.server, nil)
		server := httptest.NewServer(provider)
		t.Cleanup(server.Close)
		w.a = NewQuarantine(mlflowClient(t, server.URL, mlflowfake.Token).WithTimeout(2 * time.Second))
		return &conformance.Subject{
			Action: w.a, Operation: w.op, Provider: provider, Secrets: []string{mlflowfake.Token},
			State: func(t *testing.T) string {
				v, aliases := w.server.State("credit", "17")
				text, err := json.Marshal([]any{v, aliases})
				require.NoError(t, err)
				return string(text)
			},
			Change:      func(*testing.T) { w.server.Point("credit", "canary", "17") },
			ChangeAfter: func(*testing.T) { w.server.Point("credit", "prod", "16") },
			// Somebody's deployment points its alias at the version again.
			Hollow: func(*testing.T) {
				w.server.Before(func(call string) {
					if call == "GET model-versions/search" {
						w.server.Point("credit", "prod", "17")
					}
				})
			},
			Absent: func(*testing.T) { w.op.Target.Registered.Version = "99" },
		}
	})
}
