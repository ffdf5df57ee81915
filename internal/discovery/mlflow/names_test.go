package mlflow_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/discovery"
	"firebreak/internal/discovery/mlflow"
	"firebreak/internal/inventory"
)

// known is an inventory that calls the registered model and its versions by names of its own.
func known(t *testing.T) *inventory.Inventory {
	t.Helper()
	inv, err := inventory.Draft("assets.yaml", []byte(`schema: ai-assets/v1
models: [{id: lending-score, registry: {platform: mlflow, name: credit-scorer}}]
checkpoints:
  - {id: lending-score@2026-08, model: lending-score, registry_version: "17"}
  - {id: lending-score@9, model: lending-score, registry_version: "18"}
`))
	require.NoError(t, err)
	return inv
}

func TestARegisteredModelIsKnownByItsRegistry(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.token = secret
	f, err := mlflow.Discover(t.Context(), client(t, s), discovery.Options{Known: known(t)}, now)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"registry.platform": "mlflow", "registry.name": "credit-scorer"}, fields(f, "lending-score"))
	require.False(t, f.Has("models", "credit-scorer"), "it is no second model")
	require.Equal(t, "run-9340", fields(f, "lending-score@2026-08")["built.run_id"], "version 17 is the checkpoint that says so")
	require.Equal(t, "gone", fields(f, "lending-score@9")["built.run_id"], "and version 18 the one that is numbered otherwise")
	require.Equal(t, "lending-score@2026-08", f.Edges[0].To)
	require.Contains(t, strings.Join(f.Notes, "\n"), "version 9 of lending-score is left out: lending-score@9 is registered as version 18; give it an id of its own")
}

func TestThePersonsNameGoesFirst(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.token = secret
	f, err := mlflow.Discover(t.Context(), client(t, s), discovery.Options{Known: known(t), Names: map[string]string{"credit-scorer": "score"}}, now)
	require.NoError(t, err)
	require.Equal(t, "credit-scorer", fields(f, "score")["registry.name"])
	require.True(t, f.Has("checkpoints", "score@17"))
}
