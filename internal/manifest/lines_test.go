package manifest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/manifest"
)

func fileName(f manifest.File) string { return f.Name }

func TestLinesAreDeterministic(t *testing.T) {
	t.Parallel()
	a, b := manifest.File{Name: "a", SHA256: "01", Size: 1}, manifest.File{Name: "b", SHA256: "02", VersionID: "v"}
	const want = `{"name":"a","sha256":"01","size":1}` + "\n" + `{"name":"b","sha256":"02","size":0,"version_id":"v"}` + "\n"
	for _, order := range [][]manifest.File{{a, b}, {b, a}} {
		got, err := manifest.EncodeLines(order, fileName)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	back, err := manifest.DecodeLines([]byte(want), fileName)
	require.NoError(t, err)
	require.Equal(t, []manifest.File{a, b}, back)
}

func TestEncodeLinesRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string][]manifest.File{
		"no entry":          nil,
		"no key":            {{SHA256: "01"}},
		"a key twice":       {{Name: "a"}, {Name: "a", Size: 1}},
		"a key not in UTF8": {{Name: "\xff"}},
	}
	for name, entries := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := manifest.EncodeLines(entries, fileName)
			require.Error(t, err)
		})
	}
}

func TestDecodeLinesRefuses(t *testing.T) {
	t.Parallel()
	const a, b = `{"name":"a","sha256":"01","size":1}`, `{"name":"b","sha256":"02","size":2}`
	tests := map[string]struct{ data, err string }{
		"nothing":          {"", "no entry"},
		"a cut last line":  {a, "cut off"},
		"an unknown field": {`{"name":"a","sha256":"01","size":1,"x":0}` + "\n", "line 1"},
		"a repeated field": {`{"name":"z","name":"a","sha256":"01","size":1}` + "\n", "canonical"},
		"other spacing":    {`{"name": "a","sha256":"01","size":1}` + "\n", "canonical"},
		"two on a line":    {a + b + "\n", "canonical"},
		"a blank line":     {a + "\n\n" + b + "\n", "line 2"},
		"another order":    {b + "\n" + a + "\n", "out of order"},
		"a key twice":      {a + "\n" + a + "\n", "listed twice"},
		"no object":        {"[]\n", "line 1"},
		"null":             {"null\n", "line 1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := manifest.DecodeLines([]byte(tt.data), fileName)
			require.ErrorContains(t, err, tt.err)
		})
	}
}

// Whatever the decoder accepts is exactly what the encoder writes.
func FuzzDecodeLines(f *testing.F) {
	f.Add([]byte(`{"name":"a","sha256":"01","size":1}` + "\n"))
	f.Add([]byte(`{"name":"a","sha256":"","size":0}` + "\n" + `{"name":"b","sha256":"","size":0,"version_id":"v"}` + "\n"))
	f.Add([]byte("{}\n"))
	f.Add([]byte("null\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := manifest.DecodeLines(data, fileName)
		if err != nil {
			return
		}
		again, err := manifest.EncodeLines(entries, fileName)
		require.NoError(t, err)
		require.Equal(t, string(data), string(again))
	})
}
