package inventory_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
)

// fresh is a time at which the sources of the reference inventory are fresh but for the manual one, as its author meant it.
var fresh = time.Date(2026, 9, 14, 6, 0, 0, 0, time.UTC)

func text(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(nordwall)
	require.NoError(t, err)
	return string(raw)
}

// TestCheckNamesTheRuleAndThePlace breaks one rule after the other.
func TestCheckNamesTheRuleAndThePlace(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, old, replaced, want string }{
		{"N1 probe", "expect_digest_header: x-model-digest},\n     tenants: [{id: brightcart", "expect_digest_header: \"\"},\n     tenants: [{id: brightcart", "204:13: N1: production endpoint credit-api has no probe"},
		{"N1 owner", "owner: mlo-1, data_owner: do-1", "data_owner: do-1", "N1: production endpoint credit-api has no owner"},
		{"N1 deputy", "deputy: mlo-2, ", "", "N1: production endpoint credit-api: its owner mlo-1 has no deputy"},
		{"N1 fallback", "{strategy: rules,", "{strategy: \"\",", "N1: production endpoint credit-api: model credit-scorer has no fallback strategy"},
		{"N2", "    oms_bundle: \"s3://nordwall-registry/credit-scorer/17/model.sig?versionId=b1\"\n", "", "N2: production checkpoint credit-scorer@17"},
		{"N3", "subjects: {estimate: 9000,", "subjects: {estimate: 0,", "N3: dataset credit-eval"},
		{"N4", "order: [block_at_gateway, rotate_key]", "order: []", "N4: credential brightcart-api-key"},
		{"N5", "protected: true, reissue", "protected: false, reissue", "N5: credential firebreak-contain is held by firebreak itself"},
		{"N6 twice", "{id: do-2, role", "{id: do-1, role", `23:10: N6: id "do-1" is used in people and in people`},
		{"N6 none", "family: credit-stg, env: staging", "family: credit-stg", `N6: credit-scorer-stg is in environment ""`},
		{"N6 two", "alias: staging, env: staging", "alias: staging, env: drill", `N6: endpoint credit-api-stg is in "drill", but its model credit-scorer-stg in "staging"`},
		{"N7", "lineage:\n", "lineage:\n  - {from: credit-scorer@17, to: credit-scorer@16}\n", "N7: lineage has a cycle: credit-scorer@"},
		{"N10", `accounts: {assets: ["111122223333"]`, `accounts: {assets: ["777788889999"]`, "N10: evidence store evidence is in the account 777788889999"},
		{"N11 profile", "profile: drill-none", "profile: drill", `N11: lending-stg: profile "drill" is not in regulatory_profiles`},
		{"N11 boundary", "boundary: tb-hub, licence", "boundary: tb-hubs, licence", `N11: assist-llm: boundary "tb-hubs" is not in trust_boundaries`},
		{"N11 derived", "derived: []\n    promotion: {stage: prod, by: mara", "derived: [credit-scorer@18]\n    promotion: {stage: prod, by: mara", `N11: credit-scorer@17: derived "credit-scorer@18"`},
		{"N11 stakeholder", "{asset: credit-scorer-stg, notify", "{asset: credit-scorer-old, notify", `N11: stakeholders: asset "credit-scorer-old"`},
		{"N11 pipeline", "writes: [credit-scorer-stg]", "writes: [credit-stg]", `N11: train-credit-stg: writes "credit-stg" is not in models or datasets`},
		{"N11 lineage", "to: credit-scorer-stg@17, source", "to: credit-scorer-stg@18, source", `"credit-scorer-stg@18" is neither a checkpoint nor a dataset version`},
		{"N12", `channel: "#drill-ir-legal"`, `channel: "#ir-legal"`, "N12: credit-scorer-stg is in staging but tells #ir-legal, which is for"},
		{"a key twice", "family: credit, env: prod", "family: credit, family: credit, env: prod", `44:109: key: models[0] has the key "family" twice; the first is in line 44`},
		{"a text for a number", "size: 41187712", "size: big", `checkpoints[4].size: "big" is no int64`},
		{"a list for a text", "family: assist,", "family: [assist],", `models[1].family is a list, want string`},
		{"a text for a list", "parents: [assist-llm@4]", "parents: assist-llm@4", `checkpoints[3].parents is "assist-llm@4", want a list`},
		{"a text for a mapping", "signer: {key: staging-key-2026, trusted_until: \"2027-01-01\"}", "signer: me", `checkpoints[4].signer is "me", want a mapping`},
		{"syntax", "people:\n", "people:\n\t", "assets.yaml:18:1: yaml: found character that cannot start any token"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			doc := strings.Replace(text(t), c.old, c.replaced, 1)
			require.NotEqual(t, text(t), doc, "the case changes nothing")
			inv, faults := inventory.Check("assets.yaml", []byte(doc), fresh)
			require.Nil(t, inv)
			var said []string
			for _, f := range faults {
				require.NotZero(t, f.Line, f.Error())
				said = append(said, f.Error())
			}
			require.Contains(t, strings.Join(said, "\n"), c.want)
			_, err := inventory.Parse("assets.yaml", []byte(doc))
			require.ErrorContains(t, err, c.want, "the worker says the same")
		})
	}
}

func TestCheckFindsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	doc := text(t)
	for old, replaced := range map[string]string{
		"family: credit, env: prod": "familie: credit, env: prod", "{id: do-2, role": "{id: do-1, role",
		"profile: drill-none": "profile: drill", "size: 41187712": "size: big",
	} {
		doc = strings.Replace(doc, old, replaced, 1)
	}
	_, faults := inventory.Check("assets.yaml", []byte(doc), fresh)
	var rules []string
	for _, f := range faults {
		rules = append(rules, f.Rule)
	}
	require.Subset(t, rules, []string{"key", "type", "N6", "N9", "N11"})
	require.IsNonDecreasing(t, lines(faults), "in the order of the file")
}

func lines(faults []inventory.Fault) []int {
	var out []int
	for _, f := range faults {
		out = append(out, f.Line)
	}
	return out
}

func TestNoticesRefuseNothing(t *testing.T) {
	t.Parallel()
	doc := strings.Replace(text(t), `datasets: ["loan-synthetic@2026-08-15#sha256:353567aa1ed0bc38da9c247ee18e284d180b9db2c97ca8d4585399eb076b6880"]`, "datasets: []", 1)
	doc = strings.Replace(doc, "  - {from: loan-synthetic@2026-08-15,", "  #- {from: loan-synthetic@2026-08-15,", 1)
	inv, faults := inventory.Check("assets.yaml", []byte(doc), fresh.Add(200*time.Hour))
	require.NotNil(t, inv)
	got := map[string]inventory.Level{}
	for _, f := range faults {
		got[f.Rule+" "+strings.Fields(f.Message)[1]] = f.Level
		require.NotZero(t, f.Line)
	}
	require.Equal(t, map[string]inventory.Level{
		"N8 is": inventory.Warning, "N9 cyclonedx": inventory.NeedsApproval, "N9 k8s": inventory.NeedsApproval, "N9 manual": inventory.NeedsApproval,
		"N9 mlflow": inventory.NeedsApproval, "N9 openlineage": inventory.NeedsApproval, "N9 vault": inventory.NeedsApproval,
	}, got)
	_, err := inventory.Parse("assets.yaml", []byte(doc))
	require.NoError(t, err)
}

func TestFreshness(t *testing.T) {
	t.Parallel()
	inv := &inventory.Inventory{Snapshot: inventory.Snapshot{
		Source: []string{"never"},
		AsOf: map[string]string{
			"fresh": "2026-09-14T05:00:00Z", "day": "2026-09-13T05:59:00Z", "week": "2026-09-07T05:59:00Z", "wrong": "yesterday", "ahead": "2026-09-14T07:00:00Z",
		},
	}}
	got := map[string]inventory.Level{}
	for _, f := range inv.Freshness(fresh) {
		got[f.Source] = f.Level
	}
	require.Equal(t, map[string]inventory.Level{
		"fresh": "", "day": inventory.Warning, "week": inventory.NeedsApproval, "wrong": inventory.NeedsApproval, "ahead": inventory.Warning, "never": inventory.NeedsApproval,
	}, got)
}
