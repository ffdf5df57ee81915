package inventory

import (
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

// What can read, decrypt or is kept in KV is asked for by queries of its own, each with its kind, and a protected or
// foreign credential is in none.
func TestCredentialsByWhatTheyOpen(t *testing.T) {
	t.Parallel()
	inv, err := Load("../../testdata/inventory/nordwall.yaml")
	require.NoError(t, err)
	add := func(id, kind, env, asset, verb string, change func(*Credential)) {
		c := Credential{ID: id, Kind: kind, Env: env, Grants: []Grant{{Asset: asset, Verbs: []string{verb}}}}
		if change != nil {
			change(&c)
		}
		inv.Credentials = append(inv.Credentials, c)
	}
	add("break-glass", "vault-pki", "prod", "registry/credit", "read", func(c *Credential) { c.Protected = true })
	add("staging-reader", "vault-pki", "staging", "registry/credit", "read", nil)
	add("data-key", "vault-transit", "prod", "credit-scorer@17", "decrypt", nil)
	add("data-key-reader", "vault-transit", "prod", "credit-scorer@17", "read", nil)
	add("hub", "vault-kv", "prod", "registry/credit", "write", func(c *Credential) { c.Vault.Path = "hub" })
	inv = inv.copied(t)

	radius, err := inv.BlastRadius("credit-api")
	require.NoError(t, err)
	for query, want := range map[Query][]string{
		Readers: {"feature-store-mtls"}, Keys: {"data-key"}, Secrets: {"hub"}, Writers: {"ci-registry-push", "hub"},
	} {
		targets, err := inv.Resolve(query, radius, incident.Live)
		require.NoError(t, err)
		var got []string
		for _, target := range targets {
			require.Equal(t, query.Kind(), target.Kind)
			got = append(got, target.ID)
		}
		require.Equal(t, want, got, query)
	}
	_, err = inv.Resolve(Readers, radius, incident.Drill)
	require.Error(t, err, "a drill touches nothing of production")
}

// copied is the inventory without the index that was made before it was changed.
func (inv *Inventory) copied(t *testing.T) *Inventory {
	t.Helper()
	fresh := &Inventory{
		Systems: inv.Systems, Models: inv.Models, Checkpoints: inv.Checkpoints, Datasets: inv.Datasets, DatasetVersions: inv.DatasetVersions,
		Endpoints: inv.Endpoints, Credentials: inv.Credentials, Lineage: inv.Lineage,
	}
	return fresh
}
