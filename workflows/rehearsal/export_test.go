package rehearsal_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/workflows/rehearsal"
)

// origin is what a rehearsal knows that a record does not hold, for a case that is written to dir.
func origin(t *testing.T, c *rehearsal.Case, dir string) rehearsal.Origin {
	t.Helper()
	relative := func(path string) string {
		from, err := filepath.Abs(filepath.Join(filepath.Dir(c.File), path))
		require.NoError(t, err)
		out, err := filepath.Rel(dir, from)
		require.NoError(t, err)
		return out
	}
	o := rehearsal.Origin{Inventory: relative(c.Inventory),
		Severity: c.Incident.Severity, Confidence: c.Incident.Confidence, Facet: c.Incident.Facet}
	if filepath.Ext(c.Playbook) != "" {
		o.Playbook = relative(c.Playbook)
	}
	return o
}

// requireExported makes a case of the record, plays it and requires that the same comes of it.
func requireExported(t *testing.T, c *rehearsal.Case, rec *incident.Record) {
	t.Helper()
	dir := t.TempDir()
	again := export(t, rec, origin(t, c, dir), dir)
	require.Equal(t, rec.Verdict, again.Expect.Verdict)
	if len(rec.Steps) > 0 {
		require.NotEmpty(t, again.Expect.Steps, "the expectation says more than a verdict")
	}
	res, err := rehearsal.Runner{}.Run(again)
	require.NoError(t, err)
	requireNone(t, res.Mismatches)
}

// export writes the case of a record and reads it back.
func export(t *testing.T, rec *incident.Record, o rehearsal.Origin, dir string) *rehearsal.Case {
	t.Helper()
	made, err := rehearsal.Export(rec, o)
	require.NoError(t, err)
	raw, err := rehearsal.Marshal(made)
	require.NoError(t, err)
	path := filepath.Join(dir, "exported.yaml")
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	c, err := rehearsal.Load(path)
	require.NoError(t, err, string(raw))
	return c
}

func requireNone(t *testing.T, list []rehearsal.Mismatch) {
	t.Helper()
	for _, m := range list {
		t.Errorf("%s\nwant:\n%s\ngot:\n%s", m.What, m.Want, m.Got)
	}
}

// In an incident activities take time. Only what did not overlap is expected in order, and decisions are timed from when they
// were asked for.
func TestExportOfAnIncidentThatTookTime(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 7, 1, 3, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	row := func(id, target string, role incident.Role, from, until int) incident.Step {
		return incident.Step{ID: id, Target: target, Role: role, Status: incident.Done, Verified: true, Attempts: 1,
			StartedAt: at(from), EndedAt: at(until), Receipt: &incident.Receipt{Capture: &incident.Capture{}, Effect: &incident.Effect{Summary: "did " + id}}}
	}
	slow := row("snapshot-checkpoints", "assist-llm@5", incident.RoleEvidence, 0, 400)
	slow.Attempts = 3
	rec := &incident.Record{
		ID: "incident/backdoor-discovery/assist-llm@5", Kind: incident.BackdoorDiscovery, Asset: "assist-llm@5", Mode: incident.Live,
		Requester: "sec-1", Progress: incident.Closed, Verdict: incident.Contained, OpenedAt: start, DetectedAt: at(-60), ClosedAt: at(900),
		Steps: []incident.Step{
			row("tell-legal", "#ir-legal", incident.RoleNotification, 0, 2), slow,
			row("disable-endpoints", "assist-chat", incident.RoleContainment, 100, 130),
			row("revoke-writers", "ci-registry-push", incident.RoleContainment, 500, 510),
		},
		Approvals: []incident.Approval{{Step: "approve-revocation", Status: incident.ApprovalGranted, AskedAt: at(410), Decisions: []incident.Decision{
			{Person: "mallory", Approve: true, Reason: "mallory is not in the inventory", At: at(415)},
			{Person: "sec-1", Role: "SEC", Approve: true, Counted: true, At: at(490), Comment: "go"},
		}}},
		Alerts: []incident.Alert{{Severity: "SEV2"}},
		Timeline: []incident.Event{
			{At: at(90), Step: "snapshot-checkpoints", Target: "assist-llm@5", What: "failed: connection reset"},
			{At: at(91), Step: "snapshot-checkpoints", Target: "assist-llm@5", What: "did snapshot-checkpoints"},
			{At: at(200), Step: "snapshot-checkpoints", Target: "assist-llm@5", What: "failed: not proved: the copy is not locked"},
			{At: at(400), Step: "snapshot-checkpoints", Target: "assist-llm@5", What: "proved: locked"},
			{At: at(890), What: "3 legal clocks are handed over to legal; firebreak reminds no more"},
			{At: at(890), What: "closed by ic-1: contained"},
		},
	}
	c, err := rehearsal.Export(rec, rehearsal.Origin{Confidence: 0.95})
	require.NoError(t, err)
	require.Equal(t, rehearsal.Incident{Asset: "assist-llm@5", Mode: incident.Live, Severity: "SEV2", Confidence: 0.95, Requester: "sec-1", Opened: start, Detected: at(-60)}, c.Incident)
	require.Equal(t, []rehearsal.Given{
		{Step: "snapshot-checkpoints", Target: "assist-llm@5", Stage: "do", Fail: "connection reset", Times: 3},
		{Step: "snapshot-checkpoints", Target: "assist-llm@5", Stage: "verify", Unproved: true, Reason: "the copy is not locked", Times: 1},
	}, c.Given)
	require.Equal(t, []rehearsal.Act{
		{As: "mallory", After: 5 * time.Second, Approve: ptr("approve-revocation"), Refused: "mallory is not in the inventory"},
		{As: "sec-1", After: 80 * time.Second, Approve: ptr("approve-revocation"), Reason: "go"},
		{As: "ic-1", At: 890 * time.Second, Close: ptr("contained"), HandOverClocks: true},
	}, c.People)
	require.Equal(t, []rehearsal.Group{
		{"snapshot-checkpoints/assist-llm@5 do", "disable-endpoints/assist-chat do"},
		{"revoke-writers/ci-registry-push do"},
	}, c.Expect.Sequence)
	require.Equal(t, []string{}, c.Expect.Gaps)
	require.Empty(t, c.Expect.Undone)
	require.NotNil(t, c.Expect.Undone)
}
