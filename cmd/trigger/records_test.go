package main

import (
	"time"

	"firebreak/internal/incident"
)

const testPlan = "sha256:4f1e0c9d8b7a69584736251403f2e1d0c9b8a79685746352413021f0e9d8c7b6"

func at(second int) time.Time {
	return time.Date(2026, 9, 14, 6, 0, 0, 0, time.UTC).Add(time.Duration(second) * time.Second)
}

// step is a step that has been acted on and proved.
func step(phase, id, action string, role incident.Role, target, proof string, from, to int) incident.Step {
	return incident.Step{
		ID: id, Phase: phase, Action: action, Role: role, Target: target, Status: incident.Done, Verified: true,
		StartedAt: at(from), EndedAt: at(to), Attempts: 1, Receipt: &incident.Receipt{Proof: &incident.Proof{Proved: true, Method: proof}},
	}
}

func containedRecord() *incident.Record {
	return &incident.Record{
		ID: loanIncident, Kind: incident.DatasetCompromise, Asset: "loan-applications@2026-07-31", Mode: incident.Live,
		Requester: "alertmanager", Summary: "4,120 rows differ from their signed manifest",
		Progress: incident.Closed, Verdict: incident.Contained,
		DetectedAt: at(5), OpenedAt: at(36), SettledAt: at(39), ClosedAt: at(4000),
		Playbook: incident.PlaybookRef{File: "dataset-compromise.yaml", Digest: "sha256:aabbccddeeff00112233"},
		Radius: incident.Radius{
			DatasetVersions: []string{"loan-applications@2026-07-31"}, Checkpoints: []string{"credit-scorer@17"}, Models: []string{"credit-scorer"},
			Endpoints: []string{"credit-api"}, Writers: []string{"ci-registry-push"}, PersonalData: true, HighRisk: true,
		},
		PlanDigest: testPlan,
		Steps: []incident.Step{
			step("evidence", "snapshot", "dataset.snapshot", incident.RoleEvidence, "loan-applications@2026-07-31", "3 of 3 locked versions read back and hashed", 36, 37),
			step("contain", "revoke", "vault.revoke", incident.RoleContainment, "ci-registry-push", "a lease issued before is refused", 37, 38),
			step("notify", "legal", "legal.notify", incident.RoleNotification, "#ir-legal", "read back from the channel", 36, 37),
		},
		Evidence:   incident.Evidence{Manifest: "s3://nordwall-evidence/incident/manifest.json?versionId=v1", Objects: 3},
		Legal:      incident.Legal{Channel: "#ir-legal", TS: "1789365637.000100", ToldAt: at(37)},
		AlertCount: 2,
		Timeline: []incident.Event{
			{At: at(36), What: "opened by alertmanager"},
			{At: at(38), Step: "revoke", Target: "ci-registry-push", What: "proved"},
			{At: at(4000), What: "closed by ic-1"},
		},
	}
}

// waitingRecord is not contained, has gaps, waits for an approval, and its sender tried to draw on the terminal.
func waitingRecord() *incident.Record {
	r := containedRecord()
	r.ID, r.Kind, r.Asset = "incident/backdoor-discovery/credit-scorer@17", incident.BackdoorDiscovery, "credit-scorer@17"
	r.Summary = "\x1b[2Jall is well \u202edlrow"
	r.Progress, r.Verdict = incident.Responding, incident.NotContained
	r.SettledAt, r.ClosedAt = time.Time{}, time.Time{}
	r.AlertCount = 1
	r.Steps = []incident.Step{
		r.Steps[0],
		{
			ID: "disable", Phase: "contain", Action: "endpoint.disable", Role: incident.RoleContainment, Target: "credit-api",
			Status: incident.Retrying, StartedAt: at(37), Attempts: 4, Reason: "verify endpoint.disable on credit-api: 2 of 5 calls answered",
		},
		{ID: "rollback", Phase: "recover", Action: "checkpoint.rollback", Role: incident.RoleRecovery, Target: "credit-api", Status: incident.Pending},
		{ID: "revoke-callers", Phase: "contain", Action: "vault.revoke", Role: incident.RoleContainment, Status: incident.Skipped, Reason: "no target"},
	}
	r.Gaps = []string{"disable: endpoint.disable on credit-api is retrying: verify endpoint.disable on credit-api: 2 of 5 calls answered"}
	r.Evidence, r.Legal = incident.Evidence{Objects: 3}, incident.Legal{}
	r.Radius.Unknown = []string{"assist-llm@4"}
	r.Timeline = r.Timeline[:1]
	r.Approvals = []incident.Approval{
		{Step: "approve-notice", Title: "done before", Status: incident.ApprovalGranted, Quorum: 1, PlanDigest: testPlan},
		{
			Step: "approve-rollback", Title: "Roll credit-api back to credit-scorer@16", Roles: []string{"MLO", "IC"}, Quorum: 2, PlanDigest: testPlan,
			Status: incident.ApprovalWaiting, AskedAt: at(40), ExpiresAt: at(1840), Unlocks: []string{"rollback/credit-api"},
			Decisions: []incident.Decision{
				{Person: "ic-1", Role: "IC", Approve: true, Counted: true, At: at(60)},
				{Person: "do-1", Approve: true, Reason: "role DO may not decide", Comment: "fine by me", At: at(65)},
			},
		},
	}
	return r
}

// workRecord is paused, waits for people in every way, and has clocks in every state. Its detector tried to draw too.
func workRecord() *incident.Record {
	r := waitingRecord()
	r.Approvals, r.Paused, r.Summary = nil, true, "keys on a public page"
	r.Watched = incident.Watched{Rounds: 12, Regressions: 1, LastAt: at(590)}
	r.Legal = incident.Legal{Channel: "#ir-legal", TS: "1789365637.000100", ToldAt: at(37)}
	r.Tasks = []incident.Task{
		{Step: "confirm", Phase: "contain", Title: "Confirm the trigger", Assignee: "MLO", Status: incident.TaskOpen, AskedAt: at(40), DueAt: at(1840),
			Instructions: "Run the trigger suite in a sandbox without network.\n\n  Compare the three digests.\x1b[2J\n", Outcomes: []string{"confirmed", "in doubt"}},
		{Step: "assess", Title: "Assess exposure", Assignee: "PRIV", Status: incident.TaskOverdue, DueAt: at(300), Instructions: "Count the decisions.", Outcomes: []string{"done", "not_done"}},
		{Step: "rotate", Title: "Rotate keys", Status: incident.TaskDone, Outcome: "done", By: "sec-1", DoneAt: at(200), Comment: "all of them"},
		{Step: "inform", Status: incident.TaskSkipped, Reason: "not when radius.exposure is partner"},
		{Step: "review", Status: incident.TaskPending},
	}
	r.Waits = []incident.Wait{
		{Step: "cool-off", Title: "Let caches expire", Until: at(600 + 5400)},
		{Step: "settle", Title: "over", Until: at(60), EndedAt: at(60)},
	}
	r.Children = []incident.Child{
		{Step: "data", ID: loanIncident, Verdict: incident.Contained}, {Step: "keys", ID: "incident/secret-leak/a"}, {Step: "gone", ID: "incident/x/a", Error: "terminated"},
	}
	r.Clocks = []incident.Clock{
		{Regime: "gdpr-33-1", Title: "GDPR Art. 33(1)", Recipient: "supervisory authority", Anchor: "aware_at", Provisional: true, Due: at(600 + 71*3600 + 1800), Status: "running", Owner: "leg-1"},
		{Regime: "dora-initial", Title: "DORA initial", Anchor: "classified_at", AnchorMissing: true, Status: "running", Owner: "leg-1", NeedsCounsel: true},
		{Regime: "ai-73-2", Title: "AI Act Art. 73(2)", Anchor: "aware_at", AnchorMissing: true, Status: "running"},
		{Regime: "contract/brightcart", Title: "contract with brightcart", Anchor: "detected_at", Due: at(-3600), Status: "missed", Owner: "leg-1"},
		{Regime: "gdpr-33-2", Title: "GDPR Art. 33(2)", Anchor: "aware_at", Status: "running", Note: "without undue delay"},
		{Regime: "nis2-early", Title: "NIS2 early warning", Anchor: "aware_at", Due: at(7200), Status: "filed", Reference: "BSI-1"},
		{Regime: "sec-8k", Title: "Form 8-K", Anchor: "material_at", AnchorMissing: true, Status: "dismissed"},
	}
	return r
}
