package manifest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/manifest"
)

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func TestRoot(t *testing.T) {
	t.Parallel()
	weights := manifest.File{Name: "weights.safetensors", SHA256: digestOf("weights")}
	config := manifest.File{Name: "config.json", SHA256: digestOf("config")}
	// sha256(sha256("config") || sha256("weights")), computed with sha256sum.
	const both = "sha256:8899e79a7f969bfca68337fdd39e12e75857accbf653091116faa6c7f0c850f4"

	tests := []struct {
		name  string
		files []manifest.File
		want  string
		err   string
	}{
		{name: "in name order", files: []manifest.File{config, weights}, want: both},
		{name: "whatever order they come in", files: []manifest.File{weights, config}, want: both},
		{name: "upper case digests are the same", files: []manifest.File{{Name: "config.json", SHA256: strings.ToUpper(config.SHA256)}, weights}, want: both},
		{name: "no file", err: "there is no file"},
		{name: "a name twice", files: []manifest.File{config, weights, config}, err: `"config.json" is listed twice`},
		{name: "no name", files: []manifest.File{{SHA256: config.SHA256}}, err: "has no name"},
		{name: "no digest", files: []manifest.File{{Name: "a"}}, err: `"a" has no SHA-256 digest`},
		{name: "another algorithm", files: []manifest.File{{Name: "a", SHA256: "d41d8cd98f00b204e9800998ecf8427e"}}, err: "no SHA-256"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := manifest.Root(tt.files)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestRootLeavesItsArgumentAlone(t *testing.T) {
	t.Parallel()
	files := []manifest.File{{Name: "b", SHA256: digestOf("b")}, {Name: "a", SHA256: digestOf("a")}}
	_, err := manifest.Root(files)
	require.NoError(t, err)
	require.Equal(t, "b", files[0].Name)
}
