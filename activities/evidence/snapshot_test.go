package evidence

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/objects"
	"firebreak/internal/incident"
	"firebreak/internal/manifest"
)

func TestSnapshotOnceAndProved(t *testing.T) {
	t.Parallel()
	s, a, op := newScene(t)
	capture(t, a, op)
	require.Contains(t, op.Capture.Summary, "7 object versions")
	require.Contains(t, op.Capture.Summary, "1 delete markers")

	first := do(t, a, op)
	require.True(t, first.Changed)
	require.Equal(t, "7", first.Facts[incident.FactObjects])
	writes := s.Writes()
	require.Len(t, writes, 8)
	require.True(t, strings.HasPrefix(writes[7], "put "), "the manifest comes last")

	again := do(t, a, op)
	require.False(t, again.Changed)
	require.Equal(t, first.Facts, again.Facts)
	require.Equal(t, writes, s.Writes())
	for _, v := range s.Versions(vault, "") {
		require.Regexp(t, `^incidents/[0-9a-f]{32}/preserve/[0-9a-f]{32}/(objects/[0-9a-f]{64}|manifest\.jsonl)$`, v.Key)
		requireFuture(t, 90*day-time.Minute, v.Until)
	}

	proof := verify(t, a, op)
	require.True(t, proof.Proved, proof.Method)
	require.Contains(t, proof.Method, "7 versions and their manifest read back")
	require.Contains(t, proof.Method, "8 of 8 deletions by version id refused")
	require.Equal(t, "none", proof.Facts[FactDrift])

	undone, err := a.Undo(t.Context(), op)
	require.NoError(t, err)
	require.False(t, undone.Changed)
	require.Len(t, s.Versions(vault, ""), 8)
}

// An incident that is opened again has the id of the last one. It preserves what is there now, under locks of its own.
func TestAnIncidentThatIsOpenedAgainPreservesAnew(t *testing.T) {
	t.Parallel()
	s, a, op := newScene(t)
	op.OpenedAt = time.Date(2026, 9, 14, 3, 0, 0, 0, time.UTC)
	capture(t, a, op)
	first := do(t, a, op)
	require.True(t, verify(t, a, op).Proved)

	op.OpenedAt, op.Capture, op.Effect = op.OpenedAt.Add(24*time.Hour), nil, nil
	s.Add("data", "loans/v1/after.jsonl", "written since")
	capture(t, a, op)
	again := do(t, a, op)
	require.True(t, again.Changed)
	require.Equal(t, "8", again.Facts[incident.FactObjects])
	require.NotEqual(t, first.Facts[incident.FactManifest], again.Facts[incident.FactManifest])
	require.True(t, verify(t, a, op).Proved)
}

func TestManifestNamesEverySourceVersion(t *testing.T) {
	t.Parallel()
	s, a, op := newScene(t)
	capture(t, a, op)
	e := do(t, a, op)
	bucket, key, id, err := objects.ParseVersionURI(e.Facts[incident.FactManifest])
	require.NoError(t, err)
	content, sum, err := readAll(t.Context(), s, bucket, objects.Version{Key: key, ID: id})
	require.NoError(t, err)
	require.Equal(t, sum, e.Facts[incident.FactSHA256])
	entries, err := manifest.DecodeLines(content, entryKey)
	require.NoError(t, err)
	require.Len(t, entries, 9)
	var uncopied []string
	for _, entry := range entries {
		if entry.Key == "" {
			uncopied = append(uncopied, entry.SourceKey)
			continue
		}
		require.Len(t, entry.SHA256, 64)
		require.Equal(t, "COMPLIANCE", entry.LockMode)
	}
	require.Equal(t, []string{"loans/v1/deleted", "loans/v1/folder/"}, uncopied)
}

func TestSnapshotGoesOnWhereAnAttemptEnded(t *testing.T) {
	t.Parallel()
	s, a, op := newScene(t)
	capture(t, a, op)
	var copies atomic.Int32
	s.BeforeCopy = func(string) error {
		if copies.Add(1) > 3 {
			return errors.New("the worker is gone")
		}
		return nil
	}
	_, err := a.Do(t.Context(), op)
	require.ErrorContains(t, err, "the worker is gone")
	require.Len(t, s.Writes(), 3)

	s.BeforeCopy = nil
	// Hiding a copy behind a delete marker does not make a second version of it.
	s.Mark(vault, s.Versions(vault, "")[0].Key)
	require.True(t, do(t, a, op).Changed)
	require.Len(t, s.Writes(), 8)
	require.True(t, verify(t, a, op).Proved)
}

func TestSnapshotOfAStoreThatTellsNoChecksums(t *testing.T) {
	t.Parallel()
	s, a, op := newScene(t)
	s.NoChecksums = true
	capture(t, a, op)
	do(t, a, op)
	require.True(t, verify(t, a, op).Proved)
}

func TestSnapshotComparesTheInventorysDigest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		tamper bool
		want   string
	}{"the same": {false, "match"}, "tampered": {true, "mismatch: the inventory says sha256:"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, a, op := newScene(t)
			var err error
			op.Target.Digest, err = objects.Root(t.Context(), s, objects.Location{Bucket: "data", Prefix: "loans/v1"}, "")
			require.NoError(t, err)
			s.Add("data", "loans/v1/manifest.jsonl", "a list of the files beside them")
			if tt.tamper {
				s.Add("data", "loans/v1/part", "poison")
			}
			capture(t, a, op)
			require.Contains(t, do(t, a, op).Facts[FactInventory], tt.want)
			require.True(t, verify(t, a, op).Proved)
		})
	}
}
