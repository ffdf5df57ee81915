package evidence

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/s3fake"
	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/manifest"
	"firebreak/playbooks"
)

func accessOf(op *playbooks.Operation, id string) playbooks.RecordAccess {
	return playbooks.RecordAccess{
		ID: id, IncidentID: op.IncidentID, Mode: incident.Live, Store: op.Store, Person: "leg-1", Action: "read",
		Evidence: "s3://" + vault + "/" + incidentPrefix(op.IncidentID) + "alerts/ab?versionId=v1", Reason: "to answer the authority",
		Authority: "case 12/26", At: time.Date(2026, 9, 14, 8, 0, 0, 0, time.UTC),
	}
}

func TestWhoReadIsALinkOfTheChain(t *testing.T) {
	t.Parallel()
	s, _, op := newScene(t)
	c := NewCustody(s)
	first, err := c.Record(t.Context(), accessOf(op, "1"))
	require.NoError(t, err)
	again, err := c.Record(t.Context(), accessOf(op, "1"))
	require.NoError(t, err)
	require.Equal(t, first, again, "one act is one link")
	_, err = c.Record(t.Context(), accessOf(op, "2"))
	require.NoError(t, err)
	chain, err := c.load(t.Context(), vault, op.IncidentID)
	require.NoError(t, err)
	require.Len(t, chain, 2)
	require.Equal(t, "leg-1", chain[0].Actor)
	require.Equal(t, "case 12/26", chain[0].Authority)
	require.Equal(t, chain[0].Hash, chain[1].Previous)
	require.Empty(t, manifest.CheckChain(chain, manifest.Genesis(op.IncidentID, incident.Live)))
	for _, v := range s.Versions(vault, custodyPrefix(op.IncidentID)) {
		require.NotEmpty(t, v.Mode, "each link is locked")
	}
}

// Many at once make one chain: nobody's link is lost and none has another's number.
func TestLinksOfManyAtOnce(t *testing.T) {
	t.Parallel()
	s, _, op := newScene(t)
	c := NewCustody(s)
	const n = 6
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() { _, errs[i] = c.Record(t.Context(), accessOf(op, fmt.Sprint(i))) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	chain, err := c.load(t.Context(), vault, op.IncidentID)
	require.NoError(t, err)
	require.Len(t, chain, n)
	require.Empty(t, manifest.CheckChain(chain, manifest.Genesis(op.IncidentID, incident.Live)))
}

// What is written over a link, or a delete marker on it, hides nothing: the first version counts.
func TestNothingIsWrittenOverALink(t *testing.T) {
	t.Parallel()
	s, _, op := newScene(t)
	c := NewCustody(s)
	_, err := c.Record(t.Context(), accessOf(op, "1"))
	require.NoError(t, err)
	key := s.Versions(vault, custodyPrefix(op.IncidentID))[0].Key
	s.Add(vault, key, "{}\n")
	s.Mark(vault, key)
	_, err = c.Record(t.Context(), accessOf(op, "2"))
	require.NoError(t, err)
	chain, err := c.load(t.Context(), vault, op.IncidentID)
	require.NoError(t, err)
	require.Len(t, chain, 2)

	s.Change(vault, key, func(v *s3fake.Version) { v.Body = []byte("x") })
	_, err = c.Record(t.Context(), accessOf(op, "3"))
	requireCode(t, failure.EvidenceMismatch, err)
}

func TestRecordRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set  func(*playbooks.RecordAccess)
		want string
	}{
		"no reason":             {func(r *playbooks.RecordAccess) { r.Reason = "" }, "a person and a reason"},
		"no person":             {func(r *playbooks.RecordAccess) { r.Person = "" }, "a person and a reason"},
		"a long reason":         {func(r *playbooks.RecordAccess) { r.Reason = string(make([]byte, maxReason+1)) }, "at most 500 bytes"},
		"an unknown act":        {func(r *playbooks.RecordAccess) { r.Action = "collect" }, "extend_hold"},
		"no id":                 {func(r *playbooks.RecordAccess) { r.ID = "" }, "an id, an incident and a time"},
		"no time":               {func(r *playbooks.RecordAccess) { r.At = time.Time{} }, "an id, an incident and a time"},
		"no version":            {func(r *playbooks.RecordAccess) { r.Evidence = "s3://" + vault + "/k" }, "does not name a version"},
		"of another incident":   {func(r *playbooks.RecordAccess) { r.IncidentID = "incident/other" }, "is not evidence of incident/other"},
		"of another store":      {func(r *playbooks.RecordAccess) { r.Store.Bucket = "other" }, "is not evidence"},
		"of a store unlockable": {func(r *playbooks.RecordAccess) { r.Store.Lock.Days = 0 }, "at least one is needed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, op := newScene(t)
			in := accessOf(op, "1")
			tt.set(&in)
			_, err := NewCustody(s).Record(t.Context(), in)
			require.ErrorContains(t, err, tt.want)
			requireCode(t, failure.Invalid, err)
			require.Empty(t, s.Writes())
		})
	}
}
