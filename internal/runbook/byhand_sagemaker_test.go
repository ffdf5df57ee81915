package runbook

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// What is for SageMaker alone is on the sheet of those who have an endpoint there, and of those whose endpoints are not known.
func TestSageMakerIsOnTheSheetWhereItIsConcerned(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"endpoint.disable", "endpoint.isolate", "endpoint.shift", "endpoint.enable", "checkpoint.rollback", "registry.quarantine"} {
		for platform, concerned := range map[string]bool{"sagemaker": true, "kserve": false} {
			step := &playbooks.Step{ID: "s", Action: action}
			e := &inventory.Endpoint{ID: "credit-api", Serving: inventory.Serving{Platform: platform, Cluster: "eu-central-1", Name: "credit-api", Component: "scorer"}}
			target := inventory.Target{ID: "credit-api", Kind: inventory.EndpointTarget, Endpoint: e, Registered: &inventory.Registered{Platform: platform}}
			plan := &playbooks.Plan{Targets: map[string][]inventory.Target{"s": {target}}}
			var s SheetStep
			s.action(step, plan)
			require.Equal(t, concerned, slices.ContainsFunc(s.Do, func(line string) bool { return strings.HasPrefix(line, "SageMaker") }), "%s on %s", action, platform)
			require.Contains(t, s.On[0], "COMPONENT scorer")
		}
		hand, _ := ByHand(action)
		require.Contains(t, strings.Join(hand.Do, "\n"), "SageMaker", action)
	}
}
