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

// requireExported makes a case of the record, plays it and requires that the same comes of it.
func requireExported(t *testing.T, c *rehearsal.Case, rec *incident.Record) {
	t.Helper()
	dir := t.TempDir()
	again := export(t, rec, origin(t, c, dir), dir)
	require.Equal(t, rec.Verdict, again.Expect.Verdict)
	if len(rec.Steps) > 0 {
		require.NotEmpty(t, again.Expect.Steps, "the expectation says more than a verdict")
	}
	res, err := rehearsal.Runner{}.Run(again)
	require.NoError(t, err)
	requireNone(t, res.Mismatches)
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
