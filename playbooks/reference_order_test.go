package playbooks_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// order knows what of a playbook is over before a step begins.
type order struct {
	steps map[string]*playbooks.Step
	// place numbers what runs one after the other: the steps of one parallel set share a number.
	place map[string]int
	// aside maps the steps that run beside the others to their phase.
	aside map[string]string
}

func orderOf(pb *playbooks.Playbook) order {
	o := order{steps: steps(pb), place: map[string]int{}, aside: map[string]string{}}
	n := 0
	for _, ph := range pb.Phases {
		for i := range ph.Steps {
			n++
			o.place[ph.Steps[i].ID] = n
			for _, s := range ph.Steps[i].Parallel {
				o.place[s.ID] = n
			}
		}
	}
	pb.Walk(func(phase string, s *playbooks.Step) {
		if pb.Aside(phase) {
			o.aside[s.ID] = phase
		}
	})
	delete(o.place, "")
	return o
}

// before reports whether a certainly stands before b: it is earlier in the order, or b needs it or is its lesser.
func (o order) before(a, b string) bool {
	if o.place[a] < o.place[b] && (o.aside[a] == "" || o.aside[a] == o.aside[b]) {
		return true
	}
	if o.steps[b].LesserOf == a {
		return true
	}
	return slices.ContainsFunc(o.steps[b].Needs, func(need string) bool { return need == a || o.before(a, need) })
}

func TestStepsStandInTheOrderOfTheReference(t *testing.T) {
	t.Parallel()
	// Each list is a chain: every step is certainly before the next.
	want := map[incident.Kind][][]string{
		incident.BackdoorDiscovery: {
			{"check-alert", "check-targets", "closure"},
			{"snapshot-requests", "disable-endpoints"}, {"volatile-capture", "disable-endpoints"},
			{"snapshot-requests", "revoke-writers"}, {"freeze-promotion", "snapshot-checkpoints"},
			{"approve-containment", "disable-endpoints", "legal-brief"}, {"approve-revocation", "revoke-writers"},
			{"snapshot-checkpoints", "quarantine"}, {"closure", "quarantine"},
			{"snapshot-checkpoints", "confirm", "review-candidate", "gate", "approve-rollback", "rollback", "approve-reopen", "let-in-5", "let-in-25", "reopen", "watch-period", "review"},
			{"confirm", "root-cause"}, {"confirm", "exposure"}, {"confirm", "serious-incident", "release-rollback", "rollback"},
		},
		incident.ExtractionEvent: {
			{"check-targets", "expand-cluster", "throttle", "approve-observation", "observe", "disable-endpoints"},
			{"snapshot-requests", "revoke-callers"}, {"capture-limits", "stolen-keys"}, {"capture-limits", "suspend-accounts"},
			{"throttle", "block-networks"}, {"approve-containment", "revoke-callers"}, {"approve-containment", "disable-endpoints"}, {"snapshot-requests", "approve-readers", "revoke-readers"},
			{"snapshot-requests", "damage", "harden"}, {"revoke-callers", "respawn-watch", "follow-up", "review"},
			{"approve-suspension", "suspend-accounts", "damage"}, {"approve-paying", "suspend-paying"}, {"approve-networks", "block-networks"},
			{"throttle", "suspend-accounts"}, {"leave-l3", "lower-l3-paying", "hold-l2"}, {"leave-l3", "reinstate"},
			{"respawn-watch", "leave-l5", "lower-l5", "hold-l4", "leave-l4", "lower-l4", "hold-l3", "leave-l3", "lower-l3", "hold-l2", "leave-l2", "lower-l2", "hold-l1", "leave-l1", "lower-l1", "hold-l0"},
		},
		incident.DatasetCompromise: {
			{"deny-write", "snapshot-datasets", "deny-read"}, {"close-public-access", "snapshot-datasets"}, {"deny-write", "revoke-writers"},
			{"lineage", "quarantine"}, {"lineage", "disable-endpoints"}, {"approve-containment", "disable-endpoints"},
			{"deny-read", "exposure", "inform"}, {"snapshot-datasets", "poison-scope", "select-version", "approve-repoint", "repoint", "approve-resumption", "resume-pipelines"}, {"repoint", "approve-retraining", "retrain"},
			{"quarantine", "gate", "approve-rollback", "rollback", "approve-reopen", "reopen"}, {"poison-scope", "root-cause", "deletion", "review"}, {"root-cause", "approve-resumption"}, {"pause-pipelines", "approve-suspension", "suspend-long-runs"}, {"approve-suspension", "suspend-undecided-runs"},
			{"snapshot-checkpoints", "rollback"}, {"serious-incident", "release-rollback", "rollback"},
		},
	}
	for kind, chains := range want {
		o := orderOf(builtIn(t, kind))
		for _, chain := range chains {
			for i := range len(chain) - 1 {
				a, b := chain[i], chain[i+1]
				require.Contains(t, o.place, a, kind)
				require.Contains(t, o.place, b, kind)
				require.True(t, o.before(a, b), "%s: %s must stand before %s", kind, a, b)
				require.False(t, o.before(b, a), "%s: %s must not stand before %s", kind, b, a)
			}
		}
	}
}

// Containment waits neither for a person's report nor for evidence that fails: only for the approval that the reference
// asks. It is the same for the prelude: nobody's acknowledgement holds it up.
func TestContainmentWaitsForNothingElse(t *testing.T) {
	t.Parallel()
	kinds, err := playbooks.BuiltIn().Kinds()
	require.NoError(t, err)
	for _, kind := range kinds {
		o := orderOf(builtIn(t, kind))
		for id, s := range o.steps {
			a, ok := playbooks.FindAction(s.Action)
			if !ok || a.Role != incident.RoleContainment {
				continue
			}
			if s.LesserOf != "" {
				continue // it comes after the approval's time, by the model's own policy
			}
			if id != "revoke-readers" { // B4 is a branch of the reference's own, for weights alone
				require.Empty(t, s.When, "%s of %s", id, kind)
			}
			if s.Action == "consumer.throttle" {
				require.Empty(t, s.Needs, "L1 is automatic")
				continue
			}
			require.Len(t, s.Needs, 1, "%s of %s needs its approval alone", id, kind)
			require.NotNil(t, o.steps[s.Needs[0]].Approval, "%s of %s", id, kind)
			for earlier, e := range o.steps {
				if o.place[earlier] > o.place[id] || o.aside[earlier] != "" {
					continue
				}
				if a, evidence := playbooks.FindAction(e.Action); e.Budget > 0 || evidence && a.Role == incident.RoleEvidence && kind == incident.BackdoorDiscovery && o.place[earlier] < o.place[id] {
					require.Equal(t, 120*time.Second, e.Budget, "%s of %s waits for %s", id, kind, earlier)
				}
				require.False(t, e.Task != nil && e.Task.Blocks, "%s of %s waits for the report of %s", id, kind, earlier)
				if e.Wait != nil {
					require.Equal(t, "observe", earlier, "only B5 may put containment off")
				}
			}
		}
	}
}

// V2: no rollback without the receipts, the gate and the approvals.
func TestRollbackHasItsReceiptsItsGateAndItsApprovals(t *testing.T) {
	t.Parallel()
	want := map[incident.Kind][]string{
		incident.BackdoorDiscovery: {"approve-rollback", "release-rollback", "verify-candidate", "snapshot-checkpoints", "snapshot-requests", "disable-endpoints"},
		incident.DatasetCompromise: {"approve-rollback", "release-rollback", "verify-candidate", "snapshot-checkpoints", "snapshot-datasets", "disable-endpoints"},
	}
	for kind, needs := range want {
		by := steps(builtIn(t, kind))
		require.ElementsMatch(t, needs, by["rollback"].Needs, kind)
		reopen := []string{"approve-reopen", "rollback"}
		if kind == incident.BackdoorDiscovery {
			reopen = append(reopen, "let-in-25") // A13: traffic comes back by stages
		}
		require.ElementsMatch(t, reopen, by["reopen"].Needs, kind)
		for _, id := range []string{"approve-rollback", "release-rollback"} {
			require.Equal(t, []string{"gate"}, by[id].Needs, kind)
			require.Equal(t, "steps.gate.outcome is passed", by[id].When.String(), kind)
		}
		require.True(t, by["gate"].Task.Blocks, kind)
		require.Equal(t, "radius.known_good is true", by["gate"].When.String(), "%s: no candidate is a valid answer (V3)", kind)
	}
}

// V16: the verdict "false" undoes containment. It comes before recovery, and nothing else ends an incident by itself.
func TestOnlyAVerdictEndsAnIncident(t *testing.T) {
	t.Parallel()
	want := map[incident.Kind]map[string]string{
		incident.BackdoorDiscovery: {"confirm": "false"},
		incident.ExtractionEvent:   {"expand-cluster": "benign"},
		incident.DatasetCompromise: {"poison-scope": "false"},
		leak:                       {"confirm": "false"},
	}
	for kind, verdicts := range want {
		got := map[string]string{}
		builtIn(t, kind).Walk(func(_ string, s *playbooks.Step) {
			require.Empty(t, s.OnFailure, "%s of %s", s.ID, kind)
			if s.Task != nil && s.Task.FalsePositive != "" {
				got[s.ID] = s.Task.FalsePositive
			}
			if s.Approval != nil {
				require.NotEqual(t, playbooks.AbortOnTimeout, s.Approval.OnTimeout, "%s of %s: silence leaves things as they are", s.ID, kind)
			}
		})
		require.Equal(t, verdicts, got, kind)
	}
}

// V6: an extraction replaces no state. V13: observation is bounded and never offered where personal data may leak.
func TestExtractionHasNoRollbackAndABoundedObservation(t *testing.T) {
	t.Parallel()
	by := steps(builtIn(t, incident.ExtractionEvent))
	for id, s := range by {
		if a, ok := playbooks.FindAction(s.Action); ok {
			require.NotEqual(t, playbooks.ReplacesState, a.Effect, id)
			if a.Role == incident.RoleRecovery {
				require.Contains(t, []string{"consumer.unblock", "consumer.restore"}, s.Action, "the way down takes back what the way up did, and no more")
			}
		}
	}
	require.Equal(t, inventory.UnpaidConsumers, by["suspend-accounts"].Targets)
	require.Empty(t, by["approve-paying"].Approval.AutoWhen, "a paying or allow-listed tenant is suspended by people alone")
	require.LessOrEqual(t, by["observe"].Wait.For, 60*time.Minute)
	for _, id := range []string{"approve-observation", "observe"} {
		require.Equal(t, "radius.personal_data is false", by[id].When.String(), id)
	}
}

// V8: both branches of a dataset compromise are always opened, whatever facet the alert names.
func TestDatasetCompromiseOpensBothBranches(t *testing.T) {
	t.Parallel()
	o := orderOf(builtIn(t, incident.DatasetCompromise))
	for _, id := range []string{"exposure", "poison-scope"} {
		require.Empty(t, o.steps[id].When, id)
		require.Empty(t, o.steps[id].Needs, id)
	}
	require.False(t, o.steps["exposure"].Task.Blocks, "the confidentiality branch does not hold up the integrity branch")
	require.True(t, o.before("exposure", "poison-scope"), "a blocking verdict must not keep the other branch from being opened")
}
