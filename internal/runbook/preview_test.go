package runbook

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

func preview(t *testing.T, change func(*incident.Request)) *Preview {
	t.Helper()
	p, err := NewPreview(fixture(), company(t), request(change))
	require.NoError(t, err)
	require.Regexp(t, "^sha256:[0-9a-f]{64}$", p.PlanDigest)
	require.Equal(t, company(t).Digest(), p.InventoryDigest)
	p.PlanDigest, p.InventoryDigest = "sha256:4f1e", "sha256:9a0b"
	return p
}

func TestPreviewText(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	require.NoError(t, preview(t, nil).WriteText(&b))
	golden(t, "preview.txt", b.String())

	b.Reset()
	require.NoError(t, preview(t, func(r *incident.Request) {
		r.Severity, r.Confidence, r.Facet, r.Requester = "SEV1", 0.95, "both", ""
	}).WriteText(&b))
	golden(t, "preview-certain.txt", b.String())
}

func TestPreviewJSON(t *testing.T) {
	t.Parallel()
	raw, err := json.MarshalIndent(preview(t, nil), "", "  ")
	require.NoError(t, err)
	golden(t, "preview.json", string(raw)+"\n")
}

func TestPreviewFollowsWhatIsKnown(t *testing.T) {
	t.Parallel()
	find := func(p *Preview, id string) PreviewStep {
		i := slices.IndexFunc(p.Steps, func(s PreviewStep) bool { return s.ID == id })
		require.GreaterOrEqual(t, i, 0)
		return p.Steps[i]
	}
	p := preview(t, nil)
	require.Equal(t, "runs only when incident.facet is confidentiality or both; incident.facet is not known", find(p, "extraction").Skipped)
	require.Equal(t, "needs extraction, which is skipped", find(p, "after-extraction").Skipped)
	require.Equal(t, "nothing in the blast radius to act on", find(p, "revoke-callers").Skipped)
	require.Equal(t, "steps.confirm.outcome is inconclusive", find(p, "cool-off").Depends)
	require.Empty(t, find(p, "disable-lesser").Skipped)

	p = preview(t, func(r *incident.Request) { r.Facet, r.Confidence = "both", 0.9 })
	require.Empty(t, find(p, "extraction").Skipped)
	require.Empty(t, find(p, "after-extraction").Skipped)
	require.Contains(t, find(p, "disable-lesser").Skipped, "granted without asking")
}

func TestForecastOfSkippedSteps(t *testing.T) {
	t.Parallel()
	f := &forecast{facts: playbooks.Facts{"incident.severity": {"SEV2"}}}
	f.skipped(&playbooks.Step{ID: "act", Action: "endpoint.disable"})
	f.skipped(&playbooks.Step{ID: "ask", Approval: &playbooks.Approval{}})
	f.skipped(&playbooks.Step{ID: "look", Task: &playbooks.Task{}})
	tests := map[string]struct {
		condition playbooks.Condition
		want      outlook
	}{
		"no condition":                {nil, holds},
		"a skipped action":            {playbooks.Condition{{is("steps.act.status", "skipped")}}, holds},
		"it was not done":             {playbooks.Condition{{is("steps.act.status", "done")}}, cannotHold},
		"a skipped approval":          {playbooks.Condition{{is("steps.ask.outcome", "not_asked", "denied")}}, holds},
		"a skipped task":              {playbooks.Condition{{is("steps.look.outcome", "done")}}, cannotHold},
		"a step that may run":         {playbooks.Condition{{is("steps.later.outcome", "done")}}, depends},
		"and what cannot hold":        {playbooks.Condition{{is("steps.later.outcome", "done"), is("incident.severity", "SEV1")}}, cannotHold},
		"or what holds":               {playbooks.Condition{{is("steps.later.outcome", "done")}, {is("incident.severity", "SEV2")}}, holds},
		"a reference that is unknown": {playbooks.Condition{{is("incident.facet", "api")}}, cannotHold},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, f.condition(tt.condition))
		})
	}
}

func TestPreviewWithoutKnownGood(t *testing.T) {
	t.Parallel()
	inv := company(t)
	inv.Checkpoint("scorer@2").Status = "quarantined"
	p, err := NewPreview(fixture(), inv, request(nil))
	require.NoError(t, err)
	require.Equal(t, []Choice{{Model: "scorer", Endpoints: []string{"credit-api"}, Rejected: []string{
		"scorer@1: signed after its key ceased to be trusted", "scorer@2: status is quarantined", "scorer@3: in the blast radius",
	}}}, p.KnownGood)
	last := p.Steps[len(p.Steps)-1]
	require.Equal(t, "needs rollback, which is skipped", last.Skipped)
	require.Equal(t, "no step would follow from it", p.Approvals[3].NotAsked)
	require.Contains(t, p.Steps[len(p.Steps)-2].Without[0], "it stays contained")
}

func TestPreviewRefusesWhatAnIncidentWouldRefuse(t *testing.T) {
	t.Parallel()
	_, err := NewPreview(fixture(), company(t), request(func(r *incident.Request) { r.Asset = "loans@2027" }))
	require.ErrorContains(t, err, `asset "loans@2027" is not in the inventory`)
	_, err = NewPreview(fixture(), company(t), request(func(r *incident.Request) { r.Mode = incident.Drill }))
	require.ErrorContains(t, err, "which a drill incident may not touch")
}

func TestQuorumThatCannotBeReached(t *testing.T) {
	t.Parallel()
	approval := func(quorum int, roles ...string) *playbooks.Approval {
		return &playbooks.Approval{Roles: roles, Quorum: quorum, Timeout: time.Minute, OnTimeout: playbooks.Stay}
	}
	tests := map[string]struct {
		approval *playbooks.Approval
		people   func([]inventory.Person) []inventory.Person
		problem  string
	}{
		"two roles, several people": {approval(2, "MLO", "DO"), nil, ""},
		"nobody holds the role":     {approval(1, "PRIV"), nil, "too few people of different roles may decide: it can only time out"},
		"one person for both roles": {approval(2, "IC", "EXE"), func(p []inventory.Person) []inventory.Person {
			return []inventory.Person{{ID: "ic-1", Role: "IC", Deputy: "exe-1"}, {ID: "exe-1", Role: "DO"}, {ID: "x", Role: "EXE", Deputy: "x"}}[:2]
		}, "too few people of different roles may decide: it can only time out"},
		"a deputy frees a role": {approval(2, "IC", "EXE"), func([]inventory.Person) []inventory.Person {
			return []inventory.Person{{ID: "ic-1", Role: "IC", Deputy: "exe-1"}, {ID: "exe-1", Role: "EXE"}}
		}, ""},
		"enough only after escalation": {&playbooks.Approval{
			Roles: []string{"PRIV"}, Quorum: 1, Timeout: time.Minute, OnTimeout: playbooks.Escalate, EscalateTo: []string{"EXE"},
		}, nil, "too few people of different roles may decide before it escalates"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inv, file := company(t), fixture()
			if tt.people != nil {
				inv.People = tt.people(inv.People)
			}
			file.Playbook.Phases[2].Steps[1].Approval = tt.approval
			p, err := NewPreview(file, inv, request(nil))
			require.NoError(t, err)
			require.Equal(t, tt.problem, p.Approvals[3].Problem)
		})
	}
}

// A preview must not be able to reach anything: none of the packages it is made of can open a connection.
func TestPackageCannotReachTheNetwork(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	deps := strings.Fields(string(out))
	require.Contains(t, deps, "firebreak/playbooks")
	for _, banned := range []string{"net", "net/http", "os/exec", "go.temporal.io/sdk/client"} {
		require.NotContains(t, deps, banned)
	}
}
