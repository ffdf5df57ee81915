package discovery_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/discovery"
	"firebreak/internal/discovery/cyclonedx"
	"firebreak/internal/discovery/kubernetes"
	"firebreak/internal/discovery/openlineage"
	"firebreak/internal/inventory"
)

// TestWhatAPersonWroteStays contradicts the reference inventory in each way.
func TestWhatAPersonWroteStays(t *testing.T) {
	t.Parallel()
	f := &discovery.Found{Source: "mlflow"}
	f.Asset("models", "credit-scorer").Set("env", "staging")
	f.Asset("models", "credit-scorer").Set("registry", "mlflow")
	c := f.Asset("checkpoints", "credit-scorer@17")
	c.Set("root_digest", "sha256:00")
	c.Set("size", int64(1))
	c.Set("model", []string{"a", "b"})
	c.Set("id", []discovery.Item{{{Path: "a", Value: "b"}}})
	c.Set("status.reason", "x")
	c.Set("built.datasets", []string{"loan-applications@2026-07-31#sha256:00"})
	doc, err := discovery.Document([]byte(reference(t)))
	require.NoError(t, err)
	report := discovery.Merge(doc, f, now)
	var fields []string
	for _, x := range report.Conflicts {
		fields = append(fields, x.Field)
		require.NotEmpty(t, x.String())
	}
	require.Equal(t, []string{"env", "registry", "root_digest", "size", "model", "id", "status.reason", "built.datasets"}, fields)
	require.False(t, report.Changed)
	kept, err := discovery.Keep([]byte(reference(t)), doc)
	require.NoError(t, err)
	require.Equal(t, reference(t), string(kept), "not a byte is another")
}

func TestMergeOfTimes(t *testing.T) {
	t.Parallel()
	doc := "schema: ai-assets/v1\nmodels: [{id: m, at: \"2026-09-01T08:00:00Z\"}]\n"
	for value, conflicts := range map[string]int{"2026-09-01T10:00:00+02:00": 0, "2026-09-01T08:00:00.000Z": 0, "2026-09-01T08:00:01Z": 1} {
		f := &discovery.Found{Source: "s", AsOf: now}
		f.Asset("models", "m").Set("at", value)
		_, _, report := import1(t, doc, f)
		require.Len(t, report.Conflicts, conflicts, value)
	}
}

func TestMergeOfRuns(t *testing.T) {
	t.Parallel()
	doc := "schema: ai-assets/v1\nlineage:\n  - {from: a, to: b, run: r1, job: by-hand}\n"
	f := &discovery.Found{Source: "s", AsOf: now}
	for _, run := range []string{"r1", "r2", "", "r2"} {
		f.Edge(inventory.Edge{From: "a", To: "b", Run: run})
	}
	f.Edge(inventory.Edge{From: "a", To: "c"})
	f.Edge(inventory.Edge{From: "a", To: "c", Run: "r3"})
	is, _, report := import1(t, doc, f)
	require.Equal(t, 3, report.Edges, "r2 of b, and both that lead to c")
	require.Contains(t, is, "{from: a, to: b, run: r1, job: by-hand}\n", "who recorded it knew more of it")
}

func TestASnapshotDoesNotGetOlder(t *testing.T) {
	t.Parallel()
	was := "schema: ai-assets/v1\nsnapshot: {generated_at: \"2026-09-01T00:00:00Z\", source: [manual, s], as_of: {s: \"2026-09-10T00:00:00Z\"}}\nmodels: [{id: m, family: f}, {id: \"n\", env: prod}]\ndatasets: [{id: d, env: prod}]\n"
	for name, c := range map[string]struct {
		asOf time.Time
		want string
	}{
		"older":   {now.AddDate(0, -1, 0), `as_of: {s: "2026-09-10T00:00:00Z"}`},
		"newer":   {now, `as_of: {s: "2026-09-14T12:00:00Z"}`},
		"unknown": {time.Time{}, `as_of: {s: "2026-09-10T00:00:00Z"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := small()
			f.AsOf = c.asOf
			is, _, report := import1(t, was, f)
			require.Contains(t, is, c.want)
			require.Equal(t, name == "newer", report.Changed)
			if name == "unknown" {
				require.Contains(t, strings.Join(report.Notes, "\n"), "N9: the source does not say of when it is")
			}
		})
	}
}

// TestEverySourceLosesNothing imports each of the reference sources into the reference inventory, one after the other.
func TestEverySourceLosesNothing(t *testing.T) {
	t.Parallel()
	raw := reference(t)
	for _, source := range []string{"ml-bom.cdx.json", "events.ndjson", "cluster.json"} {
		known, err := inventory.Draft("assets.yaml", []byte(raw))
		require.NoError(t, err)
		file, err := os.Open("../../testdata/inventory/sources/" + source)
		require.NoError(t, err)
		opt := discovery.Options{Known: known, Env: "prod", Cluster: "eu-1"}
		var found *discovery.Found
		switch source {
		case "ml-bom.cdx.json":
			found, err = cyclonedx.Read(file, opt)
		case "events.ndjson":
			found, err = openlineage.Read(file, opt)
		default:
			found, err = kubernetes.Read(file, opt)
		}
		require.NoError(t, err)
		require.NoError(t, file.Close())
		is, anew, report := import1(t, raw, found)
		require.True(t, report.Changed)
		require.Equal(t, decoded(t, anew), decoded(t, is))
		require.Empty(t, holds(decoded(t, raw), decoded(t, is), ""), source)
		after, err := inventory.Draft("assets.yaml", []byte(is))
		require.NoError(t, err, "its form is one that can be read")
		for _, c := range inventory.Diff(known, after).Assets {
			require.NotEqual(t, inventory.Removed, c.Kind, c.ID)
		}
		require.LessOrEqual(t, len(lost(raw, is)), 5, "%s: %q", source, lost(raw, is))
		raw = is
	}
	for _, want := range []string{"gateways:\n  - {id: litellm-eu,", "signing_keys:\n  - id: release-key-2026a", "# The public halves of the keys", "registry: {platform: mlflow, name: credit-scorer}"} {
		require.Contains(t, raw, want)
	}
}
