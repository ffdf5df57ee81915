package rehearsal_test

import (
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/workflows/rehearsal"
)

const cases = "../../testdata/playbooks/cases"

// What the folder holds, so that no case is lost without notice, and how many end in a record that can be exported.
const (
	countedCases    = 72
	countedExported = 70
)

// Every case passes; and what it ended in is exported from the record alone, written, read and played again.
func TestCases(t *testing.T) {
	t.Parallel()
	files, err := rehearsal.Find([]string{cases})
	require.NoError(t, err)
	require.Len(t, files, countedCases)
	var exported atomic.Int32
	t.Run("all", func(t *testing.T) {
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				c, err := rehearsal.Load(file)
				require.NoError(t, err)
				res, err := rehearsal.Runner{}.Run(c)
				require.NoError(t, err)
				requireNone(t, res.Mismatches)
				require.True(t, res.Passed())
				if res.Final != nil && len(res.Final.Children) == 0 {
					requireExported(t, c, res.Final)
					exported.Add(1)
				}
			})
		}
	})
	require.EqualValues(t, countedExported, exported.Load())
}
