package evidence

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/s3fake"
	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

const vault = "nordwall-evidence"

// hostile are keys that must not lead anywhere else or get lost on the way.
var hostile = []string{"loans/v1/part+1 of ä?.csv", "loans/v1/../../escape", "loans/v1/a%2Fb&c=d", "loans/v1/empty"}

func newScene(t *testing.T) (*s3fake.Store, *Snapshot, *playbooks.Operation) {
	t.Helper()
	s := s3fake.New()
	for _, key := range hostile {
		s.Add("data", key, strings.Repeat(key, len(key)%2))
	}
	s.Add("data", "loans/v1/part", "first")
	s.Add("data", "loans/v1/part", "second")
	s.Add("data", "loans/v1/deleted", "deleted")
	s.Mark("data", "loans/v1/deleted")
	s.Add("data", "loans/v1/folder/", "")
	s.Add("data", "loans/v10/other", "not this one")
	op := &playbooks.Operation{
		ID: "incident/dataset-compromise/loans/preserve/loans@v1", IncidentID: "incident/dataset-compromise/loans",
		Step: "preserve", Action: "dataset.snapshot",
		Target: inventory.Target{ID: "loans@v1", Kind: inventory.ObjectsTarget, URI: "s3://data/loans/v1/?versionId=u1"},
	}
	op.Store.ID, op.Store.Bucket = "evidence", vault
	op.Store.Lock.Mode, op.Store.Lock.Days = "COMPLIANCE", 90
	return s, NewSnapshot(s), op
}

func capture(t *testing.T, a *Snapshot, op *playbooks.Operation) {
	t.Helper()
	c, err := a.Capture(t.Context(), op)
	require.NoError(t, err)
	text, err := json.Marshal(c)
	require.NoError(t, err)
	op.Capture = &incident.Capture{}
	require.NoError(t, json.Unmarshal(text, op.Capture))
}

func do(t *testing.T, a *Snapshot, op *playbooks.Operation) *incident.Effect {
	t.Helper()
	e, err := a.Do(t.Context(), op)
	require.NoError(t, err)
	op.Effect = e
	return e
}

func verify(t *testing.T, a *Snapshot, op *playbooks.Operation) *incident.Proof {
	t.Helper()
	p, err := a.Verify(t.Context(), op)
	require.NoError(t, err)
	return p
}

func requireCode(t *testing.T, want failure.Code, err error) {
	t.Helper()
	require.Error(t, err)
	code, _ := failure.CodeOf(err)
	require.Equal(t, want, code, err)
}

// stages is the interface that the wiring asks for.
type stages interface {
	Capture(context.Context, *playbooks.Operation) (*incident.Capture, error)
	Do(context.Context, *playbooks.Operation) (*incident.Effect, error)
	Verify(context.Context, *playbooks.Operation) (*incident.Proof, error)
	Undo(context.Context, *playbooks.Operation) (*incident.Effect, error)
}

var _ stages = (*Snapshot)(nil)

func requireFuture(t *testing.T, least time.Duration, until time.Time) {
	t.Helper()
	require.True(t, until.After(time.Now().Add(least)), until)
}
