package plan_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/activities/plan"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

const nordwall = "../../testdata/inventory/nordwall.yaml"

func TestPlan(t *testing.T) {
	t.Parallel()
	faulty := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(faulty, "extraction-event.yaml"), []byte("version: 1\nkindd: x\n"), 0o600))
	cases := []struct {
		name      string
		source    playbooks.Source
		inventory string
		asset     string
		want      string
		final     bool
	}{
		{"a plan", playbooks.BuiltIn(), nordwall, "credit-api", "", false},
		{"an unknown asset is final", playbooks.BuiltIn(), nordwall, "nothing", `asset "nothing" is not in the inventory`, true},
		{"another environment is final", playbooks.BuiltIn(), nordwall, "credit-api-stg", "may not touch", true},
		{"a typo in the playbook can be mended", playbooks.Folder(faulty), nordwall, "credit-api", `unknown key "kindd"`, false},
		{"a missing inventory can be mended", playbooks.BuiltIn(), "gone.yaml", "credit-api", "gone.yaml", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := plan.New(c.source, c.inventory).Plan(context.Background(), incident.Request{Kind: incident.ExtractionEvent, Asset: c.asset, Mode: incident.Live})
			if c.want == "" {
				require.NoError(t, err)
				require.NotEmpty(t, got.Digest)
				return
			}
			require.ErrorContains(t, err, c.want)
			_, final := failure.CodeOf(err)
			require.Equal(t, c.final, final)
		})
	}
}
