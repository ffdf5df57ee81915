package inventory_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// changed is the reference inventory with pieces of its text replaced, in turn.
func changed(t *testing.T, pairs ...string) (*inventory.Inventory, error) {
	t.Helper()
	raw, err := os.ReadFile(nordwall)
	require.NoError(t, err)
	text := string(raw)
	for i := 0; i < len(pairs); i += 2 {
		require.Contains(t, text, pairs[i])
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return inventory.Parse("assets.yaml", []byte(text))
}

const (
	oncallChannel = `channel: "#incidents"`
	oncallEmail   = "email: [oncall@nordwall.example]"
	oncallPage    = `page_url: "https://firebreak.nordwall.example"`
	legalEmail    = "email: [legal@nordwall.example]"
)

func TestContactsAreChecked(t *testing.T) {
	t.Parallel()
	many := make([]string, 21)
	for i := range many {
		many[i] = fmt.Sprintf("a%d@nordwall.example", i)
	}
	cases := []struct{ name, old, replacement, want string }{
		{"a channel without its sign", oncallChannel, "channel: incidents", `oncall: channel "incidents" is no Slack channel such as #incidents`},
		{"a channel with a space", oncallChannel, `channel: "#in cidents"`, "oncall: channel"},
		{"a channel in capitals", oncallChannel, `channel: "#Incidents"`, "oncall: channel"},
		{"a mention", oncallChannel, `channel: "#x> <!here"`, "oncall: channel"},
		{"an address with a name", oncallEmail, `email: ["On-call <oncall@nordwall.example>"]`, `oncall: email "On-call <oncall@nordwall.example>" is not a bare mail address`},
		{"an address with a header", oncallEmail, `email: ["oncall@nordwall.example\r\nBcc: e@evil.example"]`, "oncall: email"},
		{"an address without a domain", oncallEmail, `email: [oncall]`, "oncall: email"},
		{"the same address twice", oncallEmail, `email: [a@b.example, a@b.example]`, `oncall: email "a@b.example" is there twice`},
		{"too many addresses", oncallEmail, "email: [" + strings.Join(many, ", ") + "]", "oncall: email has 21 addresses, at most 20"},
		{"a page that is none", oncallPage, `page_url: "firebreak.nordwall.example"`, `oncall: page_url "firebreak.nordwall.example" is no address`},
		{"a page that is a script", oncallPage, `page_url: "javascript:alert(1)"`, "oncall: page_url"},
		{"a page with a password", oncallPage, `page_url: "https://u:p@firebreak.nordwall.example"`, "which everybody in the channel would see"},
		{"a page with a query", oncallPage, `page_url: "https://firebreak.nordwall.example/?token=x"`, "has a query or fragment"},
		{"a stakeholder's address", legalEmail, "email: [legal]", `stakeholders: credit-scorer: email "legal" is not a bare mail address`},
		{"an unknown key", oncallChannel, oncallChannel + ", pager: x", `oncall has no key "pager"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := changed(t, c.old, c.replacement)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "assets.yaml")
		})
	}
	_, err := changed(t, oncallChannel, `channel: "#störungen_2"`, oncallPage, `page_url: "http://127.0.0.1:8080/x"`)
	require.NoError(t, err)
	inv, err := changed(t, "oncall: {"+oncallChannel+", "+oncallEmail+", "+oncallPage+"}", "")
	require.NoError(t, err, "nobody has to be on call")
	require.Zero(t, inv.Oncall)
}

func TestWhoOfLegalGetsMail(t *testing.T) {
	t.Parallel()
	counsel := []string{"petra@nordwall.example", "lena@nordwall.example", "luis@nordwall.example"}
	cases := []struct {
		name  string
		pairs []string
		want  []string
	}{
		{"the stakeholder's own addresses", nil, []string{"legal@nordwall.example"}},
		{"without any, counsel and privacy", []string{legalEmail, "email: []"}, counsel},
		{"a name that is no address is nobody's", []string{legalEmail, "email: []", "idp: lena@nordwall.example", "idp: lena"}, []string{"petra@nordwall.example", "luis@nordwall.example"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inv, err := changed(t, c.pairs...)
			require.NoError(t, err)
			radius, err := inv.BlastRadius("credit-scorer@17")
			require.NoError(t, err)
			targets, err := inv.Resolve(inventory.Stakeholders, radius, incident.Live)
			require.NoError(t, err)
			require.Len(t, targets, 1)
			require.Equal(t, c.want, targets[0].Stakeholder.Email)
			again, err := inv.Resolve(inventory.Stakeholders, radius, incident.Live)
			require.NoError(t, err)
			require.Equal(t, targets, again, "the inventory itself is not changed")
		})
	}
}

func TestAddressesOfASharedChannelAreTogether(t *testing.T) {
	t.Parallel()
	inv, err := changed(t, "asset: assist-llm, notify: [legal, privacy, comms, support], channel: \"#ir-legal\", template: brief-v1, email: [legal@nordwall.example]",
		"asset: credit-scorer, notify: [legal], channel: \"#ir-legal\", template: brief-v1, email: [credit-legal@nordwall.example, legal@nordwall.example]")
	require.NoError(t, err)
	radius, err := inv.BlastRadius("credit-scorer@17")
	require.NoError(t, err)
	targets, err := inv.Resolve(inventory.Stakeholders, radius, incident.Live)
	require.NoError(t, err)
	require.Len(t, targets, 1)
	require.Equal(t, []string{"legal@nordwall.example", "credit-legal@nordwall.example"}, targets[0].Stakeholder.Email)
	require.Equal(t, []string{"legal@nordwall.example"}, inv.Stakeholders[0].Email)
}

func TestSlackInTheBlastRadius(t *testing.T) {
	t.Parallel()
	credential := func(kind, env, holder, grant string) string {
		return fmt.Sprintf("\ncredentials:\n  - {id: assist-slack, kind: %s, env: %s, holders: [%s], grants: [{asset: %s, verbs: [post]}], protected: true,\n"+
			"     revoke: {approver: SEC, order: [by_hand]}, reissue: {how: by hand, owner: sec-1}}\n", kind, env, holder, grant)
	}
	cases := []struct {
		name, credential string
		want             []string
	}{
		{"an affected endpoint holds a token of Slack's", credential("slack-token", "prod", "assist-chat", "slack"), []string{"assist-slack"}},
		{"the model's system holds it", credential("slack-token", "prod", "lending", "slack"), []string{"assist-slack"}},
		{"a token of the identity provider's", credential("idp-token", "prod", "assist-chat", "idp"), []string{"assist-slack"}},
		{"it is granted something on the model", credential("slack-token", "prod", "somebody", "assist-llm"), []string{"assist-slack"}},
		{"somebody else's", credential("slack-token", "prod", "somebody", "slack"), nil},
		{"another environment's", credential("slack-token", "staging", "assist-chat", "slack"), nil},
		{"a credential of another kind", credential("api-key", "prod", "assist-chat", "slack"), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inv, err := changed(t, "\ncredentials:\n", c.credential)
			require.NoError(t, err)
			radius, err := inv.BlastRadius("assist-chat")
			require.NoError(t, err)
			require.Equal(t, c.want, radius.Communications)
			require.NotContains(t, radius.Writers, "assist-slack", "what is protected is not revoked")
		})
	}
}
