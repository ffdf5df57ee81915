package slackui

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

var update = flag.Bool("update", false, "write the golden files anew")

// record is an incident in the middle of its playbook.
func record() *incident.Record {
	at := func(minutes int) time.Time { return time.Date(2026, 9, 9, 20, minutes, 0, 0, time.UTC) }
	return &incident.Record{
		ID: "incident/dataset-compromise/loan-applications@2026-07-31", Kind: incident.DatasetCompromise, Asset: "loan-applications@2026-07-31",
		Mode: incident.Live, Requester: "alertmanager", Summary: "unexpected writer on s3://nordwall-data/loan-applications/ <!channel>",
		Severity: "SEV1", Confidence: 0.93, Facet: "integrity", Progress: incident.Responding, Verdict: incident.NotContained,
		Gaps: []string{"disable-endpoints: endpoint.disable on credit-batch is retrying: no answer"}, DetectedAt: at(0), OpenedAt: at(1), AlertCount: 3,
		Playbook: incident.PlaybookRef{File: "dataset-compromise.yaml", Title: "Training dataset compromised"}, PlanDigest: digest,
		Radius: incident.Radius{
			DatasetVersions: []string{"loan-applications@2026-07-31"}, Checkpoints: []string{"credit-scorer@17"}, Models: []string{"credit-scorer"},
			Endpoints: []string{"credit-api", "credit-batch"}, Writers: []string{"ci-registry-push"}, PersonalData: true, HighRisk: true,
			Unknown: []string{"credit-eval@2026-05-15"},
		},
		Steps: []incident.Step{
			{ID: "snapshot-datasets", Action: "dataset.snapshot", Target: "loan-applications@2026-07-31", Status: incident.Done, Verified: true},
			{ID: "disable-endpoints", Action: "endpoint.disable", Target: "credit-batch", Status: incident.Retrying, Reason: "no answer"},
		},
		Approvals: []incident.Approval{{
			Step: "approve-rollback", Title: "Roll back to the known-good checkpoint", Roles: []string{"MLO", "IC"}, Quorum: 2, PlanDigest: digest,
			Status: incident.ApprovalWaiting, AskedAt: at(2), ExpiresAt: at(32), Unlocks: []string{"rollback: checkpoint.rollback on credit-api"},
			Decisions: []incident.Decision{
				{Person: "mlo-1", Role: "MLO", Approve: true, Counted: true, At: at(3), Comment: "checked"},
				{Person: "sec-1", Approve: true, Reason: "SEC is not asked", At: at(4)},
			},
		}},
		Tasks: []incident.Task{{
			Step: "poison-scope", Title: "Find out which rows were altered", Assignee: "DO", Instructions: "Compare the rows with the signed manifest.",
			Outcomes: []string{"confirmed", "not_confirmed"}, Status: incident.TaskOpen, AskedAt: at(2), DueAt: at(62), Blocks: true,
		}},
		Waits: []incident.Wait{{Step: "hold", Title: "Watch the endpoints", Until: at(59)}},
		Clocks: []incident.Clock{
			{Regime: "gdpr-33", Title: "GDPR Art. 33(1)", Anchor: "aware_at", AnchorMissing: true, Status: "open", Owner: "leg-1"},
			{Regime: "dora", Title: "DORA initial notification", Anchor: "classified_at", Due: at(50), Provisional: true, Status: "open", Owner: "leg-1"},
		},
		Legal: incident.Legal{Channel: "#ir-legal", TS: "1789000000.000100", ToldAt: at(2)},
		Alerts: []incident.Alert{{
			Key: "a-1", Source: "alertmanager", Kind: "backdoor-discovery", Asset: "credit-scorer@99", Summary: "unknown checkpoint",
			StartsAt: at(0), ReceivedAt: at(1), RawURI: "s3://nordwall-evidence/triage/1?versionId=1", Fields: map[string]string{"digest": "sha256:00"},
		}},
		Timeline: []incident.Event{
			{At: at(1), What: "incident opened by alertmanager for loan-applications@2026-07-31"},
			{At: at(2), Step: "disable-endpoints", Target: "credit-api", What: "proved: GET probe from outside, 5 of 5 refused"},
		},
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	rec := record()
	all := buildAll(rec, Options{Link: Link("https://firebreak.nordwall.example/", rec.ID), Mention: []string{"U01MLO00001", "U01ICC00001"}})
	values := map[string]any{"home": all.home}
	for name, m := range all.messages {
		values[name] = m
	}
	for name, v := range all.modals {
		values["modal-"+name] = v
	}
	drill := record()
	drill.Mode = incident.Drill
	values["root-drill"] = Root(drill, Options{})
	closed := record()
	closed.Progress, closed.Verdict = incident.Closed, incident.ContainedWithGaps
	values["root-closed"] = Root(closed, Options{})
	granted := record()
	granted.Approvals[0].Status, granted.Approvals[0].DecidedAt = incident.ApprovalGranted, rec.OpenedAt
	values["approval-decided-0"] = ApprovalDecided(granted, &granted.Approvals[0])
	finished := record()
	task := &finished.Tasks[0]
	task.Status, task.Outcome, task.By, task.DoneAt = incident.TaskDone, "not_confirmed", "do-1", rec.OpenedAt
	values["task-done-0"] = TaskDone(finished, task)
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			encoder := json.NewEncoder(&got)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			require.NoError(t, encoder.Encode(v))
			file := filepath.Join("testdata", name+".json")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(file, got.Bytes(), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), got.String())
		})
	}
	if !*update {
		files, err := filepath.Glob("testdata/*.json")
		require.NoError(t, err)
		require.Len(t, files, len(values), "every golden file belongs to a message")
	}
}
