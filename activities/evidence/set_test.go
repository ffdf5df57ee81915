package evidence

import (
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/s3fake"
	"firebreak/activities/evidence/table"
	"firebreak/playbooks"
)

// newTable is a Delta table with one file below its prefix, one beside it, one that is not there, and one in a bucket that
// is none of the incident's.
func newTable(t *testing.T) (*s3fake.Store, *Snapshot, *playbooks.Operation) {
	t.Helper()
	s, a, op := newScene(t)
	op.Target.URI = "s3://data/t/"
	s.Add("data", "t/_delta_log/00000000000000000000.json", `{"add":{"path":"a.parquet"}}
{"add":{"path":"s3://data/clone/b.parquet"}}
{"add":{"path":"lost.parquet"}}
{"add":{"path":"s3://payroll/salaries.csv"}}`)
	s.Add("data", "t/a.parquet", "PAR1a")
	s.Add("data", "clone/b.parquet", "an older version")
	s.Add("data", "clone/b.parquet", "PAR1b")
	s.Add("data", "clone/not-named", "x")
	s.Add("payroll", "salaries.csv", "secret")
	return s, a, op
}

func TestTableIsPreservedAsItsFiles(t *testing.T) {
	t.Parallel()
	s, a, op := newTable(t)
	capture(t, a, op)
	e := do(t, a, op)
	lines := entries(t, s, e)
	require.Len(t, lines, 3)
	require.Equal(t, table.DeltaData, entryOf(t, s, e, "t/a.parquet").Role)
	require.Equal(t, table.DeltaData, entryOf(t, s, e, "clone/b.parquet").Role)
	commit := entryOf(t, s, e, "t/_delta_log/00000000000000000000.json")
	require.Equal(t, table.DeltaLog, commit.Role)
	require.Contains(t, commit.Note, "Delta table s3://data/t/ at version 0")
	require.Contains(t, commit.Note, `1 of its files are in other buckets or stores and were not copied ("s3://payroll/salaries.csv")`)
	require.Contains(t, commit.Note, "1 of its files are outside of the prefix")
	require.Contains(t, commit.Note, "1 of the files that it names are not there: t/lost.parquet")
	require.Equal(t, commit.Note, e.Facts[FactTable])
	for _, v := range s.Versions(vault, "") {
		require.NotContains(t, string(v.Body), "secret", "a table's own word opens no other bucket")
	}
	proof := verify(t, a, op)
	require.True(t, proof.Proved, proof.Method)
	require.Equal(t, "none", proof.Facts[FactDrift])
	require.Equal(t, e.Facts, do(t, a, op).Facts)
}

func TestDriftOfATableOutsideOfItsPrefix(t *testing.T) {
	t.Parallel()
	s, a, op := newTable(t)
	capture(t, a, op)
	do(t, a, op)
	s.Add("data", "clone/b.parquet", "PAR1c")
	proof := verify(t, a, op)
	require.True(t, proof.Proved, proof.Method)
	require.Equal(t, "1 versions came and 1 went since", proof.Facts[FactDrift])
}

func TestEffectNamesAFewTablesOnly(t *testing.T) {
	t.Parallel()
	var lines []Entry
	for range 5 {
		lines = append(lines, Entry{Note: "a table"}, Entry{})
	}
	require.Equal(t, "a table\na table\na table\nand 2 more tables", tablesOf(lines))
}
