package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/workflows"
)

func TestSteering(t *testing.T) {
	t.Parallel()
	yes := workflows.DecisionOutcome{Accepted: true, Message: "done"}
	tests := map[string]struct {
		args string
		want steered
	}{
		"pause":              {"pause INCIDENT --as ic-1 --reason why", steered{workflows.PauseIncidentUpdate, workflows.Steer{Person: "ic-1", Reason: "why"}}},
		"resume":             {"resume INCIDENT --as ic-1", steered{workflows.ResumeIncidentUpdate, workflows.Steer{Person: "ic-1"}}},
		"resume, with why":   {"resume INCIDENT --as ic-1 --reason why", steered{workflows.ResumeIncidentUpdate, workflows.Steer{Person: "ic-1", Reason: "why"}}},
		"skip":               {"skip INCIDENT rollback --as ic-1 --reason why", steered{workflows.SkipStepUpdate, workflows.Steer{Person: "ic-1", Reason: "why", Step: "rollback"}}},
		"skip a target":      {"skip INCIDENT rollback --target a --as ic-1 --reason why", steered{workflows.SkipStepUpdate, workflows.Steer{Person: "ic-1", Reason: "why", Step: "rollback", Target: "a"}}},
		"retry":              {"retry INCIDENT revoke --target a --as ic-1", steered{workflows.RetryStepUpdate, workflows.Steer{Person: "ic-1", Step: "revoke", Target: "a"}}},
		"add a target":       {"add-target INCIDENT credit-scorer@16 --as ic-1 --reason why", steered{workflows.AddTargetUpdate, workflows.Steer{Person: "ic-1", Reason: "why", Asset: "credit-scorer@16"}}},
		"abort":              {"abort INCIDENT --as ic-1 --reason why", steered{workflows.AbortIncidentUpdate, workflows.Steer{Person: "ic-1", Reason: "why"}}},
		"abort and undo":     {"abort INCIDENT --as ic-1 --reason why --undo", steered{workflows.AbortIncidentUpdate, workflows.Steer{Person: "ic-1", Reason: "why", Undo: true}}},
		"report a task":      {"task INCIDENT confirm confirmed --as mlo-1 --comment seen", steered{workflows.CompleteTaskUpdate, workflows.Steer{Person: "mlo-1", Reason: "seen", Step: "confirm", Outcome: "confirmed"}}},
		"end a wait":         {"end-wait INCIDENT cool-off --as ic-1 --reason why", steered{workflows.EndWaitUpdate, workflows.Steer{Person: "ic-1", Reason: "why", Step: "cool-off"}}},
		"set an anchor":      {"clock set-anchor INCIDENT aware_at 2026-09-14T11:30:00+02:00 --as leg-1 --reason why", steered{workflows.SetAnchorUpdate, workflows.Steer{Person: "leg-1", Reason: "why", Anchor: "aware_at", At: time.Date(2026, 9, 14, 9, 30, 0, 0, time.UTC)}}},
		"set it for one":     {"clock set-anchor INCIDENT aware_at 2026-09-14T09:30:00Z --regime gdpr-33-1 --as leg-1 --reason why", steered{workflows.SetAnchorUpdate, workflows.Steer{Person: "leg-1", Reason: "why", Anchor: "aware_at", Clock: "gdpr-33-1", At: time.Date(2026, 9, 14, 9, 30, 0, 0, time.UTC)}}},
		"dismiss a clock":    {"clock dismiss INCIDENT gdpr-33-1 --as priv-1 --reason why", steered{workflows.DismissClockUpdate, workflows.Steer{Person: "priv-1", Reason: "why", Clock: "gdpr-33-1"}}},
		"record a filing":    {"clock file INCIDENT contract/brightcart --reference R-1 --at 2026-09-14T09:30:00Z --as leg-1", steered{workflows.FileClockUpdate, workflows.Steer{Person: "leg-1", Clock: "contract/brightcart", Reference: "R-1", At: time.Date(2026, 9, 14, 9, 30, 0, 0, time.UTC)}}},
		"a filing just made": {"clock file INCIDENT gdpr-33-1 --reference R-1 --as leg-1", steered{workflows.FileClockUpdate, workflows.Steer{Person: "leg-1", Clock: "gdpr-33-1", Reference: "R-1"}}},
		"acknowledge":        {"acknowledge INCIDENT --as leg-1", steered{workflows.AcknowledgeBriefUpdate, workflows.Steer{Person: "leg-1"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.want.Via = "cli"
			args := strings.Fields(strings.Replace(tt.args, "INCIDENT", "backdoor-discovery/credit-scorer@17", 1))

			f := desks(waitingRecord())
			f.outcome = yes
			got := invoke(t, f, "", nil, args...)
			require.Equal(t, exitOK, got.code, got.stderr)
			require.Equal(t, "done\n", got.stdout)
			require.Equal(t, []steered{tt.want}, f.steered)

			f.outcome = workflows.DecisionOutcome{Message: "do-1 (DO) may not"}
			got = invoke(t, f, "", nil, args...)
			require.Equal(t, exitRefused, got.code)
			require.Contains(t, got.stderr, "refused: do-1 (DO) may not")

			got = invoke(t, desks(), "", nil, args...)
			require.Equal(t, exitConflict, got.code)
			require.Contains(t, got.stderr, "there is no open incident "+scorerIncident)
		})
	}
}

func TestSteeringUsage(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ args, text string }{
		"nobody":                {"pause extraction-event/a --reason why", `required flag(s) "as" not set`},
		"no why":                {"abort extraction-event/a --as ic-1", `required flag(s) "reason" not set`},
		"empty why":             {"skip extraction-event/a step --as ic-1 --reason=", "--reason is empty"},
		"no step":               {"skip extraction-event/a --as ic-1 --reason why", "accepts 2 arg(s), received 1"},
		"no outcome":            {"task extraction-event/a confirm --as mlo-1", "accepts 3 arg(s), received 2"},
		"not an incident":       {"pause credit-api --as ic-1 --reason why", "want incident/KIND/ASSET"},
		"an asset with control": {"add-target extraction-event/a b\x07 --as ic-1 --reason why", "want an id of the inventory"},
		"unknown anchor":        {"clock set-anchor extraction-event/a knew_at 2026-09-14T09:30:00Z --as leg-1 --reason why", `anchor "knew_at": want one of occurred_at_est, aware_at`},
		"the engine's anchor":   {"clock set-anchor extraction-event/a detected_at 2026-09-14T09:30:00Z --as leg-1 --reason why", `anchor "detected_at"`},
		"a time of day":         {"clock set-anchor extraction-event/a aware_at 09:30 --as leg-1 --reason why", `TIME "09:30": want an RFC 3339 time`},
		"no reference":          {"clock file extraction-event/a gdpr-33-1 --as leg-1", "--reference is empty"},
		"filed when":            {"clock file extraction-event/a gdpr-33-1 --reference R --at yesterday --as leg-1", `--at "yesterday"`},
		"unknown clock verb":    {"clock stop extraction-event/a", "unknown command"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, nil, "", nil, strings.Fields(tt.args)...)
			require.Equal(t, exitUsage, got.code, got.stderr)
			require.Contains(t, got.stderr, tt.text)
		})
	}
}

// An incident of a kind that this program has never heard of can be followed and steered all the same.
func TestCustomKindsCanBeSteered(t *testing.T) {
	t.Parallel()
	r := waitingRecord()
	r.ID, r.Kind = "incident/secret-leak/assist-chat", "secret-leak"
	f := desks(r)
	got := invoke(t, f, "", nil, "pause", "secret-leak/assist-chat", "--as", "ic-1", "--reason", "why")
	require.Equal(t, exitOK, got.code, got.stderr)
	got = invoke(t, f, "", nil, "status", "secret-leak/assist-chat")
	require.Contains(t, got.stdout, "incident/secret-leak/assist-chat")
}
