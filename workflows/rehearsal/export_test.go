package rehearsal_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/workflows/rehearsal"
)

// origin is what a rehearsal knows that a record does not hold, for a case that is written to dir.
func origin(t *testing.T, c *rehearsal.Case, dir string) rehearsal.Origin {
	t.Helper()
	relative := func(path string) string {
		from, err := filepath.Abs(filepath.Join(filepath.Dir(c.File), path))
		require.NoError(t, err)
		out, err := filepath.Rel(dir, from)
		require.NoError(t, err)
		return out
	}
	o := rehearsal.Origin{Inventory: relative(c.Inventory),
		Severity: c.Incident.Severity, Confidence: c.Incident.Confidence, Facet: c.Incident.Facet}
	if filepath.Ext(c.Playbook) != "" {
		o.Playbook = relative(c.Playbook)
	}
	return o
}

// Every case that ends in a record of its own is exported from that record alone, written, read and played again.
func TestExportedRecordsPass(t *testing.T) {
	t.Parallel()
	files, err := rehearsal.Find([]string{cases})
	require.NoError(t, err)
	exported := make(chan string, len(files))
	t.Run("cases", func(t *testing.T) {
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				c, err := rehearsal.Load(file)
				require.NoError(t, err)
				first, err := rehearsal.Runner{}.Run(c)
				require.NoError(t, err)
				if first.Final == nil || len(first.Final.Children) > 0 {
					return
				}
				dir := t.TempDir()
				again := export(t, first.Final, origin(t, c, dir), dir)
				require.Equal(t, first.Final.Verdict, again.Expect.Verdict)
				if len(first.Final.Steps) > 0 {
					require.NotEmpty(t, again.Expect.Steps, "the expectation says more than a verdict")
				}
				second, err := rehearsal.Runner{}.Run(again)
				require.NoError(t, err)
				requireNone(t, second.Mismatches)
				exported <- file
			})
		}
	})
	require.GreaterOrEqual(t, len(exported), 45)
}

// export writes the case of a record and reads it back.
func export(t *testing.T, rec *incident.Record, o rehearsal.Origin, dir string) *rehearsal.Case {
	t.Helper()
	made, err := rehearsal.Export(rec, o)
	require.NoError(t, err)
	raw, err := rehearsal.Marshal(made)
	require.NoError(t, err)
	path := filepath.Join(dir, "exported.yaml")
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	c, err := rehearsal.Load(path)
	require.NoError(t, err, string(raw))
	return c
}

func requireNone(t *testing.T, list []rehearsal.Mismatch) {
	t.Helper()
	for _, m := range list {
		t.Errorf("%s\nwant:\n%s\ngot:\n%s", m.What, m.Want, m.Got)
	}
}
