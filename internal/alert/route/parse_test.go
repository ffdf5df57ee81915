package route

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

const sample = "../../../testdata/alerts/routes/nordwall.yaml"

func sampleRoutes(t testing.TB) *Routes {
	t.Helper()
	raw, err := os.ReadFile(sample)
	require.NoError(t, err)
	r, err := Parse("nordwall.yaml", raw, incident.Kinds())
	require.NoError(t, err)
	return r
}

func TestParse(t *testing.T) {
	t.Parallel()
	r := sampleRoutes(t)
	require.Len(t, r.Rules, 7)
	require.Regexp(t, `^sha256:[0-9a-f]{64}$`, r.Digest)
	rule := r.Rules[2]
	require.Equal(t, "registry-credentials-used-elsewhere", rule.Name)
	require.Equal(t, 20, rule.Line)
	require.Equal(t, Match{Sources: []string{"guardduty"}, Fields: []FieldTest{
		{"type", Test{Any: []string{"UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS", "Exfiltration:S3/AnomalousBehavior"}}},
		{"resource.accessKeyDetails.userName", Test{Glob: "nordwall-*-registry"}},
	}}, rule.Match)
	require.Equal(t, &Incident{
		Kind: Value{Literal: "extraction-event"}, Asset: Value{Literal: "credit-scorer@17"}, Facet: Value{Literal: "weights"}, Confidence: Value{Literal: "0.8"},
	}, rule.Incident)
	require.Contains(t, r.Fields(), "dimension.EndpointName")
	require.Contains(t, r.Fields(), "resource.accessKeyDetails.userName")
}

// rule is a file with one rule.
func rule(lines ...string) string {
	return "version: 1\nrules:\n  - name: a\n    " + strings.Join(lines, "\n    ") + "\ndefault: triage\n"
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	const good = "match: {source: datadog}"
	tests := map[string]struct {
		text string
		want []string
	}{
		"empty":                {"", []string{"r.yaml:1:1: empty: the file is empty (begin with version: 1)"}},
		"a comment alone":      {"# nothing\n", []string{"r.yaml:1:1: empty:"}},
		"no YAML":              {"version: [1\n", []string{"r.yaml:1:1: yaml:"}},
		"not UTF-8":            {"version: \xff\n", []string{"r.yaml:1:1: yaml: the file is not UTF-8"}},
		"a NUL":                {"version: \x00\n", []string{"yaml: control characters are not allowed"}},
		"a list":               {"- 1\n", []string{"r.yaml:1:1: type: a routing file must be a mapping"}},
		"too large":            {strings.Repeat("#", MaxBytes+1), []string{"too-large: the file is larger than 262144 bytes"}},
		"two documents":        {rule(good, "triage: look") + "---\nversion: 1\n", []string{"second-document: a second YAML document follows"}},
		"alias":                {rule("match: &m {source: datadog}", "triage: look"), []string{"r.yaml:4:12: alias: anchors, aliases and merge keys are not allowed (write it out)"}},
		"merge key":            {"version: 1\nrules: []\ndefault: triage\n<<: {a: b}\n", []string{"r.yaml:4:1: alias:"}},
		"tag":                  {rule(good, "triage: !!str look"), []string{"r.yaml:5:13: tag:"}},
		"version":              {"version: 2\nrules: []\ndefault: triage\n", []string{"r.yaml:1:10: version: the version must be 1"}},
		"no default":           {"version: 1\nrules: []\n", []string{`missing-key: a routing file lacks the key "default"`}},
		"another default":      {"version: 1\nrules: []\ndefault: drop\n", []string{"r.yaml:3:10: default: what fits no rule can only go to triage"}},
		"unknown key":          {"version: 1\nrules: []\ndefault: triage\nelse: drop\n", []string{`r.yaml:4:1: unknown-key: a routing file has no key "else" (known: default, rules, version)`}},
		"duplicate key":        {"version: 1\nversion: 1\nrules: []\ndefault: triage\n", []string{`r.yaml:2:1: duplicate-key: the key "version" is there twice`}},
		"rules no list":        {"version: 1\nrules: {}\ndefault: triage\n", []string{"r.yaml:2:8: type: rules must be a list"}},
		"rule no mapping":      {"version: 1\nrules: [a]\ndefault: triage\n", []string{"r.yaml:2:9: type: a rule must be a mapping"}},
		"no name":              {"version: 1\nrules:\n  - match: {source: datadog}\n    triage: look\ndefault: triage\n", []string{`r.yaml:3:5: missing-key: a rule lacks the key "name"`}},
		"bad name":             {strings.Replace(rule(good, "triage: look"), "name: a", "name: A b", 1), []string{`name: the name "A b" must have small letters`}},
		"no match":             {rule("triage: look"), []string{`missing-key: a rule lacks the key "match"`}},
		"no outcome":           {rule(good), []string{"r.yaml:3:5: outcome: a rule needs either incident or triage"}},
		"two outcomes":         {rule(good, "triage: look", "incident: {kind: extraction-event, asset: a}"), []string{"outcome: a rule needs either"}},
		"empty triage":         {rule(good, "triage:"), []string{"type: triage must be text that is not empty"}},
		"unknown source":       {rule("match: {source: nagios}", "triage: look"), []string{`unknown-source: there is no source "nagios" (known: alertmanager, `}},
		"unknown in match":     {rule("match: {sources: datadog}", "triage: look"), []string{`unknown-key: match has no key "sources" (known: fields, source)`}},
		"no fields":            {rule("match: {fields: {}}", "triage: look"), []string{"type: fields must be a mapping that is not empty"}},
		"field twice":          {rule("match: {fields: {a: b, a: c}}", "triage: look"), []string{`duplicate-key: the key "a" is there twice`}},
		"empty value":          {rule(`match: {fields: {a: ""}}`, "triage: look"), []string{"a must be text that is not empty"}},
		"empty list":           {rule(`match: {fields: {a: []}}`, "triage: look"), []string{"a must have 1 to 100 values"}},
		"value twice":          {rule(`match: {fields: {a: [b, b]}}`, "triage: look"), []string{`duplicate-value: "b" is there twice`}},
		"nested list":          {rule(`match: {fields: {a: [[b]]}}`, "triage: look"), []string{"a must be text"}},
		"two tests":            {rule(`match: {fields: {a: {prefix: b, glob: c}}}`, "triage: look"), []string{"test: a test of field a needs one of these"}},
		"regular expression":   {rule(`match: {fields: {a: {regex: b}}}`, "triage: look"), []string{`unknown-key: a test has no key "regex" (known: glob, prefix, present)`}},
		"absent":               {rule(`match: {fields: {a: {present: false}}}`, "triage: look"), []string{"present can only be true"}},
		"value too long":       {rule(`match: {fields: {a: `+strings.Repeat("b", 257)+`}}`, "triage: look"), []string{"the value of a field has at most 256 bytes"}},
		"name too long":        {rule(`match: {fields: {`+strings.Repeat("b", 65)+`: a}}`, "triage: look"), []string{"the name of a field has at most 64 bytes"}},
		"no asset":             {rule(good, "incident: {kind: extraction-event}"), []string{`missing-key: incident lacks the key "asset"`}},
		"unknown kind":         {rule(good, "incident: {kind: extraction, asset: a}"), []string{`value: there is no playbook of kind "extraction" (known: backdoor-discovery, `}},
		"unknown severity":     {rule(good, "incident: {kind: extraction-event, asset: a, severity: high}"), []string{`the severity is "high" (known: SEV1, `}},
		"unknown confidence":   {rule(good, "incident: {kind: extraction-event, asset: a, confidence: 95}"), []string{`the confidence is "95", want a number from 0 to 1`}},
		"unknown facet":        {rule(good, "incident: {kind: extraction-event, asset: a, facet: all}"), []string{`the facet is "all" (known: integrity, `}},
		"unknown mode":         {rule(good, "incident: {kind: extraction-event, asset: a, mode: dry}"), []string{`the mode is "dry" (live or drill)`}},
		"expression":           {rule(good, "incident: {kind: extraction-event, asset: {field: a, else: b}}"), []string{`unknown-key: asset has no key "else" (known: field)`}},
		"names steps":          {rule(good, "incident: {kind: extraction-event, asset: a, steps: [b]}"), []string{`unknown-key: incident has no key "steps"`}},
		"unreachable":          {strings.Replace(rule("match: {}", "triage: look"), "default", "  - name: b\n    match: {}\n    triage: look\ndefault", 1), []string{"r.yaml:6:5: unreachable: the rule a before it fits everything (put it before a)"}},
		"two of one name":      {strings.Replace(rule(good, "triage: look"), "default", "  - name: a\n    match: {}\n    triage: look\ndefault", 1), []string{"r.yaml:6:5: duplicate-name: a rule named a is at line 3 already"}},
		"deep":                 {strings.Repeat("[", 20000), []string{"yaml:"}},
		"everything at once":   {"version: 3\nrules:\n  - name: a\n    match: {source: x}\nelse: 1\n", []string{"r.yaml:1:1: missing-key", "r.yaml:1:10: version", "r.yaml:3:5: outcome", "r.yaml:4:21: unknown-source", "r.yaml:5:1: unknown-key"}},
		"more rules than many": {"version: 1\nrules: [" + strings.Repeat("{},", MaxRules+1) + "]\ndefault: triage\n", []string{"too-many: 501 rules, at most 500"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Parse("r.yaml", []byte(tt.text), incident.Kinds())
			require.Nil(t, r)
			require.Error(t, err)
			got := Faults(err)
			if len(tt.want) > 1 {
				require.Len(t, got, len(tt.want), "%v", err)
			}
			for i, want := range tt.want {
				require.Contains(t, got[i].Error(), want)
			}
			for _, f := range got {
				require.Positive(t, f.Line)
				require.Positive(t, f.Column)
				require.NotEmpty(t, f.Code)
			}
		})
	}
}

func TestBuiltIn(t *testing.T) {
	t.Parallel()
	r, err := BuiltIn("", "", incident.Kinds())
	require.NoError(t, err)
	require.Len(t, r.Rules, 1)
	require.Equal(t, []string{"firebreak_kind", "firebreak_asset", "firebreak_confidence", "firebreak_facet"}, r.Fields())
	r, err = BuiltIn("ml_incident", "ml_asset", incident.Kinds())
	require.NoError(t, err)
	require.Equal(t, Value{Field: "ml_incident"}, r.Rules[0].Incident.Kind)
	require.Equal(t, Value{Field: "ml_asset"}, r.Rules[0].Incident.Asset)
	_, err = BuiltIn("a: b", "", incident.Kinds())
	require.ErrorContains(t, err, "field-name")
}

func FuzzParse(f *testing.F) {
	raw, err := os.ReadFile(sample)
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(BuiltInText()))
	f.Add([]byte("version: 1\nrules: [{name: a, match: {fields: {b: {glob: '*'}}}, triage: c}]\ndefault: triage\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := Parse("fuzz.yaml", raw, incident.Kinds())
		if err != nil {
			require.Nil(t, r)
			require.NotEmpty(t, Faults(err))
			return
		}
		for _, rule := range r.Rules {
			require.NotEmpty(t, rule.Name)
			require.NotEqual(t, rule.Incident == nil, rule.Triage == "")
		}
	})
}
