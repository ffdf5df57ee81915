package inventory_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
)

// naive follows edges until nothing is added.
func naive(edges [][2]string, roots []string) []string {
	seen := map[string]bool{}
	for _, r := range roots {
		seen[r] = true
	}
	for before := -1; before != len(seen); {
		before = len(seen)
		for _, e := range edges {
			if seen[e[0]] {
				seen[e[1]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// randomEdges are edges between so many nodes; forward ones only lead from a smaller number to a greater.
func randomEdges(r *rand.Rand, nodes, edges int, forward bool) [][2]string {
	var out [][2]string
	for range edges {
		a, b := r.IntN(nodes), r.IntN(nodes)
		if forward {
			if a == b {
				continue
			}
			a, b = min(a, b), max(a, b)
		}
		out = append(out, [2]string{fmt.Sprint("n", a), fmt.Sprint("n", b)})
	}
	return out
}

func TestClosureIsTheFixpoint(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		edges := randomEdges(r, 1+r.IntN(30), r.IntN(60), false)
		roots := []string{fmt.Sprint("n", r.IntN(30))}
		require.Equal(t, naive(edges, roots), inventory.Descendants(edges, roots), "seed %d", seed)
	}
}

func TestClosureIsMonotone(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		edges := randomEdges(r, 20, 40, false)
		roots := []string{"n0"}
		small := inventory.Descendants(edges, roots)
		require.Subset(t, inventory.Descendants(edges, append(roots, "n7")), small, "a further root takes nothing away, seed %d", seed)
		more := append(slices.Clone(edges), randomEdges(r, 20, 5, false)...)
		require.Subset(t, inventory.Descendants(more, roots), small, "a further edge takes nothing away, seed %d", seed)
	}
}

func TestCyclesAreFound(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		require.Nil(t, inventory.Cycle(randomEdges(r, 20, 60, true)), "edges that lead forward alone, seed %d", seed)
		edges := randomEdges(r, 12, 25, false)
		cycle := inventory.Cycle(edges)
		if cycle == nil {
			for _, e := range edges { // nothing leads back to where an edge starts
				require.NotContains(t, naive(edges, []string{e[1]}), e[0], "seed %d", seed)
			}
			continue
		}
		require.Equal(t, cycle[0], cycle[len(cycle)-1], "seed %d", seed)
		for i := range cycle[1:] {
			require.Contains(t, edges, [2]string{cycle[i], cycle[i+1]}, "each step is an edge, seed %d", seed)
		}
	}
}

// TestRadiusIsMonotone adds lineage to an inventory: what was affected before stays affected.
func TestRadiusIsMonotone(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 4))
		inv := &inventory.Inventory{}
		for i := range 12 {
			inv.Datasets = append(inv.Datasets, inventory.Dataset{ID: fmt.Sprint("d", i), Env: "prod"})
			inv.DatasetVersions = append(inv.DatasetVersions, inventory.DatasetVersion{ID: fmt.Sprintf("d%d@1", i), Dataset: fmt.Sprint("d", i)})
			inv.Models = append(inv.Models, inventory.Model{ID: fmt.Sprint("m", i), Env: "prod"})
			inv.Checkpoints = append(inv.Checkpoints, inventory.Checkpoint{ID: fmt.Sprintf("m%d@1", i), Model: fmt.Sprint("m", i)})
			inv.Endpoints = append(inv.Endpoints, inventory.Endpoint{ID: fmt.Sprint("e", i), Model: fmt.Sprint("m", i), Env: "prod"})
		}
		edge := func() {
			inv.Lineage = append(inv.Lineage, inventory.Edge{From: fmt.Sprintf("d%d@1", r.IntN(12)), To: fmt.Sprintf("m%d@1", r.IntN(12))})
		}
		for i := range 12 { // each has an origin, so that none is affected because nothing is known of it
			inv.Lineage = append(inv.Lineage, inventory.Edge{From: "d11@1", To: fmt.Sprintf("m%d@1", i)})
		}
		before, err := inv.BlastRadius("d0")
		require.NoError(t, err)
		for range 8 {
			edge()
			after, err := inv.BlastRadius("d0")
			require.NoError(t, err)
			require.Subset(t, after.Checkpoints, before.Checkpoints, "seed %d", seed)
			require.Subset(t, after.Endpoints, before.Endpoints, "seed %d", seed)
			before = after
		}
	}
}
