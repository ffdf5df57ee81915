package manifest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/manifest"
)

func TestObjectsAreHeldAgainstTheirDigests(t *testing.T) {
	t.Parallel()
	const list, first = "incidents/ab/s/manifest.jsonl", "incidents/ab/s/objects/01"
	tests := map[string]struct {
		break_  func(t *testing.T, folder string)
		aspect  manifest.Aspect
		where   string
		problem string
	}{
		"a changed byte in an object of a list": {func(t *testing.T, d string) { write(t, d, first, "the first Request") }, manifest.LineAspect, "line 1 of " + list, "hashes to"},
		"an object of a list is missing":        {func(t *testing.T, d string) { require.NoError(t, os.Remove(filepath.Join(d, first))) }, manifest.LineAspect, "line 1", "get it with: aws s3api get-object --bucket vault --key " + first + " --version-id 'v1'"},
		"an object is missing": {func(t *testing.T, d string) {
			require.NoError(t, os.Remove(filepath.Join(d, "incidents/ab/alerts/02")))
		}, manifest.ObjectAspect, "objects[0]", "is not in the folder"},
		"a longer object":  {func(t *testing.T, d string) { write(t, d, "incidents/ab/alerts/02", "an alert!") }, manifest.ObjectAspect, "objects[0]", "more than the 8 bytes"},
		"a shorter object": {func(t *testing.T, d string) { write(t, d, "incidents/ab/alerts/02", "an") }, manifest.ObjectAspect, "objects[0]", "has 2 bytes, and 8"},
		"a folder in place of an object": {func(t *testing.T, d string) {
			require.NoError(t, os.Remove(filepath.Join(d, first)))
			require.NoError(t, os.Mkdir(filepath.Join(d, first), 0o700))
		}, manifest.LineAspect, "line 1", "no regular file"},
		"a history that was cut short": {func(t *testing.T, d string) {
			require.NoError(t, os.Truncate(filepath.Join(d, "incidents/ab/steps/history/03"), 9))
		}, manifest.ObjectAspect, "objects[2]", "/history/03?versionId=v1 has 9 bytes, and 23 are listed"},
		"a link that leads out of the folder": {func(t *testing.T, d string) {
			require.NoError(t, os.Remove(filepath.Join(d, first)))
			require.NoError(t, os.Symlink("/etc/hostname", filepath.Join(d, first)))
		}, manifest.LineAspect, "line 1", "escapes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, incident.Live)
			content := b.sealed(nil)
			tt.break_(t, b.folder)
			one(t, b.check(content), tt.aspect, tt.where, tt.problem)
		})
	}
}

func TestWhatNothingVouchesForIsNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t, incident.Live)
	content := b.sealed(nil)
	b.put("manifest.json", string(content))
	b.put("incidents/ab/s/objects/02", "slipped in")
	b.put("another-bucket/incidents/ab/alerts/02", "an alert")
	r := b.check(content)
	require.Empty(t, r.Findings)
	require.Equal(t, []string{"another-bucket/incidents/ab/alerts/02", "incidents/ab/s/objects/02"}, r.Unlisted)
	require.Nil(t, manifest.Check(content, manifest.Options{Key: b.key}).Unlisted)
}

func write(t *testing.T, folder, key, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(folder, key), []byte(content), 0o600))
}

func TestAListThatNamesMoreOrLess(t *testing.T) {
	t.Parallel()
	b := newBench(t, incident.Live)
	b.contents.Objects[0].Listed = 2
	one(t, b.check(b.sealed(nil)), manifest.LineAspect, "objects[1]", "names 1 objects, and the manifest says 2")

	b = newBench(t, incident.Live)
	hostile := b.put("incidents/ab/s/manifest.jsonl", `{"key":"../../etc/passwd","version_id":"v","sha256":"x","size":1}`+"\n"+`{"key":"a","key":"b"}`+"\nnot json\n")
	hostile.Kind, hostile.Listed = manifest.SnapshotObject, 1
	b.contents.Objects, b.contents.Custody = []manifest.Object{hostile}, nil
	r := b.check(b.sealed(nil))
	require.Len(t, r.Findings, 3)
	require.Contains(t, r.Findings[0].Problem, "cannot be read")
	require.Contains(t, r.Findings[1].Problem, `"key" is there twice`)
	require.Contains(t, r.Findings[2].Where, "line 3")
}
