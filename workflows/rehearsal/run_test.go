package rehearsal_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/workflows/rehearsal"
)

const cases = "../../testdata/playbooks/cases"

// countedCases keeps a case from being lost without notice.
const countedCases = 54

func TestCases(t *testing.T) {
	t.Parallel()
	files, err := rehearsal.Find([]string{cases})
	require.NoError(t, err)
	require.Len(t, files, countedCases)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			c, err := rehearsal.Load(file)
			require.NoError(t, err)
			res, err := rehearsal.Runner{}.Run(c)
			require.NoError(t, err)
			requireNone(t, res.Mismatches)
			require.True(t, res.Passed())
		})
	}
}
