package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestWriteStatus(t *testing.T) {
	t.Parallel()
	opening := &incident.Record{
		ID: "incident/extraction-event/credit-api", Kind: incident.ExtractionEvent, Asset: "credit-api", Mode: incident.Live, Requester: "sec-1",
		Progress: incident.Opening, Verdict: incident.NotContained, DetectedAt: at(1), OpenedAt: at(1),
	}
	gaps := containedRecord()
	gaps.Verdict, gaps.Progress, gaps.Legal = incident.ContainedWithGaps, incident.Settled, incident.Legal{}
	gaps.ClosedAt = time.Time{}
	gaps.Gaps = []string{"legal: legal is not told in #ir-legal (retrying): post message: internal_error"}
	tests := map[string]struct {
		record *incident.Record
		colour bool
	}{
		"contained.txt": {containedRecord(), false}, "waiting.txt": {waitingRecord(), false}, "opening.txt": {opening, false},
		"gaps-colour.txt": {gaps, true}, "work.txt": {workRecord(), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			require.NoError(t, writeStatus(&b, tt.record, tt.colour, at(600)))
			golden(t, name, b.String())
			if !tt.colour {
				require.NotContains(t, b.String(), "\x1b", "a record cannot drive the terminal")
			}
			require.NotContains(t, b.String(), "\u202e")
		})
	}
}

func TestCommandLineIsSafeToPaste(t *testing.T) {
	t.Parallel()
	require.Equal(t, "trigger approve incident/extraction-event/a@1 step", commandLine("trigger", "approve", "incident/extraction-event/a@1", "step"))
	require.Equal(t, `trigger 'a; rm -rf $HOME' 'it'\''s' ''`, commandLine("trigger", "a; rm -rf $HOME", "it's", ""))
	require.Equal(t, "'a?b'", commandLine("a\nb"))
}
