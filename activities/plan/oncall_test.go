package plan_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/activities/plan"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// inventoryWith is the reference inventory with a piece of its text replaced.
func inventoryWith(t *testing.T, old, replacement string) string {
	t.Helper()
	raw, err := os.ReadFile(nordwall)
	require.NoError(t, err)
	require.Contains(t, string(raw), old)
	file := filepath.Join(t.TempDir(), "assets.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(raw), old, replacement, 1)), 0o600))
	return file
}

const oncallLine = `oncall: {channel: "#incidents", email: [oncall@nordwall.example], page_url: "https://firebreak.nordwall.example"}`

func TestOncall(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, inventory string
		mode            incident.Mode
		store, wrong    string
	}{
		{"live", nordwall, incident.Live, "nordwall-evidence", ""},
		{"a drill's evidence is not a live one's", nordwall, incident.Drill, "nordwall-evidence-drill", ""},
		{"mail alone", inventoryWith(t, oncallLine, "oncall: {email: [oncall@nordwall.example]}"), incident.Live, "nordwall-evidence", ""},
		{"nobody", inventoryWith(t, oncallLine, ""), incident.Live, "", "add oncall.channel or oncall.email"},
		{"no store", inventoryWith(t, "kms: alias/evidence-drill, env: drill}", "kms: alias/evidence-drill, env: staging}"), incident.Drill, "", ""},
		{"no inventory", "gone.yaml", incident.Live, "", "gone.yaml"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := plan.New(playbooks.BuiltIn(), c.inventory).Oncall(context.Background(), c.mode)
			if c.wrong != "" {
				require.ErrorContains(t, err, c.wrong)
				_, final := failure.CodeOf(err)
				require.False(t, final, "an inventory can be mended")
				return
			}
			require.NoError(t, err)
			require.Equal(t, []string{"oncall@nordwall.example"}, got.Oncall.Email)
			require.Equal(t, c.store, got.Store.Bucket)
		})
	}
}
