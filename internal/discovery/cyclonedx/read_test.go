package cyclonedx_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/discovery"
	"firebreak/internal/discovery/cyclonedx"
	"firebreak/internal/inventory"
)

const (
	sample   = "../../../testdata/inventory/sources/ml-bom.cdx.json"
	nordwall = "../../../testdata/inventory/nordwall.yaml"
)

func text(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile(sample)
	require.NoError(t, err)
	return string(raw)
}

func fields(f *discovery.Found, section, id string) map[string]any {
	out := map[string]any{}
	for _, a := range f.Assets {
		if a.Section == section && a.ID == id {
			for _, x := range a.Fields {
				out[x.Path] = x.Value
			}
		}
	}
	return out
}

func TestRead(t *testing.T) {
	t.Parallel()
	known, err := inventory.Load(nordwall)
	require.NoError(t, err)
	f, err := cyclonedx.Read(strings.NewReader(text(t)), discovery.Options{Known: known, Env: "prod"})
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 9, 13, 22, 0, 0, 0, time.UTC), f.AsOf)
	require.Equal(t, map[string]any{
		"model": "credit-scorer", "parents": []string{"credit-scorer@16"},
		"root_digest":    "sha256:ba72c2138cd2bb3c056dea698e57278178dd81d3e283e35a99fa0ef6c0106489",
		"built.datasets": []string{"loan-applications@2026-07-31", "credit-labels"},
	}, fields(f, "checkpoints", "credit-scorer@17"))
	require.Equal(t, map[string]any{
		"env": "prod", "upstream": []discovery.Item{{{Path: "ref", Value: "pkg:huggingface/example-lab/tabular-base@2"}}},
	}, fields(f, "models", "credit-scorer"))
	require.Equal(t, map[string]any{"env": "prod", "sensitivity": "personal", "owner": "do-1"}, fields(f, "datasets", "loan-applications"))
	require.Equal(t, map[string]any{"dataset": "loan-applications"}, fields(f, "dataset_versions", "loan-applications@2026-07-31"))
	require.Contains(t, f.Edges, inventory.Edge{From: "loan-applications@2026-07-31", To: "credit-scorer@17", Source: "cyclonedx"})
	require.Contains(t, f.Edges, inventory.Edge{From: "credit-labels", To: "credit-scorer@17", Source: "cyclonedx"})
	notes := strings.Join(f.Notes, "\n")
	for _, want := range []string{
		`N3: dataset credit-labels is classified as "restricted"`, "N3: dataset credit-labels holds sensitive data (income)",
		"N11: the owner of dataset credit-labels (nobody@nordwall.example, Somebody) is no person", "N8: credit-scorer@17 was trained on dataset credit-labels, of no version",
		"N8: credit-scorer@16 has no model card",
	} {
		require.Contains(t, notes, want)
	}
	require.NotContains(t, notes, "N2: credit-scorer@17 has a hash")
}

func TestReadTakes17(t *testing.T) {
	t.Parallel()
	f, err := cyclonedx.Read(strings.NewReader(strings.Replace(text(t), `"1.6"`, `"1.7"`, 1)), discovery.Options{})
	require.NoError(t, err)
	require.True(t, f.Has("checkpoints", "credit-scorer@17"))
}

func TestAHashIsNoRootDigest(t *testing.T) {
	t.Parallel()
	f, err := cyclonedx.Read(strings.NewReader(strings.Replace(text(t), "firebreak:root_digest", "other", 1)), discovery.Options{})
	require.NoError(t, err)
	require.NotContains(t, fields(f, "checkpoints", "credit-scorer@17"), "root_digest")
	require.Contains(t, strings.Join(f.Notes, "\n"), "N2: credit-scorer@17 has a hash, but not the root digest")
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	nested := strings.Repeat(`{"type":"data","name":"d","components":[`, 40) + strings.Repeat("]}", 40)
	for name, c := range map[string]struct{ doc, want string }{
		"XML":          {"<bom/>", "it is no JSON"},
		"another form": {`{"spdxVersion":"SPDX-3.0"}`, `bomFormat is ""`},
		"an old one":   {`{"bomFormat":"CycloneDX","specVersion":"1.4"}`, `specVersion is "1.4", want 1.6 or 1.7`},
		"too deep":     {`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[` + nested + `]}`, "nests them deeper than 32"},
		"too many":     {`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[` + strings.TrimSuffix(strings.Repeat(`{"type":"data","name":"d"},`, 100_001), ",") + `]}`, "more than 100000 components"},
		"too large":    {strings.Repeat(" ", cyclonedx.MaxBytes+1), "larger than"},
		"a wrong type": {`{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}}`, "read the bill of materials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := cyclonedx.Read(strings.NewReader(c.doc), discovery.Options{})
			require.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(text(f))
	f.Add(`{"bomFormat":"CycloneDX","specVersion":"1.7","components":[{"type":"data","name":"a b"}]}`)
	f.Fuzz(func(t *testing.T, doc string) {
		found, err := cyclonedx.Read(strings.NewReader(doc), discovery.Options{})
		if err != nil {
			return
		}
		for _, a := range found.Assets {
			require.True(t, discovery.Usable(a.ID), "%q", a.ID)
		}
	})
}
