package alert

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

func TestSituation(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		labels map[string]string
		want   Situation
	}{
		"nothing given":   {nil, Situation{}},
		"everything":      {map[string]string{"severity": "critical", "firebreak_confidence": "0.95", "firebreak_facet": "both"}, Situation{Severity: "SEV1", Confidence: 0.95, Facet: "both"}},
		"warning":         {map[string]string{"severity": "warning"}, Situation{Severity: "SEV2"}},
		"info":            {map[string]string{"severity": "INFO"}, Situation{Severity: "SEV3"}},
		"our own words":   {map[string]string{"severity": "sev4", "firebreak_facet": "Stolen_Credential"}, Situation{Severity: "SEV4", Facet: "stolen_credential"}},
		"certain":         {map[string]string{"firebreak_confidence": "1"}, Situation{Confidence: 1}},
		"another scale":   {map[string]string{"severity": "page"}, Situation{Ignored: []string{"severity"}}},
		"beyond the list": {map[string]string{"severity": "SEV5"}, Situation{Ignored: []string{"severity"}}},
		"per cent":        {map[string]string{"firebreak_confidence": "95"}, Situation{Ignored: []string{"firebreak_confidence"}}},
		"negative":        {map[string]string{"firebreak_confidence": "-0.1"}, Situation{Ignored: []string{"firebreak_confidence"}}},
		"not a number":    {map[string]string{"firebreak_confidence": "NaN"}, Situation{Ignored: []string{"firebreak_confidence"}}},
		"infinite":        {map[string]string{"firebreak_confidence": "Inf"}, Situation{Ignored: []string{"firebreak_confidence"}}},
		"a word":          {map[string]string{"firebreak_confidence": "high"}, Situation{Ignored: []string{"firebreak_confidence"}}},
		"unknown facet":   {map[string]string{"firebreak_facet": "everything", "severity": "critical"}, Situation{Severity: "SEV1", Ignored: []string{"firebreak_facet"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, DefaultLabels().situation(tt.labels))
		})
	}
}

// An alert whose severity cannot be read is an alert all the same.
func TestUnusableSituationIsNoFault(t *testing.T) {
	t.Parallel()
	raw := strings.Replace(string(post(t, "extraction-event.json")), `"severity": "critical"`, `"severity": "page", "firebreak_facet": "api"`, 1)
	g, err := DecodeAlertmanager([]byte(raw), received)
	require.NoError(t, err)
	require.Nil(t, g.Members[0].Fault)
	require.Equal(t, Situation{Facet: "api", Ignored: []string{"severity"}}, g.Members[0].Situation)
	require.Empty(t, g.Alerts()[0].Severity)
}

func TestKindsThatAnAlertMayName(t *testing.T) {
	t.Parallel()
	raw := []byte(strings.Replace(string(post(t, "extraction-event.json")), `"extraction-event"`, `"secret-leak"`, 1))
	g, err := DecodeAlertmanager(raw, received)
	require.NoError(t, err)
	require.ErrorIs(t, g.Members[0].Fault, ErrUnknownKind)

	own := DefaultLabels()
	own.Kinds = []incident.Kind{"secret-leak", "extraction-event"}
	g, err = own.DecodeAlertmanager(raw, received)
	require.NoError(t, err)
	require.Equal(t, incident.Kind("secret-leak"), g.Alerts()[0].Kind)

	g, err = own.DecodeAlertmanager(post(t, "backdoor-discovery.json"), received)
	require.NoError(t, err)
	require.ErrorContains(t, g.Members[0].Fault, `unknown incident kind "backdoor-discovery" (known: secret-leak, extraction-event)`)
}
