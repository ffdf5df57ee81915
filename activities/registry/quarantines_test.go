package registry_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"firebreak/activities/registry"
	"firebreak/activities/serving/sagemaker"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// A target goes to its own registry; one in a registry that nobody knows is refused and not taken for another's.
func TestQuarantinesFindTheRegistry(t *testing.T) {
	t.Parallel()
	q := registry.NewQuarantines(registry.NewQuarantine(nil), sagemaker.NewPackages(sagemaker.NewFromConfig(aws.Config{}, 0)))
	for platform, says := range map[string]string{"sagemaker": "set AWS_REGION", "mlflow": "set MLFLOW_TRACKING_URI", "hub": "registry hub of"} {
		op := &playbooks.Operation{Action: "registry.quarantine", Target: inventory.Target{
			ID: "credit-scorer@17", Kind: inventory.RegisteredTarget, Registered: &inventory.Registered{Platform: platform, Name: "credit", Version: "17", Reject: true},
		}}
		_, err := q.Capture(t.Context(), op)
		require.ErrorContains(t, err, says)
		_, err = q.Verify(t.Context(), op)
		require.ErrorContains(t, err, says)
		for _, stage := range []func() error{
			func() error { _, err := q.Do(t.Context(), op); return err },
			func() error { _, err := q.Undo(t.Context(), op); return err },
		} {
			require.Error(t, stage())
		}
	}
}
