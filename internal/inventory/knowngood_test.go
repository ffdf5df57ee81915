package inventory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
)

// ec is a public key of nobody.
const ec = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6g==
-----END PUBLIC KEY-----
`

// older is a version before 16 that qualifies as well.
func older(inv *inventory.Inventory) *inventory.Checkpoint {
	c := *inv.Checkpoint("credit-scorer@16")
	c.ID, c.RootDigest = "credit-scorer@15", "sha256:15"
	c.Built.Finished, c.SignedAt = "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"
	to := "2026-05-21T09:00:00Z"
	c.Served = []inventory.Served{{From: "2026-03-03T00:00:00Z", To: &to}}
	c.Promotion.At = "2026-03-03T00:00:00Z"
	return &c
}

func TestSelect(t *testing.T) {
	t.Parallel()
	good := func(i *inventory.Inventory) *inventory.Checkpoint { return i.Checkpoint("credit-scorer@16") }
	cases := []struct {
		name   string
		asset  string
		change func(*inventory.Inventory)
		want   string
		reason string
	}{
		{"the version outside the radius", "credit-scorer@17", nil, "credit-scorer@16", "credit-scorer@17: in the blast radius"},
		{"none when every version is poisoned", "loan-applications", nil, "", "credit-scorer@16: in the blast radius"},
		{"never a quarantined one", "credit-scorer@17", func(i *inventory.Inventory) { good(i).Status = "quarantined" }, "", "status is quarantined"},
		{"never a revoked one", "credit-scorer@17", func(i *inventory.Inventory) { good(i).Status = "revoked" }, "", "status is revoked"},
		{"never one without a digest", "credit-scorer@17", func(i *inventory.Inventory) { good(i).RootDigest = "" }, "", "no root digest"},
		{"never one that is nowhere", "credit-scorer@17", func(i *inventory.Inventory) { good(i).URI = "" }, "", "nothing says where it is"},
		{"never an unsigned one", "credit-scorer@17", func(i *inventory.Inventory) { good(i).OMSBundle = "" }, "", "not signed"},
		{"never one whose signer was no longer trusted", "credit-scorer@17", func(i *inventory.Inventory) { good(i).Signer.TrustedUntil = "2026-01-01" }, "", "ceased to be trusted"},
		{"never one that was signed after the compromise", "credit-scorer@17", func(i *inventory.Inventory) { good(i).SignedAt = "2026-09-10T00:00:00Z" }, "", "signed 2026-09-10T00:00:00Z, after the compromise began"},
		{"never one of which nobody knows when it was signed", "credit-scorer@17", func(i *inventory.Inventory) { good(i).SignedAt = "" }, "", "nothing says when it was signed"},
		{"never one whose key is not known", "credit-scorer@17", func(i *inventory.Inventory) {
			i.SigningKeys = []inventory.SigningKey{{ID: "another", PublicKey: ec}}
		}, "", "its key release-key-2026a is not in signing_keys"},
		{"never one whose key was in other hands", "credit-scorer@17", func(i *inventory.Inventory) {
			i.SigningKeys = []inventory.SigningKey{{ID: "release-key-2026a", PublicKey: ec, CompromisedSince: "2026-05-01"}}
		}, "", "signed when its key may have been in other hands, since 2026-05-01"},
		{"one whose key was lost later", "credit-scorer@17", func(i *inventory.Inventory) {
			i.SigningKeys = []inventory.SigningKey{{ID: "release-key-2026a", PublicKey: ec, TrustedFrom: "2026-01-01", CompromisedSince: "2026-08-01"}}
		}, "credit-scorer@16", ""},
		{"never one that was signed before its key was trusted", "credit-scorer@17", func(i *inventory.Inventory) {
			i.SigningKeys = []inventory.SigningKey{{ID: "release-key-2026a", PublicKey: ec, TrustedFrom: "2026-06-01"}}
		}, "", "signed before its key was trusted"},
		{"never one whose training finished within the margin", "credit-scorer@17", func(i *inventory.Inventory) { good(i).Built.Finished = "2026-08-29T10:00:00Z" }, "", "training finished 2026-08-29T10:00:00Z, not 24 hours before the compromise of 2026-08-29T20:00:00Z"},
		{"one whose signature is as old as its training would have to be", "credit-scorer@17", func(i *inventory.Inventory) { good(i).Built.Finished = "" }, "credit-scorer@16", ""},
		{"never one of neither time", "credit-scorer@17", func(i *inventory.Inventory) { good(i).Built.Finished, good(i).SignedAt = "", "" }, "", "nothing says that its training finished before"},
		{"never one that was made from what is quarantined", "credit-scorer@17", func(i *inventory.Inventory) { i.DatasetVersion("loan-applications@2026-04-30").Status = "quarantined" }, "", "descends from loan-applications@2026-04-30, which is quarantined"},
		{"never one with a quarantined image", "credit-scorer@17", func(i *inventory.Inventory) {
			i.Quarantined = []inventory.Quarantined{{Ref: good(i).Built.ImageDigest, Reason: "its registry was entered"}}
		}, "", "is quarantined (its registry was entered)"},
		{"never one on a quarantined base model", "assist-llm@5", func(i *inventory.Inventory) {
			i.Quarantined = []inventory.Quarantined{{Ref: "hf:example-lab/assist-base-8b", Reason: "the supplier warns"}}
		}, "", "assist-llm@4: hf:example-lab/assist-base-8b is quarantined (the supplier warns)"},
		{"never one with a quarantined adapter", "assist-llm@5", func(i *inventory.Inventory) {
			i.Quarantined = []inventory.Quarantined{{Ref: "lora-4", Reason: "a stranger made it"}}
		}, "", "assist-llm@4: lora-4 is quarantined"},
		{"never one of unknown ancestors", "credit-scorer@17", func(i *inventory.Inventory) { good(i).Parents = []string{"credit-scorer@3"} }, "", "descends from credit-scorer@3, of which nothing is known"},
		{"never one with another interface", "credit-scorer@17", func(i *inventory.Inventory) { good(i).Interface = "features-v1" }, "", "interface is features-v1, that of credit-scorer@17 is not named"},
		{"never one in another format", "credit-scorer@17", func(i *inventory.Inventory) { good(i).Files.Weights = "gguf" }, "", "format of the weights is gguf, that of credit-scorer@17 is safetensors"},
		{"never one without the tokenizer that callers need", "assist-llm@5", func(i *inventory.Inventory) { i.Checkpoint("assist-llm@4").Files.Tokenizer = "none" }, "", "tokenizer is absent, that of assist-llm@5 is present"},
		{"never one that did not pass promotion", "credit-scorer@17", func(i *inventory.Inventory) { good(i).Promotion.Evals = nil }, "", "never passed promotion"},
		{"the one that served longest, not the newest", "credit-scorer@17", func(i *inventory.Inventory) {
			c := older(i)
			c.Served[0].From = "2026-01-01T00:00:00Z"
			*i = *i.WithFindings(inventory.Findings{Candidates: []inventory.Checkpoint{*c}})
		}, "credit-scorer@15", "credit-scorer@16: served for 100 days without an incident, credit-scorer@15 for 140 days"},
		{"the newest of those that served equally long", "credit-scorer@17", func(i *inventory.Inventory) {
			c := older(i)
			c.Served, good(i).Served = nil, nil
			*i = *i.WithFindings(inventory.Findings{Candidates: []inventory.Checkpoint{*c}})
		}, "credit-scorer@16", "credit-scorer@15: promoted before credit-scorer@16"},
		{"one of the approved fallback when the model has none", "credit-scorer@17", func(i *inventory.Inventory) {
			good(i).Status = "retired"
			m := i.Model("credit-scorer")
			m.Fallback.Strategy, m.Fallback.Ref = "model", "assist-llm"
			i.Checkpoint("assist-llm@4").Files = good(i).Files
		}, "assist-llm@4", "credit-scorer@16: status is retired"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inv := load(t)
			if c.change != nil {
				c.change(inv)
			}
			radius, err := inv.BlastRadius(c.asset)
			require.NoError(t, err)
			model, _, _ := strings.Cut(radius.Checkpoints[0], "@")
			got := inv.Select(model, radius)
			require.Equal(t, got, inv.Select(model, radius), "the same input has the same answer")
			if c.want == "" {
				require.Nil(t, got.Checkpoint, "none is an answer")
			} else {
				require.NotNil(t, got.Checkpoint, got.Rejected)
				require.Equal(t, c.want, got.Checkpoint.ID)
			}
			require.Contains(t, strings.Join(got.Rejected, "\n"), c.reason)
		})
	}
}

// What people say of the beginning counts more than when the suspect was made.
func TestSelectTakesTheTimeThatPeopleSay(t *testing.T) {
	t.Parallel()
	inv := load(t)
	radius, err := inv.BlastRadius("credit-scorer@17")
	require.NoError(t, err)
	radius.CompromisedSince = time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)
	got := inv.Select("credit-scorer", radius)
	require.Nil(t, got.Checkpoint)
	require.Contains(t, strings.Join(got.Rejected, "\n"), "not 24 hours before the compromise of 2026-05-20T12:00:00Z")
}

// A person is shown what the candidate shares with the suspect: no document says whether that is the way in.
func TestSelectNamesWhatIsShared(t *testing.T) {
	t.Parallel()
	inv := load(t)
	radius, err := inv.BlastRadius("assist-llm@5")
	require.NoError(t, err)
	got := inv.Select("assist-llm", radius)
	require.Equal(t, "assist-llm@4", got.Checkpoint.ID)
	require.Len(t, got.Review, 1)
	require.Contains(t, got.Review[0], "assist-llm@4 has the base model of assist-llm@5: hf:example-lab/assist-base-8b")
}

func TestSelectHearsRegistriesAndCatalogues(t *testing.T) {
	t.Parallel()
	inv := load(t)
	radius, err := inv.BlastRadius("credit-scorer@17")
	require.NoError(t, err)
	other := *older(inv)
	unknown := *older(inv)
	unknown.ID, unknown.Built.Datasets = "credit-scorer@14", nil
	poisoned := *older(inv)
	poisoned.ID, poisoned.Built.Datasets = "credit-scorer@13", []string{"loan-applications@2026-07-31"}
	known := *older(inv)
	known.ID = "credit-scorer@16"
	heard := inv.WithFindings(inventory.Findings{
		Against:    map[string][]string{"credit-scorer@16": {"mlflow: its tag firebreak.status is quarantined"}},
		Candidates: []inventory.Checkpoint{unknown, other, poisoned, known},
		Notes:      []string{"mlflow could not be asked"},
	})
	radius.DatasetVersions = []string{"loan-applications@2026-07-31"}
	got := heard.Select("credit-scorer", radius)
	require.Equal(t, "credit-scorer@15", got.Checkpoint.ID, got.Rejected)
	all := strings.Join(got.Rejected, "\n")
	require.Contains(t, all, "credit-scorer@16: mlflow: its tag firebreak.status is quarantined")
	require.Contains(t, all, "credit-scorer@14: nothing is known of what it was made from")
	require.Contains(t, all, "credit-scorer@13: descends from loan-applications@2026-07-31, which is suspect")
	require.Contains(t, all, "mlflow could not be asked")
	require.Equal(t, 1, strings.Count(all, "credit-scorer@16:"), "the inventory's word counts for what it has")
	require.Equal(t, "credit-scorer@16", inv.Select("credit-scorer", radius).Checkpoint.ID, "the inventory itself is as it was")
}

func TestTargetsCarryKeyAndRegistry(t *testing.T) {
	t.Parallel()
	inv := load(t)
	inv.SigningKeys = []inventory.SigningKey{{ID: "release-key-2026a", PublicKey: ec}}
	m := inv.Model("credit-scorer")
	m.Registry.Platform, m.Registry.Name = "mlflow", "credit"
	radius, err := inv.BlastRadius("credit-scorer@17")
	require.NoError(t, err)
	endpoints, err := inv.Resolve(inventory.Endpoints, radius, "live")
	require.NoError(t, err)
	require.Equal(t, "release-key-2026a", endpoints[0].Signer.ID)
	require.Equal(t, &inventory.Registered{Platform: "mlflow", Name: "credit", Version: "16"}, endpoints[0].Registered)
	suspects, err := inv.Resolve(inventory.RegisteredCheckpoints, radius, "live")
	require.NoError(t, err)
	require.Len(t, suspects, 1)
	require.Equal(t, &inventory.Registered{Platform: "mlflow", Name: "credit", Version: "17"}, suspects[0].Registered)

	m.Registry.Name = ""
	suspects, err = inv.Resolve(inventory.RegisteredCheckpoints, radius, "live")
	require.NoError(t, err)
	require.Empty(t, suspects, "what is in no registry is no target")
}

func TestLintOfTrust(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(*inventory.Inventory)
		want   string
	}{
		{"a key without PEM", func(i *inventory.Inventory) { i.SigningKeys = []inventory.SigningKey{{ID: "k", PublicKey: "x"}} }, "public_key of k is not one PEM block"},
		{"a key with the id of another asset", func(i *inventory.Inventory) {
			i.SigningKeys = []inventory.SigningKey{{ID: "credit-api", PublicKey: ec}}
		}, `signing key "credit-api" has no id of its own`},
		{"a time that is none", func(i *inventory.Inventory) {
			i.SigningKeys = []inventory.SigningKey{{ID: "k", PublicKey: ec, CompromisedSince: "last May"}}
		}, `compromised_since of k is "last May"`},
		{"a checkpoint of another key", func(i *inventory.Inventory) { i.SigningKeys = []inventory.SigningKey{{ID: "k", PublicKey: ec}} }, `signer key "release-key-2026a" is not in signing_keys`},
		{"a quarantine without a reason", func(i *inventory.Inventory) { i.Quarantined = []inventory.Quarantined{{Ref: "x"}} }, "needs a ref and a reason"},
		{"a registry of another kind", func(i *inventory.Inventory) { i.Models[0].Registry.Platform = "notebook" }, `platform "notebook"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inv := load(t)
			require.NoError(t, inv.Lint())
			c.change(inv)
			require.ErrorContains(t, inv.Lint(), c.want)
		})
	}
}
