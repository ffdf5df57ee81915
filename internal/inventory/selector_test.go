package inventory_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestASelectorOfManyAnswersAsOneOfEach holds that what a selector remembers of a radius changes no answer: once it has looked at
// a few lineages, it knows the rest from one walk.
func TestASelectorOfManyAnswersAsOneOfEach(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 5))
		inv, _ := randomInventory(seed)
		for i := range inv.DatasetVersions {
			inv.DatasetVersions[i].Status = []string{"active", "", "quarantined"}[r.IntN(3)]
		}
		for i := range inv.Checkpoints {
			c := &inv.Checkpoints[i]
			c.Status = []string{"active", "active", "revoked"}[r.IntN(3)]
			c.RootDigest, c.URI, c.OMSBundle, c.Signer.Key = "sha256:1", "s3://b/c", "s3://b/c.sig", "k"
			c.Promotion.At, c.Promotion.Evals = "2026-01-01T00:00:00Z", []string{"a"}
			c.Built.Base, c.Built.CodeCommit = fmt.Sprint("base", r.IntN(2)), fmt.Sprint(r.IntN(3))
			if r.IntN(3) == 0 {
				c.Parents = []string{[]string{"m0@1", "d1@1", "gone@1"}[r.IntN(3)]}
			}
		}
		radius, err := inv.BlastRadius("d0@1")
		require.NoError(t, err)
		many := inv.Selector(radius)
		for range 3 {
			for _, m := range inv.Models {
				require.Equal(t, inv.Select(m.ID, radius), many.Select(m.ID), "seed %d, %s", seed, m.ID)
			}
		}
	}
}
