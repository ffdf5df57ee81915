package inventory

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

const nordwallFile = "../../testdata/inventory/nordwall.yaml"

func TestConsumersAreThoseOfTheCluster(t *testing.T) {
	t.Parallel()
	inv, err := Load(nordwallFile)
	require.NoError(t, err)
	hash := func(id string) string {
		return find(inv.Credentials, func(c *Credential) bool { return c.ID == id }).Gateway.KeyHash
	}
	stranger := strings.Repeat("0", 64)
	web, trial, partner, elsewhere := hash("assist-web-key"), hash("assist-trial-key"), hash("assist-partner-key"), hash("drill-free-key")
	cases := []struct {
		name                string
		cluster             []string
		all, unpaid, paying []string
		wantUnreached       string
	}{
		{"no cluster accuses nobody", nil, []string{"assist-web-key", "assist-trial-key"}, nil, []string{"assist-web-key", "assist-trial-key", "assist-partner-key"}, ""},
		{"a cluster is all that is acted on", []string{trial}, []string{"assist-trial-key"}, []string{"assist-trial-key"}, nil, ""},
		{"an allow-listed tenant is never among the unpaid", []string{web, partner}, []string{"assist-web-key", "assist-partner-key"}, []string{"assist-web-key"}, []string{"assist-partner-key"}, ""},
		{"a key that the inventory does not know is a gap", []string{web, stranger}, []string{"assist-web-key"}, []string{"assist-web-key"}, nil, "key 000000000000 of the cluster is not in the inventory"},
		{"a key of another endpoint is a gap", []string{web, elsewhere}, []string{"assist-web-key"}, []string{"assist-web-key"}, nil, "(drill-free-key) is not granted on an affected endpoint"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, err := inv.BlastRadius("assist-chat")
			require.NoError(t, err)
			inv.Cluster(&r, c.cluster)
			for q, want := range map[Query][]string{Consumers: c.all, UnpaidConsumers: c.unpaid, PayingConsumers: c.paying} {
				targets, err := inv.Resolve(q, r, incident.Live)
				require.NoError(t, err)
				var got []string
				for _, target := range targets {
					require.Equal(t, ConsumerTarget, target.Kind)
					require.Equal(t, "litellm-eu", target.Consumer.Gateway.ID)
					require.Len(t, target.Consumer.Gateway.Instances(), 2)
					got = append(got, target.ID)
				}
				require.Equal(t, want, got, q)
			}
			require.Contains(t, strings.Join(r.Unreached, "\n"), c.wantUnreached)
			require.Equal(t, c.wantUnreached != "", len(r.Unreached) == 1)
		})
	}
}

func TestCallersWithoutAGatewayAreLeftToOthers(t *testing.T) {
	t.Parallel()
	inv, err := Load(nordwallFile)
	require.NoError(t, err)
	for asset, want := range map[string]int{"assist-chat": 0, "credit-api": 1} {
		r, err := inv.BlastRadius(asset)
		require.NoError(t, err)
		targets, err := inv.Resolve(OtherCallers, r, incident.Live)
		require.NoError(t, err)
		require.Len(t, targets, want, asset)
	}
}

func TestFaultyGatewaysAreRefused(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(nordwallFile)
	require.NoError(t, err)
	hash := regexp.MustCompile(`key_hash: ([0-9a-f]{64})`).FindStringSubmatch(string(good))[1]
	key := "sk-" + "a-real-key-0123456789"
	cases := []struct{ name, from, to, want string }{
		{"another kind", "{id: litellm-eu, kind: litellm,", "{id: litellm-eu, kind: kong,", `kind "kong"; known: litellm`},
		{"no duration", "cache_ttl: 60s", "cache_ttl: soon", "is not a duration"},
		{"a proof that never ends", "cache_ttl: 60s", "cache_ttl: 60m", "at most 5m0s"},
		{"an address with a password", `url: "https://gateway.nordwall`, `url: "https://a:b@gateway.nordwall`, "without a password"},
		{"a key of an unknown gateway", "gateway: {id: litellm-eu, route: assist-chat,", "gateway: {id: litellm-us, route: assist-chat,", `gateway "litellm-us" is not in gateways`},
		{"a key itself", hash, key, "never write the key itself"},
		{"another environment", "gateway: {id: litellm-stg,", "gateway: {id: litellm-eu,", `its gateway litellm-eu in "prod"`},
		{"no api-key", "id: assist-web-key, kind: api-key", "id: assist-web-key, kind: hub-token", "only an api-key is held by a gateway"},
		{"no route", "gateway: {id: litellm-eu, route: assist-chat,", `gateway: {id: litellm-eu, route: "",`, "gateway.route is empty"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("inventory.yaml", []byte(strings.Replace(string(good), c.from, c.to, 1)))
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), key)
		})
	}
}
