package platforms_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/activities/registry"
	"firebreak/activities/registry/mlflow"
	"firebreak/deploy/sandbox/platforms"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// lab is a model of a real MLflow with versions 1 to 3; prod and champion name version 2, previous names version 1.
type lab struct {
	name   string
	server *platforms.MLflow
	client *mlflow.Client
	a      *registry.Quarantine
	op     *playbooks.Operation
}

func startMLflow(t *testing.T) *platforms.MLflow {
	t.Helper()
	server, err := platforms.StartMLflow(t.Context(), python(t), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

// newLab is a server with credit-scorer.
func newLab(t *testing.T) *lab {
	t.Helper()
	return labOn(t, startMLflow(t), "credit-scorer")
}

// labOn makes a model on a server.
func labOn(t *testing.T, server *platforms.MLflow, name string) *lab {
	t.Helper()
	l := &lab{name: name, server: server}
	l.call(t, "registered-models/create", map[string]any{"name": name})
	for _, v := range []string{"1", "2", "3"} {
		l.call(t, "model-versions/create", map[string]any{"name": name, "source": "s3://nordwall-registry/" + name + "/" + v + "/", "tags": []map[string]string{{"key": "team", "value": "risk"}}})
	}
	for alias, v := range map[string]string{"prod": "2", "champion": "2", "previous": "1"} {
		l.call(t, "registered-models/alias", map[string]any{"name": name, "alias": alias, "version": v})
	}
	l.call(t, "model-versions/transition-stage", map[string]any{"name": name, "version": "2", "stage": "Production", "archive_existing_versions": false})
	var err error
	l.client, err = mlflow.New(mlflow.Settings{Address: server.URL})
	require.NoError(t, err)
	l.a = registry.NewQuarantine(l.client)
	l.op = &playbooks.Operation{
		ID: "incident/backdoor-discovery/m/quarantine-registry/credit-scorer@2", IncidentID: "incident/backdoor-discovery/m", Step: "quarantine-registry", Action: "registry.quarantine",
		Target: inventory.Target{ID: "credit-scorer@2", Kind: inventory.RegisteredTarget, Registered: &inventory.Registered{Platform: "mlflow", Name: name, Version: "2"}},
	}
	return l
}

func (l *lab) call(t *testing.T, path string, in any) {
	t.Helper()
	_, err := l.server.Call(t.Context(), path, in)
	require.NoError(t, err)
}

// state is everything that MLflow says of version 2, times aside, which no client can set back.
func (l *lab) state(t *testing.T) string {
	t.Helper()
	v, err := l.client.Version(t.Context(), l.name, "2")
	require.NoError(t, err)
	aliases, err := l.client.Aliases(t.Context(), l.name)
	require.NoError(t, err)
	text, err := json.Marshal([]any{v, aliases})
	require.NoError(t, err)
	return string(text)
}

func (l *lab) capture(t *testing.T) {
	t.Helper()
	c, err := l.a.Capture(t.Context(), l.op)
	require.NoError(t, err)
	l.op.Capture = c
}

func TestQuarantineOnARealMLflow(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	before := l.state(t)
	l.capture(t)
	proof, err := l.a.Verify(t.Context(), l.op)
	require.NoError(t, err)
	require.False(t, proof.Proved)
	for _, changed := range []bool{true, false} {
		effect, err := l.a.Do(t.Context(), l.op)
		require.NoError(t, err)
		require.Equal(t, changed, effect.Changed)
	}
	proof, err = l.a.Verify(t.Context(), l.op)
	require.NoError(t, err)
	require.True(t, proof.Proved, proof.Method)
	require.NotContains(t, l.state(t), "prod")
	require.Contains(t, l.state(t), `"previous":"1"`)

	// Whoever may write can point an alias at it again; that is found, and contained again.
	l.call(t, "registered-models/alias", map[string]any{"name": "credit-scorer", "alias": "prod", "version": "2"})
	proof, err = l.a.Verify(t.Context(), l.op)
	require.NoError(t, err)
	require.False(t, proof.Proved)
	require.Contains(t, proof.Method, "its aliases are prod")
	effect, err := l.a.Do(t.Context(), l.op)
	require.NoError(t, err)
	require.True(t, effect.Changed)

	for _, changed := range []bool{true, false} {
		effect, err = l.a.Undo(t.Context(), l.op)
		require.NoError(t, err)
		require.Equal(t, changed, effect.Changed)
		require.Equal(t, before, l.state(t), "byte for byte")
	}
}

func TestQuarantineOnARealMLflowRefuses(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.capture(t)
	l.call(t, "registered-models/alias", map[string]any{"name": "credit-scorer", "alias": "canary", "version": "2"})
	_, err := l.a.Do(t.Context(), l.op)
	code, _ := failure.CodeOf(err)
	require.Equal(t, failure.TargetChanged, code, err)
	l.op.Target.Registered.Version = "99"
	_, err = l.a.Capture(t.Context(), l.op)
	code, _ = failure.CodeOf(err)
	require.Equal(t, failure.Invalid, code, err)
	l.op.Target.Registered.Name = "nobody's"
	_, err = l.a.Verify(t.Context(), l.op)
	require.Error(t, err)
	require.NoError(t, l.server.Stop())
	_, err = l.a.Capture(t.Context(), l.op)
	require.ErrorContains(t, err, "cannot be reached")
	_, final := failure.CodeOf(err)
	require.False(t, final)
}

// The plan hears from a real registry that a candidate is quarantined, and of a version that the inventory does not have.
func TestSelectionHearsARealMLflow(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	inv, err := inventory.Load("../../../testdata/inventory/nordwall.yaml")
	require.NoError(t, err)
	inv.Checkpoint("credit-scorer@16").RegistryVersion, inv.Checkpoint("credit-scorer@17").RegistryVersion = "1", "2"
	radius, err := inv.BlastRadius("credit-scorer@17")
	require.NoError(t, err)
	sources := registry.NewSources(l.client, nil)
	heard := func() inventory.Selection {
		return inv.WithFindings(sources.Findings(t.Context(), inv, radius.Models)).Select("credit-scorer", radius)
	}
	chosen := heard()
	require.NotNil(t, chosen.Checkpoint, chosen.Rejected)
	require.Equal(t, "credit-scorer@16", chosen.Checkpoint.ID)
	require.Contains(t, strings.Join(chosen.Rejected, "\n"), "credit-scorer@3: status is only in MLflow, not in the inventory")

	l.op.Target.Registered.Version = "1"
	l.capture(t)
	_, err = l.a.Do(t.Context(), l.op)
	require.NoError(t, err)
	chosen = heard()
	require.Nil(t, chosen.Checkpoint, "none is an answer")
	require.Contains(t, strings.Join(chosen.Rejected, "\n"), "credit-scorer@16: in MLflow its tag firebreak.status is quarantined")
}
