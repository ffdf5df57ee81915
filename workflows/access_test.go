package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

func TestAccessToEvidenceOfAnOpenIncident(t *testing.T) {
	t.Parallel()
	w := newSmall(t, disable())
	w.fail["access s3://elsewhere/x"] = []func() error{refused}
	read := w.steerAt(time.Minute, workflows.RecordAccessUpdate, workflows.Steer{Person: "LEG-1", Reason: "for the brief"})
	handed := w.steerAt(2*time.Minute, workflows.RecordAccessUpdate, workflows.Steer{
		Person: "sec-1", Reason: "to the police", Authority: "order 4 Gs 12/26", Handling: "transfer", Evidence: "s3://evidence/a?versionId=2"})
	silent := w.steerAt(3*time.Minute, workflows.RecordAccessUpdate, workflows.Steer{Person: "sec-1"})
	wrong := w.steerAt(4*time.Minute, workflows.RecordAccessUpdate, workflows.Steer{Person: "sec-1", Reason: "x", Evidence: "s3://elsewhere/x"})
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.True(t, read.Accepted, read.Message)
	require.True(t, handed.Accepted, handed.Message)
	require.Equal(t, "record-access needs a reason", silent.Message)
	require.False(t, wrong.Accepted)

	require.Equal(t, "leg-1", w.accesses[0].Person, "the inventory's id, however it was written")
	require.Equal(t, "read", w.accesses[0].Action)
	require.Equal(t, "s3://evidence/manifest?versionId=1", w.accesses[0].Evidence)
	require.Equal(t, rec.ID, w.accesses[0].IncidentID)
	require.NotEmpty(t, w.accesses[0].ID)
	require.NotEqual(t, w.accesses[0].ID, w.accesses[1].ID)
	require.Equal(t, "order 4 Gs 12/26", w.accesses[1].Authority)
	require.False(t, w.accesses[0].At.IsZero())
	require.Contains(t, timeline(rec), "evidence: read of s3://evidence/manifest?versionId=1 by leg-1 is link 7 of the chain of custody: for the brief")
	require.Contains(t, timeline(rec), "evidence: transfer of s3://evidence/a?versionId=2 by sec-1")
	require.Contains(t, timeline(rec), "refused record-access of sec-1")
}

func TestAccessToEvidenceOfAClosedIncident(t *testing.T) {
	t.Parallel()
	by := func(person, reason string) workflows.Steer { return workflows.Steer{Person: person, Reason: reason} }
	sealed := incident.Evidence{Manifest: "s3://of live/manifest?versionId=9"}
	cases := map[string]struct {
		before incident.Record
		in     workflows.Steer
		fail   string
		want   string
	}{
		"it is recorded":           {incident.Record{ID: "i", Mode: incident.Live, Evidence: sealed}, by("priv-1", "brief 2"), "", ""},
		"an outsider":              {incident.Record{ID: "i", Mode: incident.Live, Evidence: sealed}, by("mallory", "x"), "", "mallory is not in the inventory"},
		"no reason":                {incident.Record{ID: "i", Mode: incident.Live, Evidence: sealed}, by("priv-1", ""), "", "needs a reason"},
		"it is open":               {incident.Record{ID: "i", Mode: incident.Live, Evidence: sealed}, by("priv-1", "x"), "previous i", "no adapter"},
		"it was never sealed":      {incident.Record{ID: "i", Mode: incident.Live}, by("priv-1", "x"), "", "no manifest is sealed yet"},
		"it was a drill":           {incident.Record{ID: "i", Mode: incident.Drill, Evidence: sealed}, by("priv-1", "x"), "", "i is a drill incident"},
		"the store does not do it": {incident.Record{ID: "i", Mode: incident.Live, Evidence: sealed}, by("priv-1", "x"), "access " + sealed.Manifest, "no adapter"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, incident.ExtractionEvent, "credit-api")
			w.RegisterWorkflow(workflows.EvidenceAccess)
			w.before = c.before
			if c.fail != "" {
				w.fail[c.fail] = []func() error{refused}
			}
			w.ExecuteWorkflow(workflows.EvidenceAccess, workflows.AccessRequest{ID: "once", Incident: "i", Steer: c.in})
			require.NoError(t, w.GetWorkflowError())
			var outcome workflows.DecisionOutcome
			require.NoError(t, w.GetWorkflowResult(&outcome))
			require.Contains(t, outcome.Message, c.want)
			require.Equal(t, c.want == "", outcome.Accepted)
			if c.want == "" {
				require.Equal(t, sealed.Manifest, w.accesses[0].Evidence)
				require.Equal(t, "of live", w.accesses[0].Store.Bucket)
				require.Equal(t, "once", w.accesses[0].ID)
			}
		})
	}
}

// What signs is away when the verdict is due. Once it is back the evidence is sealed anew, and not for ever.
func TestUnsignedEvidenceIsSealedAgain(t *testing.T) {
	t.Parallel()
	w := newSmall(t, disable())
	w.signer = ""
	w.at(10*time.Minute, func() { w.signer = "evidence:1" })
	var before, after int
	w.at(9*time.Minute, func() { before = w.count("seal") })
	w.at(59*time.Minute, func() { after = w.count("seal") })
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Greater(t, before, 2)
	require.Less(t, before, 10, "with growing pauses")
	require.Equal(t, before+1, after)
	require.Equal(t, "evidence:1", rec.Evidence.Signer)
}
