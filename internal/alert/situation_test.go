package alert

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSeverity(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		severity string
		ok       bool
		// sender is what SenderSeverity makes of it.
		sender string
	}{
		"critical": {"SEV1", true, "SEV1"}, "warning": {"SEV2", true, "SEV2"}, "INFO": {"SEV3", true, "SEV3"}, " sev4 ": {"SEV4", true, "SEV4"},
		"SEV5": {"SEV5", false, ""}, "page": {"PAGE", false, ""},
		"high": {"HIGH", false, "SEV2"}, "medium": {"MEDIUM", false, "SEV3"}, "low": {"LOW", false, "SEV4"},
		"P1": {"P1", false, "SEV1"}, "p2": {"P2", false, "SEV2"}, "P5": {"P5", false, "SEV4"}, "error": {"ERROR", false, "SEV2"},
	}
	for word, want := range tests {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			got, ok := Severity(word)
			require.Equal(t, want.severity, got)
			require.Equal(t, want.ok, ok)
			got, ok = SenderSeverity(word)
			require.Equal(t, want.sender != "", ok)
			if ok {
				require.Equal(t, want.sender, got)
			}
		})
	}
}

func TestConfidence(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"1": true, "0.95": true, " 0 ": true, "95": false, "-0.1": false, "NaN": false, "Inf": false, "high": false, "": false} {
		_, ok := Confidence(text)
		require.Equal(t, want, ok, "%q", text)
	}
}

func TestFacet(t *testing.T) {
	t.Parallel()
	facet, ok := Facet("Stolen_Credential")
	require.True(t, ok)
	require.Equal(t, "stolen_credential", facet)
	_, ok = Facet("everything")
	require.False(t, ok)
}
