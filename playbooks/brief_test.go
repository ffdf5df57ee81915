package playbooks_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/legal"
	"firebreak/playbooks"
)

func regimesOf(clocks []legal.Clock) []string {
	var out []string
	for _, c := range clocks {
		out = append(out, c.Regime)
	}
	return out
}

func TestBriefOpensTheClocksOfTheInventory(t *testing.T) {
	t.Parallel()
	cases := []struct {
		kind  incident.Kind
		asset string
		want  []string
		next  time.Duration
	}{
		{incident.DatasetCompromise, "loan-applications@2026-07-31", []string{
			"gdpr-33-1", "gdpr-34", "ai-73-2", "ai-73-3", "ai-73-4", "ai-73-6", "nis2-early", "nis2-notify", "nis2-interim", "nis2-final",
			"dora-initial", "dora-intermediate", "dora-final", "ftc-314", "us-ca", "us-ca-ag", "contract/brightcart"}, 30 * time.Minute},
		{incident.BackdoorDiscovery, "assist-llm@5", []string{
			"ai-73-2", "ai-73-3", "ai-73-4", "ai-73-6", "nis2-early", "nis2-notify", "nis2-interim", "nis2-final",
			"dora-initial", "dora-intermediate", "dora-final", "contract/brightcart"}, time.Hour},
	}
	for _, c := range cases {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			req := request(c.kind, c.asset)
			plan, err := newPlan(t, req)
			require.NoError(t, err)
			b := plan.Brief
			require.Equal(t, c.want, regimesOf(b.Clocks))
			require.Equal(t, req.DetectedAt.Add(c.next), b.NextBriefAt)
			require.Equal(t, []string{"leg-1", "leg-2", "exe-1"}, b.Profile.Owners)
			require.Empty(t, b.Anchors, "the engine sets no anchor")
			for _, clock := range b.Clocks {
				require.Equal(t, "leg-1", clock.Owner)
				require.True(t, clock.Provisional != clock.AnchorMissing, "%s is provisional, or its anchor is missing", clock.Regime)
			}

			// The brief travels through workflow history as JSON.
			raw, err := json.Marshal(b)
			require.NoError(t, err)
			var back playbooks.Brief
			require.NoError(t, json.Unmarshal(raw, &back))
			require.Equal(t, b, back)
		})
	}
}

func TestBriefStatesWhoAndWhatIsConcerned(t *testing.T) {
	t.Parallel()
	plan, err := newPlan(t, request(incident.DatasetCompromise, "loan-applications@2026-07-31"))
	require.NoError(t, err)
	b := plan.Brief
	require.Equal(t, []legal.Residents{{Jurisdiction: "DE", Count: 297000}, {Jurisdiction: "FR", Count: 98000}, {Jurisdiction: "US-CA", Count: 24000}}, b.Subjects.Residents)
	require.Equal(t, []string{"personal"}, b.Subjects.Categories)
	require.Contains(t, b.Systems, "credit-scorer in lending: consumer credit scoring and loan enquiries; criticality business; EU AI Act provider, class high, Annex III 5b")
	require.Contains(t, b.ThirdParties, "contract with brightcart: notice within 24 h")
	require.Contains(t, b.ThirdParties, "source of loan-applications: core-banking (feed)")
	require.NotEmpty(t, b.ModelExposure)
	require.Equal(t, plan.Playbook.Threat.ATLAS, b.ATLAS)
}

// Personal data that no system uses still start every clock of the environment, and only of that one.
func TestBriefOfDataThatNoSystemUses(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../testdata/inventory/nordwall.yaml")
	require.NoError(t, err)
	text := strings.Replace(string(raw), "\ndatasets:\n", `
datasets:
  - {id: hr-files, env: prod, owner: do-1, sources: [], sensitivity: special, subjects: {estimate: 300, by_jurisdiction: {DE: 300}},
     controller_role: controller, legal_basis: contract, retention: P7Y, encrypted: {kms: alias/hr}, erasure_supported: true}
`, 1)
	text = strings.Replace(text, "\ndataset_versions:\n", `
dataset_versions:
  - {id: hr-files@1, dataset: hr-files, root_digest: "sha256:036418faec431e50b99c29afa5950bf14be41a935ba4c3a7065e006a7d969e38",
     manifest: "s3://nordwall-data/hr/1/manifest.jsonl?versionId=m9", uri: "s3://nordwall-data/hr/1/?versionId=u9",
     writer: ingest-loans, created: "2026-04-30T22:00:00Z", parents: [], labelers: [], dq: [], verified: true, status: active}
`, 1)
	inv, err := inventory.Parse("nordwall.yaml", []byte(text))
	require.NoError(t, err)
	file, err := playbooks.BuiltIn().Load(incident.DatasetCompromise)
	require.NoError(t, err)
	plan, err := playbooks.NewPlan(file, inv, request(incident.DatasetCompromise, "hr-files@1"))
	require.NoError(t, err)
	require.Empty(t, plan.Radius.Models)
	require.Subset(t, regimesOf(plan.Brief.Clocks), []string{"gdpr-33-1", "gdpr-34", "nis2-early", "dora-initial", "contract/brightcart"})
	require.Contains(t, plan.Brief.Regimes, "GDPR Art. 33 (controller, lead authority DE)")
	require.Equal(t, []string{"leg-1", "leg-2", "exe-1"}, plan.Brief.Profile.Owners, "the counsel of staging is not asked")
}

func TestDrillOfACompanyWithoutDutiesOpensNoClock(t *testing.T) {
	t.Parallel()
	req := request(incident.BackdoorDiscovery, "credit-scorer-stg")
	req.Mode = incident.Drill
	plan, err := newPlan(t, req)
	require.NoError(t, err)
	require.Empty(t, plan.Brief.Clocks)
	require.True(t, plan.Brief.Profile.Drill)
}

func TestNextBriefSaysWhatChanged(t *testing.T) {
	t.Parallel()
	req := request(incident.DatasetCompromise, "loan-applications@2026-07-31")
	plan, err := newPlan(t, req)
	require.NoError(t, err)
	at := req.DetectedAt
	rec := &incident.Record{ID: "incident/x", Radius: plan.Radius, Verdict: incident.NotContained, Steps: []incident.Step{
		{Action: "endpoint.disable", Target: "credit-api", Role: incident.RoleContainment, Status: incident.Running},
		{Action: "legal.notify", Target: "#ir-legal", Role: incident.RoleNotification, Status: incident.Running},
	}}
	first := playbooks.FirstBrief(plan.Brief, rec, plan.Brief.Clocks, nil, at.Add(time.Minute))
	require.Zero(t, first.Version)
	require.Empty(t, first.Changes)
	require.Equal(t, []string{"endpoint.disable on credit-api (running)"}, first.Pending)
	require.Equal(t, at.Add(time.Minute), first.AsOf)

	anchors, err := legal.SetAnchor(nil, legal.AnchorSet{Anchor: legal.ClassifiedAt, At: at.Add(time.Hour), By: "leg-1", Role: "LEG", Reason: "major", RecordedAt: at.Add(2 * time.Hour)})
	require.NoError(t, err)
	anchors, err = legal.SetAnchor(anchors, legal.AnchorSet{Anchor: legal.AwareAt, At: at.Add(30 * time.Minute), By: "leg-1", Role: "LEG", Reason: "log", RecordedAt: at.Add(2 * time.Hour), Regimes: []string{"dora-initial"}})
	require.NoError(t, err)
	rec.Steps[0].Status, rec.Steps[0].Verified, rec.Steps[0].EndedAt, rec.Verdict = incident.Done, true, at.Add(time.Minute), incident.Contained
	next := playbooks.NextBrief(first, rec, legal.Recompute(first.Clocks, anchors), anchors, at.Add(2*time.Hour))
	require.Equal(t, 1, next.Version)
	require.Equal(t, []string{
		"Action taken: 2026-09-14T08:01:00Z endpoint.disable on credit-api",
		"State: [known] Containment, from the proofs alone: contained",
		"Anchor classified_at: 2026-09-14T09:00:00Z, by leg-1",
		"Anchor aware_at: 2026-09-14T08:30:00Z, by leg-1",
		"Clock: DORA, initial notification (dora-initial); from classified_at 2026-09-14T09:00:00Z; due 2026-09-14T13:00:00Z; owner leg-1; counsel confirms; before: running, 2026-09-14T12:00:00Z, provisional",
	}, next.Changes)
	require.Equal(t, at.Add(26*time.Hour), next.NextBriefAt)
	require.Equal(t, 0, first.Version, "the version before stays as it was")
	require.Empty(t, first.Anchors)
}

func TestRemindersHaveOneKeyEachDeadline(t *testing.T) {
	t.Parallel()
	req := request(incident.DatasetCompromise, "loan-applications@2026-07-31")
	plan, err := newPlan(t, req)
	require.NoError(t, err)
	plan.Brief.IncidentID = "incident/x"
	c := plan.Brief.Clocks[0]
	told := incident.Legal{Channel: "#ir-legal", TS: "1.2"}
	r := plan.NewReminder(c, 50, req.DetectedAt, told)
	require.Equal(t, "incident/x/clock/gdpr-33-1/2026-09-17T08:00:00Z/50", r.ID)
	require.Equal(t, "1.2", r.ThreadTS)
	require.Equal(t, []string{"U01LEG00001", "U01LEG00002"}, r.Mention)
	require.Equal(t, r.ID, plan.NewReminder(c, 50, req.DetectedAt.Add(time.Hour), told).ID)
	require.NotEqual(t, r.ID, plan.NewReminder(c, 75, req.DetectedAt, told).ID)
	c.Due = c.Due.Add(time.Hour)
	require.NotEqual(t, r.ID, plan.NewReminder(c, 50, req.DetectedAt, told).ID)
	require.Equal(t, "#ir-legal", plan.NewReminder(c, 50, req.DetectedAt, incident.Legal{}).Channel, "legal is reminded even if the brief never arrived")
}

func TestRecordedClocksHoldNoReasons(t *testing.T) {
	t.Parallel()
	req := request(incident.DatasetCompromise, "loan-applications@2026-07-31")
	plan, err := newPlan(t, req)
	require.NoError(t, err)
	clocks, err := legal.Dismiss(plan.Brief.Clocks, "ai-73-4", legal.Decision{By: "leg-1", Role: "LEG", Reason: "privileged analysis", At: req.DetectedAt})
	require.NoError(t, err)
	raw, err := json.Marshal(playbooks.RecordedClocks(clocks))
	require.NoError(t, err)
	require.Contains(t, string(raw), `"status":"dismissed"`)
	require.NotContains(t, string(raw), "privileged analysis")
}
