package manifest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/manifest"
)

func chainOf(t *testing.T, n int) (chain []manifest.Event, genesis string) {
	t.Helper()
	genesis = manifest.Genesis("incident/a", incident.Live)
	for i := range n {
		at := time.Date(2026, 9, 14, 8, i, 0, 0, time.FixedZone("CEST", 7200))
		e, err := manifest.Link(chain, genesis, manifest.Event{ID: string(rune('a' + i)), At: at, Actor: "sec-1", Action: manifest.Read, Evidence: "s3://b/k?versionId=1"})
		require.NoError(t, err)
		chain = append(chain, e)
	}
	return chain, genesis
}

func TestChain(t *testing.T) {
	t.Parallel()
	chain, genesis := chainOf(t, 4)
	require.Empty(t, manifest.CheckChain(chain, genesis))
	require.Empty(t, manifest.CheckChain(nil, genesis))
	require.Equal(t, time.UTC, chain[0].At.Location())
	for name, tt := range map[string]struct {
		change func([]manifest.Event) []manifest.Event
		wrong  []int
	}{
		"one is left out":    {func(c []manifest.Event) []manifest.Event { return slices.Delete(c, 1, 2) }, []int{1, 2}},
		"two are swapped":    {func(c []manifest.Event) []manifest.Event { c[1], c[2] = c[2], c[1]; return c }, []int{1, 2, 3}},
		"one is there twice": {func(c []manifest.Event) []manifest.Event { return slices.Insert(c, 1, c[1]) }, []int{2, 3, 4}},
		"one is changed":     {func(c []manifest.Event) []manifest.Event { c[2].Reason = "x"; return c }, []int{2}},
		"a hash is changed":  {func(c []manifest.Event) []manifest.Event { c[1].Hash = c[0].Hash; return c }, []int{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrong := manifest.CheckChain(tt.change(slices.Clone(chain)), genesis)
			for _, i := range tt.wrong {
				require.Contains(t, wrong, i)
			}
			require.Len(t, wrong, len(tt.wrong), wrong)
		})
	}
	for _, other := range []string{manifest.Genesis("incident/b", incident.Live), manifest.Genesis("incident/a", incident.Drill)} {
		require.Contains(t, manifest.CheckChain(chain, other), 0, "a chain belongs to one incident and mode")
	}
}

func TestParseHandling(t *testing.T) {
	t.Parallel()
	h, err := manifest.ParseHandling("read")
	require.NoError(t, err)
	require.Equal(t, manifest.Read, h)
	for _, s := range []string{"", "collect", "seal", "READ"} {
		_, err := manifest.ParseHandling(s)
		require.ErrorContains(t, err, "extend_hold")
	}
}
