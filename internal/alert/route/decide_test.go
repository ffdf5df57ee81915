package route

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/alert"
	"firebreak/internal/incident"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	routes := sampleRoutes(t)
	tests := map[string]struct {
		signal alert.Signal
		rule   string
		want   Decision
	}{
		"the sender names it": {
			alert.Signal{Source: alert.Grafana, Severity: "high", Fields: alert.Fields{"firebreak_kind": "extraction-event", "firebreak_asset": "credit-api", "firebreak_confidence": "0.9", "firebreak_facet": "API"}},
			"named-by-the-sender", Decision{Kind: "extraction-event", Asset: "credit-api", Severity: "SEV2", Confidence: 0.9, Facet: "api"},
		},
		"what cannot be used is ignored": {
			alert.Signal{Source: alert.Grafana, Severity: "page", Fields: alert.Fields{"firebreak_kind": "extraction-event", "firebreak_asset": "credit-api", "firebreak_confidence": "95", "firebreak_facet": "all"}},
			"named-by-the-sender", Decision{Kind: "extraction-event", Asset: "credit-api", Ignored: []string{"severity", "firebreak_confidence", "firebreak_facet"}},
		},
		"a kind without a playbook": {
			alert.Signal{Source: alert.Grafana, Fields: alert.Fields{"firebreak_kind": "extraction", "firebreak_asset": "credit-api"}},
			"named-by-the-sender", Decision{Asset: "credit-api", Triage: `unknown incident kind "extraction" (known: backdoor-discovery, extraction-event, dataset-compromise)`},
		},
		"a literal asset, a list and a glob": {
			alert.Signal{Source: alert.GuardDuty, Severity: "high", Fields: alert.Fields{"type": "Exfiltration:S3/AnomalousBehavior", "resource.accessKeyDetails.userName": "nordwall-prod-registry"}},
			"registry-credentials-used-elsewhere", Decision{Kind: "extraction-event", Asset: "credit-scorer@17", Severity: "SEV2", Confidence: 0.8, Facet: "weights"},
		},
		"triage by a rule": {
			alert.Signal{Source: alert.GuardDuty, Fields: alert.Fields{"type": "Recon:IAMUser/MaliciousIPCaller"}},
			"guardduty-archive-noise", Decision{Triage: "GuardDuty saw reconnaissance; look whether a serving role is meant"},
		},
		"a severity written out": {
			alert.Signal{Source: alert.SageMaker, Severity: "low", Fields: alert.Fields{"endpoint": "credit-api", "violations": "true"}},
			"model-quality-drift", Decision{Kind: "backdoor-discovery", Asset: "credit-api", Severity: "SEV2"},
		},
		"the asset's field is missing": {
			alert.Signal{Source: alert.CloudWatch, Fields: alert.Fields{"alarm_name": "extraction-rate"}},
			"extraction-alarm", Decision{Triage: "field dimension.EndpointName, which names the asset, is missing"},
		},
		"a mode": {
			alert.Signal{Source: alert.Datadog, Fields: alert.Fields{"env": "staging"}},
			"staging-monitors", Decision{Kind: "extraction-event", Asset: "credit-api-stg", Mode: incident.Drill},
		},
		"no rule": {
			alert.Signal{Source: alert.Datadog, Fields: alert.Fields{"env": "prod"}},
			"", Decision{Triage: "no rule fits (named-by-the-sender: field firebreak_kind is missing; " +
				"guardduty-archive-noise: the source is datadog, not guardduty; registry-credentials-used-elsewhere: the source is datadog, not guardduty; and 4 more)"},
		},
		"unroutable, whatever it names": {
			alert.Signal{Source: alert.CloudWatch, Unroutable: "no data", Fields: alert.Fields{"firebreak_kind": "extraction-event", "firebreak_asset": "credit-api"}},
			"", Decision{Triage: "no data"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := routes.Decide(&tt.signal, incident.Kinds())
			if tt.rule == "" {
				require.Nil(t, got.Rule)
			} else {
				require.Equal(t, tt.rule, got.Rule.Name)
				require.Equal(t, tt.rule, got.Steps[len(got.Steps)-1].Rule.Name)
				require.Empty(t, got.Steps[len(got.Steps)-1].Why)
			}
			for _, s := range got.Steps[:max(0, len(got.Steps)-1)] {
				require.NotEmpty(t, s.Why)
			}
			got.Rule, got.Steps = nil, nil
			require.Equal(t, tt.want, got)
		})
	}
}

func TestFirstRuleThatFitsDecides(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("version: 1\nrules:\n")
	for i := range 3 {
		fmt.Fprintf(&b, "  - {name: r%d, match: {fields: {a: {prefix: b}}}, triage: rule %d}\n", i, i)
	}
	b.WriteString("default: triage\n")
	r, err := Parse("r.yaml", []byte(b.String()), nil)
	require.NoError(t, err)
	d := r.Decide(&alert.Signal{Source: alert.Generic, Fields: alert.Fields{"a": "bc"}}, nil)
	require.Equal(t, "rule 0", d.Triage)
	require.Len(t, d.Steps, 1)
}

func TestTitleIsAField(t *testing.T) {
	t.Parallel()
	r, err := Parse("r.yaml", []byte("version: 1\nrules:\n  - {name: a, match: {fields: {title: {glob: '*drift*'}}}, triage: look}\ndefault: triage\n"), nil)
	require.NoError(t, err)
	require.Equal(t, "look", r.Decide(&alert.Signal{Title: "model drift seen"}, nil).Triage)
	require.Contains(t, r.Decide(&alert.Signal{Title: "model seen"}, nil).Triage, "no rule fits")
}

func TestGlob(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"*", "", true}, {"*", "anything", true}, {"a*", "a", true}, {"a*", "ba", false},
		{"*a", "ba", true}, {"*a", "ab", false}, {"a*a", "a", false}, {"a*a", "aa", true}, {"a*b*c", "aXbYc", true}, {"a*b*c", "acb", false},
		{"a**b", "ab", true}, {"arn:aws:*:role/ml-*", "arn:aws:iam::1:role/ml-x", true}, {"?", "a", false}, {"[a]", "a", false},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, glob(tt.pattern, tt.text), "%s against %s", tt.pattern, tt.text)
	}
}

// A pattern cannot make matching slow: what takes an exponential time elsewhere takes none here.
func TestGlobIsNotSlow(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	require.False(t, glob(strings.Repeat("*a", 120)+"*b*", strings.Repeat("a", 256)))
	require.Less(t, time.Since(begun), time.Second)
}
