package inventory_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
)

// TestFaultsOfGatewaysAndTrustHaveAPlace holds that a fault of what stops a gateway or proves a checkpoint is found where it is
// written: the value itself, not the entry around it.
func TestFaultsOfGatewaysAndTrustHaveAPlace(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, old, replaced, rule, at string }{
		{"kind of a gateway", "kind: litellm, env: prod", "kind: kong, env: prod", "gateways", "kong,"},
		{"address of a gateway", `url: "https://gateway.nordwall`, `url: "https://a:b@gateway.nordwall`, "gateways", `"https://a:b@gateway`},
		{"address of a replica", `"https://gateway-1.gateway`, `"gateway-1.gateway`, "gateways", `"gateway-1.gateway`},
		{"time of a cache", "cache_ttl: 60s,\n", "cache_ttl: soon,\n", "gateways", "soon,"},
		{"environment of a gateway", "kind: litellm, env: prod", "kind: litellm, env: qa", "N6", "qa, url"},
		{"key of an unknown gateway", "gateway: {id: litellm-eu, route: assist-chat, key_hash: 222d", "gateway: {id: litellm-us, route: assist-chat, key_hash: 222d", "N11", "litellm-us"},
		{"a key itself", "key_hash: 222da3a0693f9a40bd5d9ab8b0fdeaa102722fc9b2453efcb4d97e1a7acf97a9", "key_hash: sk-1", "gateways", "sk-1}"},
		{"key without a route", "gateway: {id: litellm-eu, route: assist-chat, key_hash: c16e", `gateway: {id: litellm-eu, route: "", key_hash: c16e`, "gateways", `"", key_hash: c16e`},
		{"route that is not stripped", "stripped: {assist-chat: assist-chat-stripped}", "stripped: {assist-chat: [a]}", "type", "[a]}"},
		{"unknown key of a gateway", "cache_ttl: 60s,\n", "cache_tll: 60s,\n", "key", "cache_tll"},
		{"public key", "    public_key: |\n      -----BEGIN PUBLIC KEY-----\n      MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEey", "    public_key: |\n      -----BEGIN PRIVATE KEY-----\n      MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEey", "signing_keys", "|\n      -----BEGIN PRIVATE"},
		{"time of a signing key", `trusted_from: "2026-01-01"`, `trusted_from: "once"`, "signing_keys", `"once"`},
		{"signing key of no name", "- id: staging-key-2026", "- id: credit-api", "N6", "credit-api\n    trusted_until"},
		{"signer of no key", "signer: {key: staging-key-2026,", "signer: {key: staging-key-2025,", "N11", "staging-key-2025"},
		{"quarantined without a reason", "\nstakeholders:", "\nquarantined:\n  - ref: a\n    reason: b\n  - {ref: c}\nstakeholders:", "quarantined", "{ref: c}"},
		{"platform of a registry", "registry: {platform: mlflow, name: credit-scorer}", "registry: {platform: wandb, name: credit-scorer}", "models", "wandb,"},
		{"name in a registry", "registry: {platform: mlflow, name: credit-scorer}", `registry: {platform: mlflow, name: ""}`, "models", `""}, family`},
		{"unknown key of a registry", "registry: {platform: mlflow, name: credit-scorer}", "registry: {platform: mlflow, named: credit-scorer}", "key", "named"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			doc := strings.Replace(text(t), c.old, c.replaced, 1)
			require.NotEqual(t, text(t), doc, "the case changes nothing")
			before, _, ok := strings.Cut(doc, c.at)
			require.True(t, ok)
			line, column := strings.Count(before, "\n")+1, len(before)-strings.LastIndexByte(before, '\n')
			_, faults := inventory.Check("assets.yaml", []byte(doc), fresh)
			var said []string
			for _, f := range faults {
				said = append(said, f.Error())
				if f.Rule == c.rule && f.Line == line && f.Column == column && f.Level == inventory.Refused {
					return
				}
			}
			require.Failf(t, "no such fault", "%s at %d:%d in\n%s", c.rule, line, column, strings.Join(said, "\n"))
		})
	}
}
