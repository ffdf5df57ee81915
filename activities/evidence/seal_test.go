package evidence

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/objects"
	"firebreak/activities/evidence/s3fake"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

func sealInput(op *playbooks.Operation) playbooks.SealInput {
	step := func(id string, status incident.StepStatus, objects string) incident.Step {
		return incident.Step{ID: id, Role: incident.RoleEvidence, Target: "t", Status: status, Verified: status == incident.Done, Receipt: &incident.Receipt{
			Effect: &incident.Effect{Facts: map[string]string{incident.FactManifest: "s3://b/m?versionId=1", incident.FactSHA256: "aa", incident.FactObjects: objects}},
		}}
	}
	return playbooks.SealInput{Store: op.Store, Record: incident.Record{ID: op.IncidentID, Steps: []incident.Step{
		step("data", incident.Done, "7"), step("model", incident.Done, "5"), step("logs", incident.Failed, "100"),
		{ID: "contain", Role: incident.RoleContainment, Status: incident.Done, Verified: true},
	}}}
}

func TestSealOnce(t *testing.T) {
	t.Parallel()
	s, _, op := newScene(t)
	in := sealInput(op)
	first, err := NewSeal(s).Seal(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, 12, first.Objects)
	bucket, key, id, err := objects.ParseVersionURI(first.Manifest)
	require.NoError(t, err)
	require.Contains(t, key, "/manifest-"+first.SHA256[:12]+".json")

	again, err := NewSeal(s).Seal(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Len(t, s.Writes(), 1)

	content, sum, err := readAll(t.Context(), s, bucket, objects.Version{Key: key, ID: id})
	require.NoError(t, err)
	require.Equal(t, first.SHA256, sum)
	var doc document
	require.NoError(t, json.Unmarshal(content, &doc))
	require.Equal(t, "firebreak/evidence/v1", doc.Schema)
	require.Len(t, doc.Objects, 3)
	require.False(t, doc.Objects[2].Proved)

	in.Record.Summary = "went on"
	other, err := NewSeal(s).Seal(t.Context(), in)
	require.NoError(t, err)
	require.NotEqual(t, first.Manifest, other.Manifest)
}

func TestSealWithoutSnapshotsListsNone(t *testing.T) {
	t.Parallel()
	s, _, op := newScene(t)
	got, err := NewSeal(s).Seal(t.Context(), playbooks.SealInput{Store: op.Store, Record: incident.Record{ID: op.IncidentID}})
	require.NoError(t, err)
	require.Zero(t, got.Objects)
	require.Contains(t, string(s.Versions(vault, "")[0].Body), `"objects": []`)
}

func TestSealFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set func(*s3fake.Store)
		err string
	}{
		"not locked": {func(s *s3fake.Store) { s.DropLocks = true }, "is not locked"},
		"deletable":  {func(s *s3fake.Store) { s.DeletesAnything = true }, "could be deleted"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, op := newScene(t)
			tt.set(s)
			_, err := NewSeal(s).Seal(t.Context(), sealInput(op))
			require.ErrorContains(t, err, tt.err)
		})
	}
}

func TestSealFindsOtherBytesUnderItsName(t *testing.T) {
	t.Parallel()
	s, _, op := newScene(t)
	_, err := NewSeal(s).Seal(t.Context(), sealInput(op))
	require.NoError(t, err)
	for _, v := range s.Versions(vault, "") {
		s.Change(vault, v.Key, func(v *s3fake.Version) { v.Body = []byte(strings.Repeat(" ", 10)) })
	}
	_, err = NewSeal(s).Seal(t.Context(), sealInput(op))
	require.ErrorContains(t, err, "hashes to")
}
