package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/evidence/s3fake"
	"firebreak/internal/incident"
	"firebreak/internal/manifest"
	"firebreak/internal/progress"
	"firebreak/playbooks"
)

// newLarge is a scene with one object of eleven MiB, which is copied in three parts, beside the small ones.
func newLarge(t *testing.T) (*s3fake.Store, *Snapshot, *playbooks.Operation, string) {
	t.Helper()
	s, _, op := newScene(t)
	body := strings.Repeat("0123456789abcdef", 11*mib/16)
	s.Add("data", "loans/v1/large", body)
	sum := sha256.Sum256([]byte(body))
	return s, NewSnapshotWith(s, Limits{Whole: mib, Part: smallestPart}), op, hex.EncodeToString(sum[:])
}

func entries(t *testing.T, s *s3fake.Store, e *incident.Effect) []Entry {
	t.Helper()
	bucket, key, id, err := objects.ParseVersionURI(e.Facts[incident.FactManifest])
	require.NoError(t, err)
	content, _, err := readAll(t.Context(), s, bucket, objects.Version{Key: key, ID: id})
	require.NoError(t, err)
	out, err := manifest.DecodeLines(content, entryKey)
	require.NoError(t, err)
	return out
}

func entryOf(t *testing.T, s *s3fake.Store, e *incident.Effect, key string) Entry {
	t.Helper()
	for _, entry := range entries(t, s, e) {
		if entry.SourceKey == key {
			return entry
		}
	}
	require.Fail(t, "not in the manifest", key)
	return Entry{}
}

func countParts(s *s3fake.Store) int {
	n := 0
	for _, w := range s.Writes() {
		if strings.HasPrefix(w, "part ") {
			n++
		}
	}
	return n
}

func TestLargeObjectIsCopiedInPartsAndProved(t *testing.T) {
	t.Parallel()
	s, a, op, sum := newLarge(t)
	capture(t, a, op)
	ctx, meter := progress.With(t.Context())
	effect, err := a.Do(ctx, op)
	require.NoError(t, err)
	op.Effect = effect
	require.Equal(t, 3, countParts(s))
	require.Empty(t, s.Uploads())
	e := entryOf(t, s, effect, "loans/v1/large")
	require.Equal(t, sum, e.SHA256)
	require.Equal(t, bySource, e.DigestBy)
	require.Equal(t, methodFull, e.Method)
	require.Equal(t, "data", e.SourceBucket)
	require.Equal(t, "COMPLIANCE", e.LockMode)
	requireFuture(t, 90*day-time.Minute, e.RetainUntil)
	require.Equal(t, byStore, entryOf(t, s, effect, "loans/v1/part").DigestBy)
	require.Equal(t, methodMetadata, entryOf(t, s, effect, "loans/v1/folder/").Method)
	report, _ := meter.Report()
	require.Equal(t, report.Size, report.Bytes)
	require.Equal(t, int64(8), report.Objects)
	require.True(t, verify(t, a, op).Proved)
}

// What the store takes may be less than what Amazon's does.
func TestStoreWithALowerLimitGetsParts(t *testing.T) {
	t.Parallel()
	s, _, op, sum := newLarge(t)
	s.Whole = smallestPart
	a := NewSnapshotWith(s, Limits{Part: smallestPart})
	capture(t, a, op)
	require.Equal(t, sum, entryOf(t, s, do(t, a, op), "loans/v1/large").SHA256)
	require.Equal(t, 3, countParts(s))
	require.True(t, verify(t, a, op).Proved)
}

func TestPartsAreKeptWhenAnAttemptEnds(t *testing.T) {
	t.Parallel()
	s, a, op, _ := newLarge(t)
	capture(t, a, op)
	var parts atomic.Int32
	s.Before = func(request, _ string) error {
		if request == "UploadPartCopy" && parts.Add(1) == 3 {
			return errors.New("the worker is gone")
		}
		return nil
	}
	_, err := a.Do(t.Context(), op)
	require.ErrorContains(t, err, "the worker is gone")
	require.Len(t, s.Uploads(), 1)
	s.Before = nil
	do(t, a, op)
	require.Equal(t, 3, countParts(s), "no part was copied twice")
	require.Empty(t, s.Uploads())
	require.True(t, verify(t, a, op).Proved)
}

func TestPartOfAnotherSizeIsCopiedAgain(t *testing.T) {
	t.Parallel()
	s, a, op, _ := newLarge(t)
	capture(t, a, op)
	p, err := newPlan(op)
	require.NoError(t, err)
	v := s.Versions("data", "loans/v1/large")[0]
	key := p.key(objects.Version{Bucket: "data", Key: v.Key, ID: v.ID})
	s.Put(s.Begin(vault, key), 1, "half a part")
	do(t, a, op)
	require.Equal(t, 3, countParts(s))
	proof := verify(t, a, op)
	require.False(t, proof.Proved, "an upload that was begun without a lock gives an object without one")
	require.Contains(t, proof.Method, "is not locked")
}

func TestUploadsOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	s, a, op, _ := newLarge(t)
	capture(t, a, op)
	p, err := newPlan(op)
	require.NoError(t, err)
	others := []string{"somebody/else", p.prefix + "objects/readme", incidentPrefix(op.IncidentID) + "other-step/objects/" + strings.Repeat("a", 64)}
	for _, key := range others {
		s.Begin(vault, key)
	}
	stale := p.prefix + "objects/" + strings.Repeat("b", 64)
	s.Begin(vault, stale)
	do(t, a, op)
	left := strings.Join(s.Uploads(), "\n")
	for _, key := range others {
		require.Contains(t, left, key)
	}
	require.NotContains(t, left, stale)
	require.Len(t, s.Uploads(), len(others))
}

func TestUndoFreesParts(t *testing.T) {
	t.Parallel()
	s, a, op, _ := newLarge(t)
	capture(t, a, op)
	s.Before = failing("CompleteMultipartUpload", errors.New("the worker is gone"))
	_, err := a.Do(t.Context(), op)
	require.Error(t, err)
	require.Len(t, s.Uploads(), 1)
	_, err = a.Undo(t.Context(), op)
	require.NoError(t, err)
	require.Empty(t, s.Uploads())
}
