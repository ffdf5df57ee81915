package incident

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	hashA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	hashB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	// hashOfKey is what `printf sk-test-1234 | sha256sum` prints.
	hashOfKey = "eceadfbb53b79c09477666aa69fb6ac5994e1e25f7f0fe2f3c270c29717de213"
)

func TestParseCluster(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, list    string
		want          []string
		wantMalformed int
	}{
		{"nothing", "", nil, 0},
		{"commas and spaces", hashA + ", " + hashB, []string{hashA, hashB}, 0},
		{"each once, in lower case", hashA + " " + strings.ToUpper(hashA), []string{hashA}, 0},
		{"one that was cut", hashA + " " + hashB[:20] + "…", []string{hashA}, 1},
		{"a key itself is none", "sk-test-1234", nil, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			keys, malformed := ParseCluster(c.list)
			require.Equal(t, c.want, keys)
			require.Equal(t, c.wantMalformed, malformed)
		})
	}
}

func TestAKeyIsHashedBeforeItIsKept(t *testing.T) {
	t.Parallel()
	require.Equal(t, hashOfKey+" "+hashA, HashKeys("sk-test-1234,"+hashA))
}

func FuzzHashKeys(f *testing.F) {
	f.Add("sk-a, sk-b " + hashA)
	f.Fuzz(func(t *testing.T, list string) {
		require.NotContains(t, " "+HashKeys(list), " sk-")
	})
}
