package playbooks_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Each file in testdata/faulty is a playbook, a line of dashes, and the exact faults it must give.
func TestFaultyPlaybooks(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/playbooks/faulty/*.txt")
	require.NoError(t, err)
	require.Len(t, files, 14, "a lost case must fail the test")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			doc, want, found := strings.Cut(string(raw), "\n----------\n")
			require.True(t, found, "no line of ten dashes")
			_, err = playbooks.Parse("p.yaml", []byte(doc))
			var got []string
			for _, f := range playbooks.Faults(err) {
				got = append(got, f.Error())
			}
			if os.Getenv("FIREBREAK_UPDATE") != "" {
				require.NoError(t, os.WriteFile(file, []byte(doc+"\n----------\n"+strings.Join(got, "\n")+"\n"), 0o644))
				return
			}
			require.Equal(t, strings.TrimSpace(want), strings.Join(got, "\n"))
		})
	}
}

func TestBuiltInPlaybooksAreValid(t *testing.T) {
	t.Parallel()
	files, err := playbooks.BuiltIn().LoadAll()
	require.NoError(t, err)
	require.Len(t, files, len(incident.Kinds()))
	for _, f := range files {
		require.True(t, strings.HasPrefix(f.Digest, "sha256:"), f.Name)
	}
}

func TestFolderNamesEveryFault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "backdor-discovery.yaml"), []byte("version: 1\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "extraction-event.yaml"), []byte("version: 1\nkinds: x\n"), 0o600))
	_, err := playbooks.Folder(dir).LoadAll()
	require.ErrorContains(t, err, `unknown incident kind "backdor-discovery"`)
	require.ErrorContains(t, err, `extraction-event.yaml:2:1: unknown-key: unknown key "kinds" in playbook`)
	require.ErrorContains(t, err, "dataset-compromise")
}

func FuzzParse(f *testing.F) {
	for _, kind := range incident.Kinds() {
		raw, err := os.ReadFile(string(kind) + ".yaml")
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Add([]byte("a: &x [*x]"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		pb, err := playbooks.Parse("fuzz.yaml", doc)
		require.True(t, (pb == nil) == (err != nil), "a playbook or faults, never both or neither")
		if err != nil {
			require.NotEmpty(t, playbooks.Faults(err))
		}
	})
}
