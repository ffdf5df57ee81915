package rehearsal_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/workflows/rehearsal"
)

// Each expectation of a case that passes is made wrong in turn. A case that could not fail would be worth nothing.
func TestWrongExpectationFails(t *testing.T) {
	t.Parallel()
	deny := "approve-rollback"
	tests := map[string]struct {
		change    func(*rehearsal.Case)
		what      string
		want, got string
	}{
		"verdict":  {func(c *rehearsal.Case) { c.Expect.Verdict = incident.NotContained }, "verdict", "not_contained", "contained"},
		"progress": {func(c *rehearsal.Case) { c.Expect.Progress = incident.Closed }, "progress", "closed", "settled"},
		"sequence": {func(c *rehearsal.Case) {
			c.Expect.Sequence = []rehearsal.Group{{"revoke-writers do"}, {"disable-endpoints/credit-api do"}}
		}, "sequence: disable-endpoints/credit-api do did not come in its place", "> disable-endpoints/credit-api do", "revoke-writers/ci-registry-push do"},
		"exact": {func(c *rehearsal.Case) { c.Expect.Exact = true }, "sequence (exact)", "disable-endpoints do", "+ snapshot-datasets/loan-applications@2026-07-31 capture"},
		"never": {func(c *rehearsal.Case) { c.Expect.Never = []string{"revoke-writers do"} }, "never", "revoke-writers do", "revoke-writers/ci-registry-push do at 30s"},
		"never, of a target that is not there": {func(c *rehearsal.Case) { c.Expect.Never = []string{"rollback/credit-apo"} }, "never", "rollback/credit-apo",
			`step rollback has no target "credit-apo"; it has: credit-api, credit-batch`},
		"undone": {func(c *rehearsal.Case) { c.Expect.Undone = []rehearsal.Group{{"disable-endpoints"}} }, "undone", "disable-endpoints", "- disable-endpoints"},
		"a gap":  {func(c *rehearsal.Case) { c.Expect.Gaps = []string{"revoke-writers"} }, "gaps", "revoke-writers", "(nothing)"},
		"no gaps": {func(c *rehearsal.Case) {
			c.Given = append(c.Given, unproved("snapshot-datasets"))
			c.Expect.Gaps = []string{}
		}, "gaps", "(nothing)", "snapshot-datasets: dataset.snapshot on"},
		"step":   {func(c *rehearsal.Case) { c.Expect.Steps = map[string]string{"rollback/credit-api": "done"} }, "step rollback/credit-api", "done", "skipped: approve-rollback: denied by ic-1"},
		"reason": {func(c *rehearsal.Case) { c.Expect.Steps["rollback"] = "skipped: denied by mlo-1" }, "step rollback/credit-api", "denied by mlo-1", "denied by ic-1"},
		"a target that is not there": {func(c *rehearsal.Case) { c.Expect.Steps = map[string]string{"rollback/assist-chat": "skipped"} }, "step rollback/assist-chat", "skipped",
			"it has no such target; it has: credit-api, credit-batch"},
		"approval":          {func(c *rehearsal.Case) { c.Expect.Approvals["approve-rollback"] = "granted" }, "approval approve-rollback", "granted", "denied"},
		"task":              {func(c *rehearsal.Case) { c.Expect.Tasks = map[string]string{"gate": "failed"} }, "task gate", "failed", "done / passed"},
		"clock":             {func(c *rehearsal.Case) { c.Expect.Clocks = map[string]string{"gdpr-33-1": "filed"} }, "clock gdpr-33-1", "filed", "running"},
		"timeline":          {func(c *rehearsal.Case) { c.Expect.Timeline = []string{"denied by mlo-1"} }, "timeline", "denied by mlo-1", "denied by ic-1 (IC)"},
		"failure":           {func(c *rehearsal.Case) { c.Expect.Fails = "not in the inventory" }, "fails", "not in the inventory", "it did not fail"},
		"a given never met": {func(c *rehearsal.Case) { c.Given = append(c.Given, unproved("reopen")) }, "given", "reopen/* verify is called", "never"},
		"a decision that is refused": {func(c *rehearsal.Case) {
			c.People = append(c.People, rehearsal.Act{As: "com-1", Deny: &deny, After: time.Minute})
		}, "people: com-1 deny approve-rollback", "accepted", "refused: com-1 (COM) holds none of the roles"},
		"a decision that is not refused": {func(c *rehearsal.Case) { c.People[0].Refused = "not in the inventory" }, "people: do-2 approve approve-revocation", "refused: not in the inventory", "accepted: granted"},
		"a decision that nobody asks for": {func(c *rehearsal.Case) {
			c.People = append(c.People, rehearsal.Act{As: "ic-1", Approve: ptr("approve-reopen"), After: time.Minute})
		}, "people: ic-1 approve approve-reopen", "it is asked for", "approve-reopen was never asked"},
		"a person who comes too late": {func(c *rehearsal.Case) {
			c.People = append(c.People, rehearsal.Act{As: "ic-1", Close: ptr("done"), HandOverClocks: true, At: 5 * time.Hour}, rehearsal.Act{As: "ic-1", Pause: ptr("wait"), At: 6 * time.Hour})
		}, "people: ic-1 pause wait", "accepted", "the incident had ended before"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := rehearsal.Load(filepath.Join(cases, "dataset-rollback-denied.yaml"))
			require.NoError(t, err)
			tt.change(c)
			res, err := rehearsal.Runner{}.Run(c)
			require.NoError(t, err)
			require.False(t, res.Passed())
			var all []string
			for _, m := range res.Mismatches {
				if m.What == tt.what && strings.Contains(m.Want, tt.want) && strings.Contains(m.Got, tt.got) {
					return
				}
				all = append(all, m.What+"\n want "+m.Want+"\n got "+m.Got)
			}
			require.Fail(t, "no such mismatch", strings.Join(all, "\n"))
		})
	}
}

func unproved(step string) rehearsal.Given {
	return rehearsal.Given{Step: step, Stage: "verify", Unproved: true}
}

func ptr(s string) *string { return &s }
