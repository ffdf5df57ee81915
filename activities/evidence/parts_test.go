package evidence

import (
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		size, usual int64
		parts       int
		each, last  int64
	}{
		"one part":                  {smallestPart, smallestPart, 1, smallestPart, smallestPart},
		"a byte over":               {smallestPart + 1, smallestPart, 2, smallestPart, 1},
		"less than a part":          {6 * mib, mib, 2, smallestPart, mib},
		"the usual":                 {8 * gib, usualPart, 64, usualPart, usualPart},
		"more than the parts allow": {2048 * gib, usualPart, 9987, 210 * mib, 92 * mib},
		"the largest there is":      {mostParts * largestPart, usualPart, mostParts, largestPart, largestPart},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := split(tt.size, tt.usual)
			require.NoError(t, err)
			require.Len(t, got, tt.parts)
			require.Equal(t, tt.each, got[0].size())
			require.Equal(t, tt.last, got[len(got)-1].size())
			at := int64(0)
			for i, p := range got {
				require.Equal(t, int32(i+1), p.number)
				require.Equal(t, at, p.from)
				at = p.to
			}
			require.Equal(t, tt.size, at)
		})
	}
	_, err := split(mostParts*largestPart+1, usualPart)
	requireCode(t, failure.Unsupported, err)
	require.Equal(t, "bytes=5-9", part{from: 5, to: 10}.rangeText())
}
