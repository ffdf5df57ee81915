package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

// packed fills batches until every handover is in one.
func packed(t *testing.T, hs []handover) []batch {
	t.Helper()
	var out []batch
	for len(hs) > 0 {
		p := newPacker()
		n := 0
		for n < len(hs) && p.add(&hs[n]) {
			n++
		}
		require.Positive(t, n, "a batch takes at least one alert")
		b := p.pack()
		raw, err := json.Marshal(b.alerts)
		require.NoError(t, err)
		require.LessOrEqual(t, len(raw), batchBytes)
		require.Less(t, len(b.alerts.Alerts), 1000)
		require.Equal(t, n, b.alerts.Count)
		out, hs = append(out, b), hs[n:]
	}
	return out
}

func TestBatchLimits(t *testing.T) {
	t.Parallel()
	long := func(n, size int) []handover {
		hs := firings("a", 0, n)
		for i := range hs {
			// Each of these becomes six bytes.
			hs[i].Alert.Summary = strings.Repeat("<", size)
		}
		return hs
	}
	cases := map[string]struct {
		alerts  []handover
		batches int
	}{
		"one":              {firings("a", 0, 1), 1},
		"many small ones":  {firings("a", 0, 999), 1},
		"more than may be": {firings("a", 0, 2500), 3},
		"long texts":       {long(300, 500), 4},
		"repetitions":      {append(firings("a", 0, 1), slicesRepeat(firing("a", "k0000"), 5000)...), 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.batches, len(packed(t, c.alerts)))
		})
	}
}

func slicesRepeat(h handover, n int) []handover {
	out := make([]handover, n)
	for i := range out {
		out[i] = h
	}
	return out
}

func TestBatchCarriesAPostOnceAndOnlyIfThereIsRoom(t *testing.T) {
	t.Parallel()
	hs := firings("a", 0, 6)
	for i := range hs {
		hs[i].Alert.RawSHA256 = fmt.Sprintf("post-%d", i/2)
	}
	hs[0].Alert.Raw = []byte("first")
	hs[1].Alert.Raw = []byte("first")
	hs[2].Alert.Raw = make([]byte, batchBytes)
	hs[5].Alert.Raw = []byte("third")
	b := packed(t, hs)[0]
	var raws []string
	for _, a := range b.alerts.Alerts {
		raws = append(raws, string(a.Raw))
	}
	require.Equal(t, []string{"first", "", "", "", "third", ""}, raws)
	require.Equal(t, "post-1", b.alerts.Alerts[2].RawSHA256, "the digest stays")
	require.Len(t, hs[2].Alert.Raw, batchBytes, "what may have to be sent again is as it was")
}

func TestBatchCompressesWhatWasPosted(t *testing.T) {
	t.Parallel()
	h, again, other := firing("a", "k"), firing("a", "k"), firing("a", "k")
	h.Alert.RawSHA256, again.Alert.RawSHA256, other.Alert.RawSHA256 = "one", "one", "two"
	h.Posted, again.Posted, other.Posted = []byte("a post"), []byte("a post"), []byte("a repetition's own post")
	b := packed(t, []handover{h, again, other})[0]
	require.Len(t, b.alerts.Alerts, 1)
	require.Equal(t, "a post", string(unzipped(t, b.alerts.Alerts[0].Raw)))
	require.Empty(t, h.Alert.Raw, "what may have to be sent again is as it was")

	triage := handover{Triage: &workflows.TriageRequest{Alert: h.Alert}, Posted: h.Posted}
	b = packed(t, []handover{triage})[0]
	require.Equal(t, "a post", string(unzipped(t, b.triage.Alert.Raw)))
	require.Empty(t, triage.Triage.Alert.Raw)
}

func TestBatchKeepsWhatARepetitionAdds(t *testing.T) {
	t.Parallel()
	hs := slicesRepeat(firing("a", "k"), 5)
	hs[1].Alert.Severity = "SEV1"
	hs[2].Alert.Confidence = 0.9
	hs[3].Alert.Resolved = true
	b := packed(t, hs)[0]
	require.Len(t, b.alerts.Alerts, 4)
	require.Equal(t, 5, b.alerts.Count)
	require.Equal(t, incident.ExtractionEvent, b.request.Kind)

	end := firing("a", "k")
	end.Request = nil
	require.Nil(t, packed(t, []handover{end})[0].request, "the end of an alert starts nothing")
}
