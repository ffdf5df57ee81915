package registry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/conformance"
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
		s.a.platforms = serving.Platforms{"kserve": kserve.New(api.WithTimeout(100 * time.Millisecond))}
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
