package main

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
)

const testSources = "../../testdata/inventory/sources/"

// assetsFile is the reference inventory after some changes, in a file of its own.
func assetsFile(t *testing.T, changes ...string) string {
	t.Helper()
	raw, err := os.ReadFile(testInventory)
	require.NoError(t, err)
	text := string(raw)
	for i := 0; i < len(changes); i += 2 {
		require.Contains(t, text, changes[i])
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	file := filepath.Join(t.TempDir(), "assets.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o640))
	return file
}

// unknownOrigin leaves out of the reference inventory of which version of its data assist-llm@5 was made.
var unknownOrigin = []string{
	"datasets: [\"assist-kb@2026-09-01#sha256:145bbdd2c0725f926a97c7bf37a7d60d013a6d7d7df2294be5d0f272b27fdf85\"]", "datasets: [assist-kb]",
	"  - {from: assist-kb@2026-09-01, job: tune-assist,", "  #- {from: assist-kb@2026-09-01, job: tune-assist,",
}

func TestInventoryValidate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		changes []string
		args    []string
		code    int
		want    []string
	}{
		"good":            {nil, []string{"--at", "2026-09-14T06:00:00Z"}, exitOK, []string{"4 endpoints, 5 checkpoints, 6 dataset versions", "no fault"}},
		"old":             {nil, []string{"--at", "2026-10-14T06:00:00Z"}, exitOK, []string{"N9: source mlflow is 720h0m0s old", "needs an approval [approval]"}},
		"unknown lineage": {unknownOrigin, nil, exitOK, []string{"N8: assist-llm@5 was made from assist-kb, of which no version is recorded", "[warning]"}},
		"faults":          {[]string{"{id: do-2, role", "{id: do-1, role", "deputy: exe-1", "deputee: exe-1"}, nil, exitError, []string{`assets.yaml:23:10: N6: id "do-1"`, `assets.yaml:18:104: key: people[0] has no key "deputee"`}},
		"JSON":            {[]string{"{id: do-2, role", "{id: do-1, role"}, []string{"-o", "json"}, exitError, []string{`"rule": "N6"`, `"line": 23`, `"column": 10`, `"level": "error"`}},
		"a wrong time":    {nil, []string{"--at", "today"}, exitUsage, []string{"want a time such as"}},
		"a wrong form":    {nil, []string{"-o", "svg"}, exitUsage, []string{"want table or json"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, nil, "", nil, append([]string{"inventory", "validate", assetsFile(t, tt.changes...)}, tt.args...)...)
			require.Equal(t, tt.code, got.code, got.stderr)
			for _, text := range tt.want {
				require.Contains(t, got.stdout+got.stderr, text)
			}
			require.NotContains(t, got.stdout+got.stderr, "\x1b", "colours are for terminals")
		})
	}
}

func TestInventoryBlastRadius(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		asset string
		want  []string
	}{
		"a dataset": {"loan-applications", []string{
			"loan-applications in prod reaches 2 dataset versions, 2 checkpoints, 2 endpoints and 2 credentials\n  personal data, high-risk system, shared credentials\n",
			"  credit-scorer@17  was made from loan-applications@2026-07-31  loan-applications > loan-applications@2026-07-31 > credit-scorer@17\n",
			"  credit-api    answers with credit-scorer@17", "may write registry/credit", "may invoke credit-api",
		}},
		"data of unknown use": {"assist-kb@2026-09-01", []string{
			"  UNKNOWN LINEAGE, counted as affected: assist-llm@5\n",
			"? assist-llm@5  was made from assist-kb of an unrecorded version, so it counts as affected  assist-kb@2026-09-01 > assist-llm@5\n",
			"? assist-chat  answers with assist-llm@5", "? assist-web-key      may invoke assist-chat",
		}},
		"an endpoint with a gateway": {"assist-chat", []string{
			"CONSUMERS AT GATEWAYS\n", "  assist-web-key      litellm-eu/assist-chat  public-web, free                             may be slowed down unasked (radius.consumers)\n",
			"  assist-partner-key  litellm-eu/assist-chat  harbour-insurance, enterprise, allow-listed  people decide (radius.paying_consumers)\n",
		}},
	}
	file := assetsFile(t, unknownOrigin...)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, nil, "", []string{inventoryVariable + "=" + file}, "inventory", "blast-radius", tt.asset)
			require.Equal(t, exitOK, got.code, got.stderr)
			for _, text := range tt.want {
				require.Contains(t, got.stdout, text)
			}
			require.NotContains(t, got.stdout, "\x1b", "colours are for terminals")
		})
	}
}

func TestInventoryBlastRadiusInColour(t *testing.T) {
	t.Parallel()
	inv, err := inventory.Load(assetsFile(t, unknownOrigin...))
	require.NoError(t, err)
	x, err := inv.Explain("assist-kb@2026-09-01")
	require.NoError(t, err)
	var grey, coloured strings.Builder
	require.NoError(t, writeRadius(&grey, x, false))
	require.NoError(t, writeRadius(&coloured, x, true))
	require.Contains(t, coloured.String(), "\x1b[33m? assist-llm@5 ")
	require.Equal(t, grey.String(), strings.NewReplacer("\x1b[33m", "", "\x1b[0m", "").Replace(coloured.String()), "colour adds nothing that is not in words")
}

func TestInventoryBlastRadiusForTools(t *testing.T) {
	t.Parallel()
	file := assetsFile(t, unknownOrigin...)
	got := invoke(t, nil, "", nil, "inventory", "blast-radius", "assist-kb@2026-09-01", "--inventory", file, "-o", "json")
	require.Equal(t, exitOK, got.code, got.stderr)
	var x inventory.Explanation
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &x))
	require.Equal(t, []string{"assist-llm@5"}, x.Radius.Unknown)
	unknown := 0
	for _, r := range x.Reasons {
		require.NotEmpty(t, r.Why, r.ID)
		require.Equal(t, []string{"assist-kb@2026-09-01", r.ID}, []string{r.Path[0], r.Path[len(r.Path)-1]})
		if r.Unknown {
			unknown++
		}
	}
	require.Equal(t, 7, unknown, "the checkpoint, its model, their writer, the endpoint and its three callers")

	got = invoke(t, nil, "", nil, "inventory", "blast-radius", "assist-kb@2026-09-01", "--inventory", file, "-o", "svg")
	require.Equal(t, exitOK, got.code, got.stderr)
	dec := xml.NewDecoder(strings.NewReader(got.stdout))
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		require.NoError(t, err, "the picture is XML")
		if start, ok := tok.(xml.StartElement); ok {
			require.NotContains(t, []string{"script", "image", "foreignObject"}, start.Name.Local)
		}
	}
	for _, text := range []string{"assist-llm@5", "unknown, so affected", "compromised", "was made from assist-kb of an unrecorded version"} {
		require.Contains(t, got.stdout, text)
	}
}

func TestInventoryBlastRadiusRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"an unknown asset": {[]string{"credit-api-2", "--inventory", testInventory}, exitRefused, `did you mean "credit-api"?`},
		"no inventory":     {[]string{"credit-api"}, exitUsage, "no inventory: set --inventory"},
		"another form":     {[]string{"credit-api", "--inventory", testInventory, "-o", "png"}, exitUsage, "want table, json or svg"},
		"no such file":     {[]string{"credit-api", "--inventory", "absent.yaml"}, exitError, "open inventory"},
		"a faulty file":    {[]string{"credit-api", "--inventory", assetsFile(t, "deputy: exe-1", "deputee: exe-1")}, exitError, "1 fault in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, nil, "", nil, append([]string{"inventory", "blast-radius"}, tt.args...)...)
			require.Equal(t, tt.code, got.code, got.stderr)
			require.Contains(t, got.stderr, tt.want)
			require.Empty(t, got.stdout)
		})
	}
}

func TestInventoryDiff(t *testing.T) {
	t.Parallel()
	same := invoke(t, nil, "", nil, "inventory", "diff", testInventory, testInventory)
	require.Equal(t, exitOK, same.code, same.stderr)
	require.Empty(t, same.stdout)

	after := assetsFile(t, append([]string{
		"trusted_until: \"2027-01-01\"\n    public_key: |\n      -----BEGIN PUBLIC KEY-----\n      MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiA", "trusted_until: \"2026-12-01\"\n    public_key: |\n      -----BEGIN PUBLIC KEY-----\n      MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiA",
		"cache_ttl: 60s,\n", "cache_ttl: 30s,\n", "registry: {platform: mlflow, name: credit-scorer}", "registry: {platform: mlflow, name: lending/credit}",
		"\n# The public halves", "\nquarantined: [{ref: 9ab27d4, reason: pushed by a stolen account}]\n# The public halves",
	}, unknownOrigin...)...)
	got := invoke(t, nil, "", nil, "inventory", "diff", testInventory, after)
	require.Equal(t, exitConflict, got.code, got.stderr)
	for _, want := range []string{
		"~ gateways litellm-eu\n    cache_ttl: 60s -> 30s\n", "~ signing_keys release-key-2026a\n    trusted_until: 2027-01-01 -> 2026-12-01\n",
		"~ models credit-scorer\n    registry.name: credit-scorer -> lending/credit\n", "+ quarantined 9ab27d4\n", "- lineage assist-kb@2026-09-01 -> assist-llm@5 (run-9377)\n",
		"~ blast radius of assist-chat\n    is reached now by assist-kb\n    is no longer reached by assist-kb@2026-09-01\n",
	} {
		require.Contains(t, got.stdout, want)
	}
	require.Contains(t, got.stderr, "the inventories differ: ")
	got = invoke(t, nil, "", nil, "inventory", "diff", testInventory, after, "-o", "json")
	require.Equal(t, exitConflict, got.code)
	var d inventory.Difference
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &d))
	require.Len(t, d.Endpoints, 1)
}

func TestInventoryHelp(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"validate", "import", "diff", "blast-radius"} {
		got := invoke(t, nil, "", nil, "inventory", verb, "--help")
		require.Equal(t, exitOK, got.code)
		require.Contains(t, got.stdout, "Examples:\n  trigger inventory "+verb)
		require.Contains(t, invoke(t, nil, "", nil, "inventory").stdout, verb)
	}
}
