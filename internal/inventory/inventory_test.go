package inventory_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

const nordwall = "../../testdata/inventory/nordwall.yaml"

func load(t *testing.T) *inventory.Inventory {
	t.Helper()
	inv, err := inventory.Load(nordwall)
	require.NoError(t, err)
	return inv
}

func TestBlastRadius(t *testing.T) {
	t.Parallel()
	inv := load(t)
	cases := []struct {
		name, asset string
		want        incident.Radius
	}{
		{"a dataset version reaches the checkpoint in production and those who write it", "loan-applications@2026-07-31", incident.Radius{
			DatasetVersions: []string{"loan-applications@2026-07-31"}, Checkpoints: []string{"credit-scorer@17"}, Models: []string{"credit-scorer"},
			Endpoints: []string{"credit-api", "credit-batch"}, Writers: []string{"ci-registry-push"}, Callers: []string{"brightcart-api-key"}, PersonalData: true, HighRisk: true, SharedCredentials: true, Criticality: []string{"business"}, Exposure: []string{"partner", "internal"}, Environment: "prod", ContainOnTimeout: []string{"disable"}}},
		{"an evaluation set reaches the checkpoint it gated", "credit-eval", incident.Radius{
			DatasetVersions: []string{"credit-eval@2026-05-15"}, Checkpoints: []string{"credit-scorer@17"}, Models: []string{"credit-scorer"},
			Endpoints: []string{"credit-api", "credit-batch"}, Writers: []string{"ci-registry-push"}, Callers: []string{"brightcart-api-key"}, PersonalData: true, HighRisk: true, SharedCredentials: true, Criticality: []string{"business"}, Exposure: []string{"partner", "internal"}, Environment: "prod", ContainOnTimeout: []string{"disable"}}},
		{"a whole dataset reaches every version and its descendants", "loan-applications", incident.Radius{
			DatasetVersions: []string{"loan-applications@2026-04-30", "loan-applications@2026-07-31"}, Checkpoints: []string{"credit-scorer@16", "credit-scorer@17"}, Models: []string{"credit-scorer"},
			Endpoints: []string{"credit-api", "credit-batch"}, Writers: []string{"ci-registry-push"}, Callers: []string{"brightcart-api-key"}, PersonalData: true, HighRisk: true, SharedCredentials: true, Criticality: []string{"business"}, Exposure: []string{"partner", "internal"}, Environment: "prod", ContainOnTimeout: []string{"disable"}}},
		{"an endpoint reaches itself only, and the keys that call it", "credit-api", incident.Radius{
			Checkpoints: []string{"credit-scorer@17"}, Models: []string{"credit-scorer"}, Endpoints: []string{"credit-api"},
			Writers: []string{"ci-registry-push"}, Callers: []string{"brightcart-api-key"}, PersonalData: true, HighRisk: true, SharedCredentials: true, Criticality: []string{"business"}, Exposure: []string{"partner"}, Environment: "prod", ContainOnTimeout: []string{"disable"}}},
		{"data without persons is not personal", "assist-llm@5", incident.Radius{
			Checkpoints: []string{"assist-llm@5"}, Models: []string{"assist-llm"}, Endpoints: []string{"assist-chat"}, Writers: []string{"ci-registry-push"}, Callers: []string{"assist-web-key", "assist-trial-key", "assist-partner-key"}, HighRisk: true, SharedCredentials: true, Criticality: []string{"business"}, Exposure: []string{"public"}, Environment: "prod", ContainOnTimeout: []string{"throttle"}}},
		{"staging stays in staging", "loan-synthetic", incident.Radius{
			DatasetVersions: []string{"loan-synthetic@2026-08-15"}, Checkpoints: []string{"credit-scorer-stg@17"}, Models: []string{"credit-scorer-stg"},
			Endpoints: []string{"credit-api-stg"}, Writers: []string{"stg-registry-push"}, Callers: []string{"drill-free-key", "drill-client-key"}, Criticality: []string{"internal"}, Exposure: []string{"internal"}, Environment: "staging", ContainOnTimeout: []string{"disable"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := inv.BlastRadius(c.asset)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestUnknownLineageCountsAsAffected(t *testing.T) {
	t.Parallel()
	inv := load(t)
	for i := range inv.Checkpoints {
		if inv.Checkpoints[i].ID == "assist-llm@5" {
			inv.Checkpoints[i].Built.Datasets, inv.Checkpoints[i].Parents = nil, nil
		}
	}
	inv = &inventory.Inventory{ // without the recorded runs
		Systems: inv.Systems, Models: inv.Models, Checkpoints: inv.Checkpoints, Datasets: inv.Datasets,
		DatasetVersions: inv.DatasetVersions, Endpoints: inv.Endpoints, Credentials: inv.Credentials,
	}
	got, err := inv.BlastRadius("loan-applications@2026-07-31")
	require.NoError(t, err)
	require.Equal(t, []string{"assist-llm@5"}, got.Unknown)
	require.Contains(t, got.Endpoints, "assist-chat")
}

func TestUnknownAssetNamesTheNearest(t *testing.T) {
	t.Parallel()
	_, err := load(t).BlastRadius("Credit-API-2")
	require.ErrorContains(t, err, `did you mean "credit-api"?`)
}

func TestResolveRefusesAnotherEnvironment(t *testing.T) {
	t.Parallel()
	inv := load(t)
	radius, err := inv.BlastRadius("credit-api-stg")
	require.NoError(t, err)
	_, err = inv.Resolve(inventory.Endpoints, radius, incident.Live)
	require.ErrorContains(t, err, `credit-api-stg is in environment "staging"`)
	targets, err := inv.Resolve(inventory.Endpoints, radius, incident.Drill)
	require.NoError(t, err)
	require.Len(t, targets, 1)
	_, err = inv.Resolve("radius.everything", radius, incident.Drill)
	require.ErrorContains(t, err, "unknown target query")
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.FromSlash(nordwall))
	require.NoError(t, err)
	good := string(raw)
	cases := []struct{ name, doc, want string }{
		{"an unknown key, with its line", strings.Replace(good, "deputy: exe-1", "deputee: exe-1", 1), `assets.yaml:18:104: key: people[0] has no key "deputee"`},
		{"a second document", good + "\n---\nschema: ai-assets/v1\n", "second YAML document"},
		{"a merge key", strings.Replace(good, "accounts: {", "accounts: {<<: {assets: []}, ", 1), "anchors, aliases"},
		{"an anchor that nothing refers to", "schema: &a ai-assets/v1\n", "assets.yaml:1:9: yaml: anchors, aliases"},
		{"a model of its own name", "schema: ai-assets/v1\ncheckpoints: [{id: a, model: a}]\n", `N11: a: model "a" is not in models`},
		{"an alias", strings.Replace(good, "accounts:", "x: &a 1\naccounts:", 1), "anchors, aliases"},
		{"an id used twice", strings.Replace(good, "{id: do-2, role", "{id: do-1, role", 1), `N6: id "do-1"`},
		{"a reference that resolves nowhere", strings.Replace(good, "model: credit-scorer, alias: prod", "model: credit-scorr, alias: prod", 1), `N11: credit-api: model "credit-scorr" is not in models`},
		{"a cycle", strings.Replace(good, "lineage:\n", "lineage:\n  - {from: credit-scorer@17, job: j, run: r, to: loan-applications@2026-04-30, source: manual, event_time: \"2026-01-01T00:00:00Z\"}\n", 1), "N7: lineage has a cycle"},
		{"evidence in the account of the assets", strings.Replace(good, "bucket: nordwall-evidence, account: \"777788889999\"", "bucket: nordwall-evidence, account: \"111122223333\"", 1), "N10"},
		{"personal data without jurisdictions", strings.Replace(good, "by_jurisdiction: {DE: 290000, FR: 96000, US-CA: 24000}", "by_jurisdiction: {}", 1), "N3: dataset loan-applications"},
		{"another schema", strings.Replace(good, "ai-assets/v1", "ai-assets/v2", 1), `schema is "ai-assets/v2"`},
		{"too much", good + strings.Repeat("#", inventory.MaxBytes), "larger than"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := inventory.Parse("assets.yaml", []byte(c.doc))
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "assets.yaml")
		})
	}
}

func FuzzParse(f *testing.F) {
	raw, err := os.ReadFile(filepath.FromSlash(nordwall))
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte("schema: ai-assets/v1\npeople: [{id: a}]\n"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		inv, err := inventory.Parse("fuzz.yaml", doc)
		if err != nil {
			return
		}
		for _, e := range inv.Endpoints {
			_, err := inv.BlastRadius(e.ID)
			require.NoError(t, err)
		}
	})
}
