package evidence

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/s3fake"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

func TestSnapshotIsNotProved(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before func(*s3fake.Store)
		after  func(*testing.T, *s3fake.Store, *playbooks.Operation)
		method string
	}{
		"objects are not locked": {
			before: func(s *s3fake.Store) { s.DropLocks = true },
			method: "is not locked; ",
		},
		"one object is not locked": {
			after: func(_ *testing.T, s *s3fake.Store, _ *playbooks.Operation) {
				changeCopy(s, func(v *s3fake.Version) { v.Mode = "" })
			},
			method: "is not locked",
		},
		"a lock that can be bypassed": {
			after: func(_ *testing.T, s *s3fake.Store, _ *playbooks.Operation) {
				changeCopy(s, func(v *s3fake.Version) { v.Mode = "GOVERNANCE" })
			},
			method: `locked in mode "GOVERNANCE", not COMPLIANCE`,
		},
		"a lock that ends too soon": {
			after: func(_ *testing.T, s *s3fake.Store, _ *playbooks.Operation) {
				changeCopy(s, func(v *s3fake.Version) { v.Until = time.Now().Add(day) })
			},
			method: "is locked until",
		},
		"other bytes": {
			after: func(_ *testing.T, s *s3fake.Store, _ *playbooks.Operation) {
				changeCopy(s, func(v *s3fake.Version) { v.Body = []byte("x") })
			},
			method: "hashes to",
		},
		"a copy is gone": {
			after: func(_ *testing.T, s *s3fake.Store, _ *playbooks.Operation) {
				changeCopy(s, func(v *s3fake.Version) { v.Marker = true })
			},
			method: "is gone",
		},
		"deletion is not refused": {
			after:  func(_ *testing.T, s *s3fake.Store, _ *playbooks.Operation) { s.DeletesAnything = true },
			method: "could be deleted in spite of its lock",
		},
		"another manifest": {
			after: func(_ *testing.T, _ *s3fake.Store, op *playbooks.Operation) {
				op.Effect.Facts[incident.FactSHA256] = "00"
			},
			method: "manifest.jsonl",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, a, op := newScene(t)
			if tt.before != nil {
				tt.before(s)
			}
			capture(t, a, op)
			do(t, a, op)
			if tt.after != nil {
				tt.after(t, s, op)
			}
			before := len(s.Versions(vault, ""))
			proof := verify(t, a, op)
			require.False(t, proof.Proved)
			require.Contains(t, proof.Method, tt.method)
			if !s.DeletesAnything {
				require.Len(t, s.Versions(vault, ""), before, "what is not locked must not be deleted by the check")
			}
		})
	}
}

// changeCopy alters one copy in the evidence store.
func changeCopy(s *s3fake.Store, change func(*s3fake.Version)) {
	for _, v := range s.Versions(vault, "") {
		if strings.Contains(v.Key, "/objects/") && len(v.Body) > 0 {
			s.Change(vault, v.Key, change)
			return
		}
	}
}

func TestVerifyReportsDriftOfTheSource(t *testing.T) {
	t.Parallel()
	s, a, op := newScene(t)
	capture(t, a, op)
	do(t, a, op)
	s.Add("data", "loans/v1/new", "new")
	proof := verify(t, a, op)
	require.True(t, proof.Proved)
	require.Equal(t, "1 versions came and 0 went since", proof.Facts[FactDrift])
}

func TestVerifyMissesWhatAManifestLeftOut(t *testing.T) {
	t.Parallel()
	s, a, op := newScene(t)
	capture(t, a, op)
	// The step began long after this version, and its listing saw it; the manifest does not have it.
	do(t, a, op)
	s.Add("data", "loans/v1/left-out", "x")
	s.Change("data", "loans/v1/left-out", func(v *s3fake.Version) { v.At = time.Now().Add(-time.Hour) })
	op.Capture.State = []byte(`{"objects":8,"digest":"sha256:another"}`)
	proof := verify(t, a, op)
	require.False(t, proof.Proved)
	require.Contains(t, proof.Method, "left-out")
}

func TestSampleIsSpreadAndBounded(t *testing.T) {
	t.Parallel()
	var entries []Entry
	for i := range 100 {
		entries = append(entries, Entry{SourceKey: "k", Size: int64(i), DeleteMarker: i%2 == 1})
	}
	got := sample(entries)
	require.Len(t, got, deletionSample)
	require.Equal(t, int64(0), got[0].Size)
	require.Equal(t, int64(94), got[19].Size)
	require.Len(t, sample(entries[:6]), 3)
}
