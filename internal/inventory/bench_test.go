package inventory_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// The size that the inventory is built for.
const (
	largeAssets = 100_000
	largeEdges  = 1_000_000
)

// large is an organisation of assets in JSON: a tenth are models with an endpoint each, four tenths checkpoints and the rest
// dataset versions. Every checkpoint descends from data, and through one another most descend from the first of them.
func large(assets, edges int) []byte {
	r := rand.New(rand.NewPCG(1, 1))
	models, versions := assets/10, assets*4/10
	checkpoints := assets - 2*models - versions
	var b bytes.Buffer
	b.WriteString(`{"schema":"ai-assets/v1","people":[{"id":"p1","deputy":"p2"},{"id":"p2"}],"systems":[{"id":"s","owner":"p1","env":"prod"}],"datasets":[{"id":"d","env":"prod"}],"models":[`)
	list := func(n int, entry func(i int)) {
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			entry(i)
		}
	}
	list(models, func(i int) {
		fmt.Fprintf(&b, `{"id":"m%d","system":"s","env":"prod","fallback":{"strategy":"human"}}`, i)
	})
	b.WriteString(`],"endpoints":[`)
	list(models, func(i int) {
		fmt.Fprintf(&b, `{"id":"e%d","model":"m%d","env":"prod","probe":{"url":"https://e.example","expect_digest_header":"x"}}`, i, i)
	})
	b.WriteString(`],"dataset_versions":[`)
	list(versions, func(i int) { fmt.Fprintf(&b, `{"id":"d@%d","dataset":"d"}`, i) })
	b.WriteString(`],"checkpoints":[`)
	list(checkpoints, func(i int) {
		fmt.Fprintf(&b, `{"id":"c@%d","model":"m%d","root_digest":"sha256:1","oms_bundle":"s3://r/%d.sig","signer":{"key":"k"},"status":"active","promotion":{"at":"2026-01-01T00:00:00Z","evals":["a"]},"built":{"datasets":["d@%d"]}}`,
			i, i%models, i, i%versions)
	})
	b.WriteString(`],"lineage":[`)
	node := func(i int) string {
		if i < versions {
			return "d@" + strconv.Itoa(i)
		}
		return "c@" + strconv.Itoa(i-versions)
	}
	list(edges, func(int) {
		x, y := r.IntN(versions+checkpoints), r.IntN(versions+checkpoints-1)
		if x == y {
			y++
		}
		fmt.Fprintf(&b, `{"from":%q,"to":%q}`, node(min(x, y)), node(max(x, y)))
	})
	b.WriteString(`]}`)
	return b.Bytes()
}

// walker is the floor of a blast radius: the same edges as plain numbers, followed in breadth. It knows no names, environments,
// endpoints or credentials, and sorts nothing.
type walker struct {
	number map[string]int32
	next   [][]int32
}

func newWalker(inv *inventory.Inventory) *walker {
	w := &walker{number: map[string]int32{}}
	node := func(id string) int32 {
		n, ok := w.number[id]
		if !ok {
			n = int32(len(w.next))
			w.number[id] = n
			w.next = append(w.next, nil)
		}
		return n
	}
	edge := func(from, to string) {
		f := node(from)
		w.next[f] = append(w.next[f], node(to))
	}
	for _, e := range inv.Lineage {
		edge(e.From, e.To)
	}
	for _, c := range inv.Checkpoints {
		for _, d := range c.Built.Datasets {
			edge(d, c.ID)
		}
	}
	return w
}

// reached counts what descends from an asset, itself included.
func (w *walker) reached(asset string) int {
	seen := make([]bool, len(w.next))
	queue := []int32{w.number[asset]}
	seen[queue[0]] = true
	for i := 0; i < len(queue); i++ {
		for _, n := range w.next[queue[i]] {
			if !seen[n] {
				seen[n] = true
				queue = append(queue, n)
			}
		}
	}
	return len(queue)
}

// median runs the works by turns, so that all of them see the same machine, and returns the median time of each.
func median(b *testing.B, works ...func()) []time.Duration {
	b.Helper()
	times := make([][]time.Duration, len(works))
	for b.Loop() {
		for i, work := range works {
			started := time.Now()
			work()
			times[i] = append(times[i], time.Since(started))
		}
	}
	var out []time.Duration
	for _, t := range times {
		slices.Sort(t)
		out = append(out, t[len(t)/2])
	}
	return out
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// BenchmarkLarge prints what an incident asks of an inventory of 100,000 assets and 1,000,000 edges: the blast radius, beside
// the floor that was measured in the same run, the reasons of everything in it, and the known-good checkpoints of its
// endpoints.
func BenchmarkLarge(b *testing.B) {
	inv, err := inventory.Parse("large.json", large(largeAssets, largeEdges))
	require.NoError(b, err)
	floor := newWalker(inv)
	for _, asset := range []string{"d@0", "d@39999"} {
		b.Run(asset, func(b *testing.B) {
			var r incident.Radius
			reached := 0
			t := median(b, func() { reached = floor.reached(asset) }, func() { r, err = inv.BlastRadius(asset) }, func() { _, err = inv.Explain(asset) }, func() {
				selector := inv.Selector(r)
				for _, id := range r.Endpoints {
					selector.Select(inv.Endpoint(id).Model)
				}
			})
			require.NoError(b, err)
			require.Equal(b, reached, len(r.DatasetVersions)+len(r.Checkpoints), "both follow the same edges")
			b.ReportMetric(float64(reached+len(r.Models)+len(r.Endpoints)), "affected")
			b.ReportMetric(milliseconds(t[0]), "floor-ms")
			b.ReportMetric(milliseconds(t[1]), "ms/radius")
			b.ReportMetric(float64(t[1])/float64(max(t[0], 1)), "x-floor")
			b.ReportMetric(milliseconds(t[2]), "ms/explain")
			b.ReportMetric(milliseconds(t[3]), "ms/known-good")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkLargeLoad prints what it costs to load that inventory, beside the floor of the same run: to see that it is JSON.
func BenchmarkLargeLoad(b *testing.B) {
	raw := large(largeAssets, largeEdges)
	var err error
	valid := false
	t := median(b, func() { valid = json.Valid(raw) }, func() { _, err = inventory.Parse("large.json", raw) })
	require.NoError(b, err)
	require.True(b, valid)
	b.ReportMetric(float64(len(raw))/1e6, "MB")
	b.ReportMetric(t[0].Seconds(), "floor-s")
	b.ReportMetric(t[1].Seconds(), "s/load")
	b.ReportMetric(float64(t[1])/float64(t[0]), "x-floor")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkLoad compares the two forms of one document of 100,000 assets.
func BenchmarkLoad(b *testing.B) {
	raw := large(largeAssets, largeAssets)
	yaml := append([]byte("# in YAML\n"), raw...)
	for name, doc := range map[string][]byte{"json": raw, "yaml": yaml} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			for b.Loop() {
				if _, err := inventory.Parse("large", doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestLargeIsFast holds the promise with room for a busy machine: the whole lineage of the largest inventory in under a second,
// and a reason for each asset in it in another.
func TestLargeIsFast(t *testing.T) {
	if testing.Short() {
		t.Skip("loads a large inventory")
	}
	inv, err := inventory.Parse("large.json", large(largeAssets, largeEdges))
	require.NoError(t, err)
	radius, explained := time.Hour, time.Hour
	for range 3 {
		started := time.Now()
		r, err := inv.BlastRadius("d@0")
		require.NoError(t, err)
		require.Greater(t, len(r.Checkpoints), largeAssets/4, "most descends from it")
		radius = min(radius, time.Since(started))
		started = time.Now()
		x, err := inv.Explain("d@0")
		require.NoError(t, err)
		require.Greater(t, len(x.Reasons), len(r.Checkpoints))
		explained = min(explained, time.Since(started)-radius)
	}
	t.Logf("blast radius over %d assets and %d edges: %s, with a reason for each %s more", largeAssets, largeEdges, radius, explained)
	require.Less(t, radius, time.Second)
	require.Less(t, explained, time.Second)
}
