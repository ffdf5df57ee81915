package rehearsal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/workflows/rehearsal"
)

const cases = "../../testdata/playbooks/cases"

// inventoryFile is the one that the cases name, too.
const inventoryFile = "../../testdata/inventory/nordwall.yaml"

func TestCases(t *testing.T) {
	t.Parallel()
	files, err := rehearsal.Find([]string{cases})
	require.NoError(t, err)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			c, err := rehearsal.Load(file)
			require.NoError(t, err)
			res, err := rehearsal.Runner{}.Run(c)
			require.NoError(t, err)
			for _, m := range res.Mismatches {
				t.Errorf("%s\nwant:\n%s\ngot:\n%s", m.What, m.Want, m.Got)
			}
		})
	}
}
