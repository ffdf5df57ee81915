package platforms_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/platforms"
	"firebreak/internal/discovery"
	"firebreak/internal/discovery/mlflow"
	"firebreak/internal/inventory"
)

const rootDigest = "sha256:ba72c2138cd2bb3c056dea698e57278178dd81d3e283e35a99fa0ef6c0106489"

// registered puts into a real MLflow a run with the data that it read, a version of it and more versions than a page holds.
func registered(t *testing.T) *platforms.MLflow {
	t.Helper()
	server, err := platforms.StartMLflow(t.Context(), python(t), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	call := func(path string, in map[string]any) map[string]any {
		raw, err := server.Call(t.Context(), path, in)
		require.NoError(t, err, path)
		var out map[string]any
		require.NoError(t, json.Unmarshal(raw, &out))
		return out
	}
	finished := time.Date(2026, 8, 30, 3, 40, 0, 0, time.UTC)
	run := call("runs/create", map[string]any{
		"experiment_id": "0", "start_time": finished.Add(-time.Hour).UnixMilli(), "tags": []map[string]string{{"key": "mlflow.source.git.commit", "value": "9ab27d4"}},
	})["run"].(map[string]any)["info"].(map[string]any)["run_id"].(string)
	call("runs/log-inputs", map[string]any{"run_id": run, "datasets": []map[string]any{{
		"tags":    []map[string]string{{"key": "mlflow.data.context", "value": "training"}},
		"dataset": map[string]string{"name": "loan-applications", "digest": "2026-07-31", "source_type": "s3", "source": `{"uri": "s3://nordwall-data/loan-applications/2026-07-31/"}`},
	}}})
	call("runs/update", map[string]any{"run_id": run, "status": "FINISHED", "end_time": finished.UnixMilli()})
	call("registered-models/create", map[string]any{"name": "lending's credit"})
	for i := range 120 {
		v := map[string]any{"name": "lending's credit", "source": "s3://nordwall-registry/credit-scorer/", "tags": []map[string]string{}}
		if i == 16 {
			v["run_id"], v["tags"] = run, []map[string]string{{"key": "firebreak.root_digest", "value": rootDigest}}
		}
		call("model-versions/create", v)
	}
	call("registered-models/alias", map[string]any{"name": "lending's credit", "alias": "prod", "version": "17"})
	return server
}

func TestDiscoverARealMLflow(t *testing.T) {
	t.Parallel()
	server := registered(t)
	client, err := mlflow.New(server.URL, "", "", "")
	require.NoError(t, err)
	opt := discovery.Options{Env: "prod", Names: map[string]string{"lending's credit": "credit-scorer"}}
	found, err := mlflow.Discover(t.Context(), client, opt, time.Now())
	require.NoError(t, err)
	got := map[string]any{}
	checkpoints := 0
	for _, a := range found.Assets {
		if a.Section == "checkpoints" {
			checkpoints++
		}
		for _, f := range a.Fields {
			got[a.ID+" "+f.Path] = f.Value
		}
	}
	require.Equal(t, 120, checkpoints, "all pages")
	for key, want := range map[string]any{
		"credit-scorer registry.name": "lending's credit", "credit-scorer@17 root_digest": rootDigest, "credit-scorer@17 built.code_commit": "9ab27d4",
		"credit-scorer@17 built.finished": "2026-08-30T03:40:00Z", "credit-scorer@17 built.datasets": []string{"loan-applications@2026-07-31"},
		"loan-applications@2026-07-31 uri": "s3://nordwall-data/loan-applications/2026-07-31/",
	} {
		require.Equal(t, want, got[key], key)
	}
	require.Len(t, found.Edges, 1)
	notes := strings.Join(found.Notes, "\n")
	require.Contains(t, notes, "alias prod of credit-scorer is version 17")
	require.Contains(t, notes, "N8: credit-scorer@1 names no run")

	require.NoError(t, server.Stop())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err = mlflow.Discover(ctx, client, opt, time.Now())
	require.ErrorContains(t, err, "connection refused")
}

// TestImportARealMLflow runs the program as a person does: the reference inventory calls the model by a name of its own.
func TestImportARealMLflow(t *testing.T) {
	t.Parallel()
	server := registered(t)
	raw, err := os.ReadFile("../../../testdata/inventory/nordwall.yaml")
	require.NoError(t, err)
	was := strings.Replace(string(raw), "registry: {platform: mlflow, name: credit-scorer}", "registry: {platform: mlflow, name: lending's credit}", 1)
	file := filepath.Join(t.TempDir(), "assets.yaml")
	require.NoError(t, os.WriteFile(file, []byte(was), 0o600))
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", "run", "./cmd/trigger", "inventory", "import", "--from", "mlflow", server.URL, "--env", "prod", "--into", file, "--incomplete")
	cmd.Dir, cmd.Stderr = "../../..", &said
	require.Error(t, cmd.Run(), "what contradicts the inventory is a conflict")
	require.Contains(t, said.String(), "CONFLICT credit-scorer@17: built.run_id", said.String())
	is, err := os.ReadFile(file)
	require.NoError(t, err)
	after, err := inventory.Draft(file, is)
	require.NoError(t, err)
	require.NotNil(t, after.Checkpoint("credit-scorer@120"))
	require.Equal(t, "run-9340", after.Checkpoint("credit-scorer@17").Built.RunID, "what a person wrote stays")
	for _, line := range strings.Split(was, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "#") || strings.HasPrefix(line, "  - {id: litellm") {
			require.Contains(t, string(is), line)
		}
	}
}
