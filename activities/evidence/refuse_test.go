package evidence

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/evidence/s3fake"
	"firebreak/activities/failure"
	"firebreak/playbooks"
)

func TestSnapshotRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		code failure.Code
		set  func(*s3fake.Store, *playbooks.Operation)
	}{
		"an empty prefix":      {failure.EvidenceMismatch, func(_ *s3fake.Store, op *playbooks.Operation) { op.Target.URI = "s3://data/nothing/" }},
		"delete markers alone": {failure.EvidenceMismatch, func(s *s3fake.Store, op *playbooks.Operation) { s.Mark("data", "m/a"); op.Target.URI = "s3://data/m/" }},
		"a manifest of someone else": {failure.EvidenceMismatch, func(s *s3fake.Store, op *playbooks.Operation) {
			p, _ := newPlan(op)
			s.Add(vault, p.manifestKey(), "{}")
		}},
		"another size under the copy's name": {failure.EvidenceMismatch, func(s *s3fake.Store, op *playbooks.Operation) {
			p, _ := newPlan(op)
			v := s.Versions("data", "loans/v1/part")[0]
			s.Add(vault, p.key(objects.Version{Bucket: "data", Key: v.Key, ID: v.ID}), "planted")
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, a, op := newScene(t)
			tt.set(s, op)
			capture(t, a, op)
			_, err := a.Do(t.Context(), op)
			requireCode(t, tt.code, err)
		})
	}
}

func TestSnapshotRefusesTheInventory(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		code failure.Code
		set  func(*playbooks.Operation)
	}{
		"no store":      {failure.Invalid, func(op *playbooks.Operation) { op.Store.Bucket = "" }},
		"no lock mode":  {failure.Invalid, func(op *playbooks.Operation) { op.Store.Lock.Mode = "" }},
		"no days":       {failure.Invalid, func(op *playbooks.Operation) { op.Store.Lock.Days = 0 }},
		"another store": {failure.Unsupported, func(op *playbooks.Operation) { op.Target.URI = "gs://data/x" }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, a, op := newScene(t)
			tt.set(op)
			_, err := a.Capture(t.Context(), op)
			requireCode(t, tt.code, err)
		})
	}
}

func TestSnapshotHonoursCancel(t *testing.T) {
	t.Parallel()
	s, a, op := newScene(t)
	capture(t, a, op)
	ctx, cancel := context.WithCancel(t.Context())
	s.BeforeCopy = func(string) error { cancel(); return nil }
	_, err := a.Do(ctx, op)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, s.Versions(vault, op.Step+"manifest"))
	require.NotContains(t, strings.Join(s.Writes(), " "), "put")
}
