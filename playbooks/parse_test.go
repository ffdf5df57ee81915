package playbooks_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// faultyCases is how many files testdata/playbooks/faulty holds: a lost case must fail the tests.
const faultyCases = 121

const (
	dashes = "\n----------\n"
	// filePrefix begins the line that names a file, in a case that is a folder of playbooks.
	filePrefix = "=== "
)

// faulty returns the faults of a case's document, which is one playbook, or files to lay over the folder of built-in ones;
// one without content is taken out of it.
func faulty(t *testing.T, doc string) []playbooks.Fault {
	t.Helper()
	if !strings.HasPrefix(doc, filePrefix) {
		_, err := playbooks.Parse("p.yaml", []byte(doc))
		return playbooks.Faults(err)
	}
	dir := t.TempDir()
	for _, kind := range incident.Kinds() {
		raw, err := os.ReadFile(string(kind) + ".yaml")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, string(kind)+".yaml"), raw, 0o600))
	}
	for _, part := range strings.Split("\n"+doc, "\n"+filePrefix)[1:] {
		name, content, _ := strings.Cut(part, "\n")
		if content == "" {
			require.NoError(t, os.Remove(filepath.Join(dir, name)))
			continue
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	_, err := playbooks.Folder(dir).LoadAll()
	faults := playbooks.Faults(err)
	for i := range faults {
		faults[i].File = filepath.Base(faults[i].File)
	}
	return faults
}

// Each file in testdata/playbooks/faulty is a document, a line of dashes, and the exact faults it must give.
func TestFaultyPlaybooks(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/playbooks/faulty/*.txt")
	require.NoError(t, err)
	require.Len(t, files, faultyCases)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			doc, want, found := strings.Cut(string(raw), dashes)
			require.True(t, found, "no line of ten dashes")
			var got []string
			for _, f := range faulty(t, doc) {
				got = append(got, f.Error())
			}
			if os.Getenv("FIREBREAK_UPDATE") != "" {
				require.NoError(t, os.WriteFile(file, []byte(doc+dashes+strings.Join(got, "\n")+"\n"), 0o644))
				return
			}
			require.NotEmpty(t, got)
			require.Equal(t, strings.TrimSpace(want), strings.Join(got, "\n"))
		})
	}
}

const tooLarge = "too-large"

// Every code of a fault is shown by a case, and no case shows a code that is not listed.
func TestEveryCodeHasACase(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/playbooks/faulty/*.txt")
	require.NoError(t, err)
	require.Len(t, files, faultyCases)
	seen := map[string]bool{tooLarge: true} // shown by TestTooLarge: a file that size is no case to keep
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		doc, _, _ := strings.Cut(string(raw), dashes)
		for _, f := range faulty(t, doc) {
			require.Contains(t, playbooks.Codes(), f.Code, file)
			seen[f.Code] = true
		}
	}
	for _, code := range playbooks.Codes() {
		require.True(t, seen[code], "no case shows a fault of code %s", code)
	}
	require.Equal(t, len(playbooks.Codes()), len(slices.Compact(slices.Sorted(slices.Values(playbooks.Codes())))))
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("extraction-event.yaml")
	require.NoError(t, err)
	padded := append(raw, []byte("\n"+strings.Repeat("#", playbooks.MaxBytes-len(raw)-1))...)
	_, err = playbooks.Parse("p.yaml", padded)
	require.NoError(t, err, "a playbook of the greatest size is read")
	_, err = playbooks.Parse("p.yaml", append(padded, '#'))
	require.EqualError(t, err, "p.yaml:1:1: too-large: the playbook is larger than 262144 bytes (split it)")
}

func TestBuiltInPlaybooksAreValid(t *testing.T) {
	t.Parallel()
	files, err := playbooks.BuiltIn().LoadAll()
	require.NoError(t, err)
	kinds, err := playbooks.BuiltIn().Kinds()
	require.NoError(t, err)
	require.Len(t, files, len(kinds))
	require.Subset(t, kinds, incident.Kinds())
	for i, f := range files {
		require.Equal(t, kinds[i], f.Playbook.Kind)
		require.Equal(t, string(kinds[i])+".yaml", f.Name)
		require.True(t, strings.HasPrefix(f.Digest, "sha256:"), f.Name)
	}
}

func TestFolderNamesEveryFault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "backdor-discovery.yaml"), []byte("version: 1\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "extraction-event.yaml"), []byte("version: 1\nkinds: x\n"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "old.yaml"), 0o700))
	kinds, err := playbooks.Folder(dir).Kinds()
	require.NoError(t, err)
	require.Equal(t, []incident.Kind{"backdor-discovery", "extraction-event"}, kinds)
	_, err = playbooks.Folder(dir).LoadAll()
	require.ErrorContains(t, err, `backdor-discovery.yaml:1:1: missing-key: playbook has no "kind"`)
	require.ErrorContains(t, err, `backdoor-discovery.yaml:1:1: missing-playbook: there is no playbook of backdoor-discovery`)
	require.ErrorContains(t, err, `extraction-event.yaml:2:1: unknown-key: unknown key "kinds" in playbook`)
	require.ErrorContains(t, err, `dataset-compromise.yaml:1:1: missing-playbook`)
}

func TestSourceRefuses(t *testing.T) {
	t.Parallel()
	gone := playbooks.Folder(filepath.Join(t.TempDir(), "gone"))
	_, err := gone.LoadAll()
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = gone.Kinds()
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = playbooks.BuiltIn().Load("../playbooks/extraction-event")
	require.EqualError(t, err, `read playbook: "../playbooks/extraction-event" is not a kind`)
	_, err = playbooks.BuiltIn().Load("weights-theft")
	require.ErrorIs(t, err, os.ErrNotExist)
}
