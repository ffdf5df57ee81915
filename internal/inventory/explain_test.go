package inventory_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// every lists what a radius holds.
func every(r incident.Radius) []string {
	var out []string
	for _, list := range [][]string{r.DatasetVersions, r.Checkpoints, r.Models, r.Endpoints, r.Writers, r.Callers} {
		out = append(out, list...)
	}
	return out
}

func TestExplainGivesEachAssetAReason(t *testing.T) {
	t.Parallel()
	inv := load(t)
	for _, asset := range []string{"loan-applications@2026-07-31", "loan-applications", "credit-eval", "credit-api", "credit-scorer", "assist-llm@5", "assist-kb@2026-06-01", "loan-synthetic", "credit-scorer-stg@17"} {
		t.Run(asset, func(t *testing.T) {
			t.Parallel()
			x, err := inv.Explain(asset)
			require.NoError(t, err)
			r, err := inv.BlastRadius(asset)
			require.NoError(t, err)
			require.Equal(t, r, x.Radius)
			var ids []string
			for _, reason := range x.Reasons {
				ids = append(ids, reason.ID)
				require.NotEmpty(t, reason.Why)
				require.False(t, reason.Unknown, "%s: all lineage is known", reason.ID)
				require.Equal(t, asset, reason.Path[0])
				require.Equal(t, reason.ID, reason.Path[len(reason.Path)-1])
			}
			require.ElementsMatch(t, every(r), ids)
		})
	}
}

func TestExplainSaysWhyUnknownCounts(t *testing.T) {
	t.Parallel()
	doc := strings.Replace(text(t), `datasets: ["loan-synthetic@2026-08-15#sha256:353567aa1ed0bc38da9c247ee18e284d180b9db2c97ca8d4585399eb076b6880"]`, "datasets: []", 1)
	doc = strings.Replace(doc, "  - {from: loan-synthetic@2026-08-15,", "  #- {from: loan-synthetic@2026-08-15,", 1)
	inv, err := inventory.Parse("assets.yaml", []byte(doc))
	require.NoError(t, err)
	x, err := inv.Explain("loan-synthetic@2026-08-15")
	require.NoError(t, err)
	require.Equal(t, []string{"credit-scorer-stg@17"}, x.Radius.Unknown)
	got := map[string]inventory.Reason{}
	for _, r := range x.Reasons {
		got[r.ID] = r
	}
	require.Equal(t, inventory.Reason{
		ID: "credit-scorer-stg@17", Section: "checkpoints", Path: []string{"loan-synthetic@2026-08-15", "credit-scorer-stg@17"}, Unknown: true,
		Why: "has no recorded lineage: nobody knows that it was not made from it, so it counts as affected",
	}, got["credit-scorer-stg@17"])
	for _, id := range []string{"credit-scorer-stg", "credit-api-stg", "stg-registry-push", "drill-free-key"} {
		require.True(t, got[id].Unknown, "%s is reached by what is unknown alone", id)
	}
	require.False(t, got["loan-synthetic@2026-08-15"].Unknown)
}

func TestExplainKnowsConsumers(t *testing.T) {
	t.Parallel()
	inv := load(t)
	x, err := inv.Explain("assist-kb@2026-09-01")
	require.NoError(t, err)
	require.Equal(t, inventory.KeyHolder{
		ID: "assist-web-key", Gateway: "litellm-eu", Route: "assist-chat", Tenant: "public-web", Tier: "free", Query: inventory.Consumers,
		Path: []string{"assist-kb@2026-09-01", "assist-llm@5", "assist-chat", "assist-web-key"},
	}, x.Consumers[0])
	// A playbook finds the same without a cluster.
	for _, h := range x.Consumers {
		targets, err := inv.Resolve(h.Query, x.Radius, incident.Live)
		require.NoError(t, err)
		var ids []string
		for _, target := range targets {
			ids = append(ids, target.ID)
		}
		require.Contains(t, ids, h.ID)
	}
	x, err = inv.Explain("credit-api")
	require.NoError(t, err)
	require.Empty(t, x.Consumers, "its caller has no key at a gateway")
}

// TestExplainPathsAreEdges follows the lineage of random inventories: each step of a path is a recorded run, but for the one
// that leaves the asset for what may descend from it.
func TestExplainPathsAreEdges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		inv, edges := randomInventory(seed)
		x, err := inv.Explain("d0@1")
		require.NoError(t, err)
		unknown := map[string]bool{}
		for _, id := range x.Radius.Unknown {
			unknown[id] = true
		}
		said := map[string]bool{}
		for _, r := range x.Reasons {
			said[r.ID] = true
			if r.Section != "checkpoints" && r.Section != "dataset_versions" {
				continue
			}
			for i := range r.Path[1:] {
				if i == 0 && unknown[r.Path[1]] {
					require.True(t, r.Unknown)
					continue
				}
				require.Contains(t, edges, [2]string{r.Path[i], r.Path[i+1]}, "seed %d: %v", seed, r.Path)
			}
			if r.Unknown {
				require.NotContains(t, naive(edges, []string{"d0@1"}), r.ID, "seed %d: what surely descends is not called unknown", seed)
			}
		}
		for _, id := range every(x.Radius) {
			require.True(t, said[id], "seed %d: %s has no reason", seed, id)
		}
	}
}

// randomInventory has data, checkpoints of which some have no origin, and endpoints.
func randomInventory(seed uint64) (*inventory.Inventory, [][2]string) {
	r := rand.New(rand.NewPCG(seed, 9))
	inv := &inventory.Inventory{}
	var nodes []string
	for i := range 6 {
		inv.Datasets = append(inv.Datasets, inventory.Dataset{ID: fmt.Sprint("d", i), Env: "prod"})
		inv.DatasetVersions = append(inv.DatasetVersions, inventory.DatasetVersion{ID: fmt.Sprintf("d%d@1", i), Dataset: fmt.Sprint("d", i)})
		nodes = append(nodes, fmt.Sprintf("d%d@1", i))
	}
	for i := range 8 {
		inv.Models = append(inv.Models, inventory.Model{ID: fmt.Sprint("m", i), Env: "prod", Family: "f"})
		inv.Endpoints = append(inv.Endpoints, inventory.Endpoint{ID: fmt.Sprint("e", i), Model: fmt.Sprint("m", i), Env: "prod"})
		inv.Checkpoints = append(inv.Checkpoints, inventory.Checkpoint{ID: fmt.Sprintf("m%d@1", i), Model: fmt.Sprint("m", i)})
		nodes = append(nodes, fmt.Sprintf("m%d@1", i))
	}
	var edges [][2]string
	for range 10 {
		a, b := r.IntN(len(nodes)), r.IntN(len(nodes))
		if a == b {
			continue
		}
		e := [2]string{nodes[min(a, b)], nodes[max(a, b)]}
		edges = append(edges, e)
		inv.Lineage = append(inv.Lineage, inventory.Edge{From: e[0], To: e[1]})
	}
	return inv, edges
}
