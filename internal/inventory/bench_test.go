package inventory_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
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

// BenchmarkLarge prints what a plan asks of an inventory of 100,000 assets and 1,000,000 edges: the blast radius and the
// known-good checkpoint of every endpoint in it, and apart from them what loading costs once.
func BenchmarkLarge(b *testing.B) {
	raw := large(largeAssets, largeEdges)
	started := time.Now()
	inv, err := inventory.Parse("large.json", raw)
	require.NoError(b, err)
	loaded := time.Since(started)
	for _, asset := range []string{"d@0", "d@39999", "e7"} {
		b.Run(asset, func(b *testing.B) {
			var r incident.Radius
			var radius, good time.Duration
			for b.Loop() {
				started := time.Now()
				if r, err = inv.BlastRadius(asset); err != nil {
					b.Fatal(err)
				}
				radius += time.Since(started)
				started = time.Now()
				for _, id := range r.Endpoints {
					inv.KnownGood(inv.Endpoint(id).Model, r)
				}
				good += time.Since(started)
			}
			b.ReportMetric(float64(len(r.DatasetVersions)+len(r.Checkpoints)+len(r.Models)+len(r.Endpoints)), "affected")
			b.ReportMetric(float64(radius.Milliseconds())/float64(b.N), "ms/radius")
			b.ReportMetric(float64(good.Milliseconds())/float64(b.N), "ms/known-good")
			b.ReportMetric(loaded.Seconds(), "s/load")
			b.ReportMetric(float64(len(raw))/1e6, "MB")
		})
	}
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

// TestLargeIsFast holds the promise with room for a busy machine: the whole lineage of the largest inventory in under a second.
func TestLargeIsFast(t *testing.T) {
	if testing.Short() {
		t.Skip("loads a large inventory")
	}
	inv, err := inventory.Parse("large.json", large(largeAssets, largeEdges))
	require.NoError(t, err)
	best := time.Hour
	for range 3 {
		started := time.Now()
		r, err := inv.BlastRadius("d@0")
		require.NoError(t, err)
		require.Greater(t, len(r.Checkpoints), largeAssets/4, "most descends from it")
		best = min(best, time.Since(started))
	}
	t.Logf("blast radius over %d assets and %d edges: %s", largeAssets, largeEdges, best)
	require.Less(t, best, time.Second)
}
