package inventory_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
)

func TestAnEndpointOnSageMaker(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../testdata/inventory/nordwall.yaml")
	require.NoError(t, err)
	const old = `serving: {platform: k8s, cluster: eu-1, namespace: lending, name: credit-batch, route: none, replicas_selector: "app=credit-batch"}`
	require.Contains(t, string(content), old)
	text := strings.Replace(string(content), old, `serving: {platform: sagemaker, cluster: eu-central-1, name: credit-batch, component: scorer, parked: refuses,
      guardrails: {traffic: canary, percent: 10, wait: 5m, alarms: [credit-5xx]}}`, 1)
	inv, err := inventory.Parse("nordwall.yaml", []byte(text))
	require.NoError(t, err)
	require.Equal(t, inventory.Serving{
		Platform: "sagemaker", Cluster: "eu-central-1", Name: "credit-batch", Component: "scorer", Parked: "refuses",
		Guardrails: &inventory.Guardrails{Traffic: "canary", Percent: 10, Wait: "5m", Alarms: []string{"credit-5xx"}},
	}, inv.Endpoint("credit-batch").Serving)
}
