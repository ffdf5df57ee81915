package playbooks_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// leak is the built-in kind that no Go code knows.
const leak incident.Kind = "prompt-injection-leak"

func builtIn(t *testing.T, kind incident.Kind) *playbooks.Playbook {
	t.Helper()
	file, err := playbooks.BuiltIn().Load(kind)
	require.NoError(t, err)
	return file.Playbook
}

// steps returns the steps of a playbook by their ids.
func steps(pb *playbooks.Playbook) map[string]*playbooks.Step {
	out := map[string]*playbooks.Step{}
	pb.Walk(func(_ string, s *playbooks.Step) { out[s.ID] = s })
	return out
}

// Every step of the reference is in its playbook, named by its id in a title, and in no other playbook.
func TestEveryReferenceStepIsInItsPlaybook(t *testing.T) {
	t.Parallel()
	numbered := func(prefix string, n int) (ids []string) {
		for i := range n {
			ids = append(ids, fmt.Sprint(prefix, i+1))
		}
		return ids
	}
	prelude := numbered("P", 7)
	want := map[incident.Kind][]string{
		incident.BackdoorDiscovery: slices.Concat(prelude, numbered("A", 18)),
		incident.ExtractionEvent:   slices.Concat(prelude, numbered("B", 15), []string{"L0", "L1", "L2", "L3", "L4", "L5"}),
		incident.DatasetCompromise: slices.Concat(prelude, numbered("C", 18)),
		leak:                       nil,
	}
	id := regexp.MustCompile(`\b[ABCPL]\d+\b`)
	kinds, err := playbooks.BuiltIn().Kinds()
	require.NoError(t, err)
	require.ElementsMatch(t, slices.Collect(maps.Keys(want)), kinds)
	for _, kind := range kinds {
		found := map[string]bool{}
		builtIn(t, kind).Walk(func(_ string, s *playbooks.Step) {
			require.NotEmpty(t, s.Title, "%s of %s", s.ID, kind)
			for _, x := range id.FindAllString(s.Title, -1) {
				found[x] = true
			}
		})
		require.ElementsMatch(t, want[kind], slices.Collect(maps.Keys(found)), kind)
	}
}

func TestEveryBuiltInPlaybookSaysWhatItAnswers(t *testing.T) {
	t.Parallel()
	kinds, err := playbooks.BuiltIn().Kinds()
	require.NoError(t, err)
	tax := playbooks.Taxonomies()
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			pb := builtIn(t, kind)
			for name, text := range map[string]string{"scenario": pb.Threat.Scenario, "goal": pb.Threat.Goal, "impact": pb.Threat.Impact} {
				require.Greater(t, len(text), 40, name)
			}
			for name, list := range map[string][]string{"capabilities": pb.Threat.Capabilities, "assets": pb.Threat.Assets, "indicators": pb.Threat.Indicators} {
				require.GreaterOrEqual(t, len(list), 3, name)
			}
			require.NotEmpty(t, pb.Rating.Likelihood)
			require.NotEmpty(t, pb.Rating.Impact)
			for scheme, ids := range map[string][]string{"atlas": pb.Threat.ATLAS, "owasp": pb.Threat.OWASP, "nist_ai_rmf": pb.Threat.RMF, "csf": pb.Threat.CSF} {
				require.GreaterOrEqual(t, len(ids), 3, scheme)
				for _, id := range ids {
					require.NoError(t, tax.Check(scheme, id))
				}
			}
			years := strings.Join(pb.Threat.OWASP, " ")
			require.Contains(t, years, ":2025", "both renumberings of the OWASP list are named")
			require.Contains(t, years, ":2026", "both renumberings of the OWASP list are named")
		})
	}
}

// The approvals are those of the reference: who, how many, how long, what silence means and what needs no question.
func TestApprovalsAreThoseOfTheReference(t *testing.T) {
	t.Parallel()
	shared := "[SEC] 1 30m0s stay, auto: radius.shared_credentials is false"
	rung := "[IC] 1 168h0m0s stay, auto: "
	release := "[LEG] 1 4h0m0s stay, auto: radius.high_risk is false, or steps.serious-incident.outcome is not_suspected"
	want := map[incident.Kind]map[string]string{
		incident.BackdoorDiscovery: {
			"approve-containment": "[IC MLO] 1 15m0s proceed_with_lesser, auto: radius.criticality is safety, or incident.facet is malware, or incident.confidence >= 0.9",
			"approve-revocation":  shared,
			"approve-rollback":    "[MLO IC] 2 30m0s stay, auto: ",
			"release-rollback":    release,
			"approve-reopen":      "[IC] 1 4h0m0s stay, auto: ",
		},
		incident.ExtractionEvent: {
			"approve-observation": "[IC] 1 5m0s stay, auto: ",
			"approve-containment": "[IC MLO] 2 15m0s proceed_with_lesser, auto: radius.environment is staging",
			"approve-readers":     "[SEC IC] 1 15m0s escalate, auto: radius.environment is staging",
			"approve-suspension":  "[IC] 1 15m0s stay, auto: incident.confidence >= 0.9",
			"approve-paying":      "[IC MLO] 2 15m0s stay, auto: ",
			"approve-networks":    "[IC SRE] 2 30m0s stay, auto: ",
			"leave-l5":            rung, "leave-l4": rung, "leave-l3": rung, "leave-l2": rung, "leave-l1": rung,
		},
		incident.DatasetCompromise: {
			"approve-containment": "[MLO IC] 2 1h0m0s proceed_with_lesser, auto: radius.criticality is safety, or incident.confidence >= 0.9",
			"approve-suspension":  "[MLO] 1 10m0s proceed_with_lesser, auto: ",
			"approve-retraining":  "[MLO IC] 2 168h0m0s stay, auto: ",
			"approve-resumption":  "[DO] 1 168h0m0s stay, auto: ",
			"approve-revocation":  strings.Replace(shared, "[SEC]", "[SEC DO]", 1),
			"approve-repoint":     "[DO IC] 2 30m0s stay, auto: ",
			"approve-rollback":    "[MLO IC] 2 30m0s stay, auto: ",
			"release-rollback":    release,
			"approve-reopen":      "[IC] 1 4h0m0s stay, auto: ",
		},
	}
	for kind, approvals := range want {
		got := map[string]string{}
		builtIn(t, kind).Walk(func(_ string, s *playbooks.Step) {
			if a := s.Approval; a != nil {
				got[s.ID] = fmt.Sprintf("%v %d %s %s, auto: %s", a.Roles, a.Quorum, a.Timeout, a.OnTimeout, a.AutoWhen)
			}
		})
		require.Equal(t, approvals, got, kind)
	}
}

// The times that somebody outside relies on are kept; the others are marked in the playbook as our choice.
func TestTimesAreThoseOfTheReference(t *testing.T) {
	t.Parallel()
	prelude := map[string]time.Duration{"take-command": 5 * time.Minute, "confirm-screening": 15 * time.Minute}
	want := map[incident.Kind]map[string]time.Duration{
		incident.BackdoorDiscovery: {
			"legal-brief":  time.Hour,
			"watch-period": 7 * 24 * time.Hour, "watch-period-sev1": 14 * 24 * time.Hour, "review": 14 * 24 * time.Hour,
		},
		incident.ExtractionEvent: {"legal-brief-urgent": time.Hour, "legal-brief": 4 * time.Hour, "respawn-watch": 72 * time.Hour},
		incident.DatasetCompromise: {
			"pause-pipelines": 10 * time.Minute, "legal-brief-personal": 30 * time.Minute, "legal-brief": 4 * time.Hour, "exposure": 24 * time.Hour,
		},
	}
	for kind, times := range want {
		maps.Copy(times, prelude)
		by := steps(builtIn(t, kind))
		for id, due := range times {
			require.NotNil(t, by[id], "%s of %s", id, kind)
			require.Equal(t, due, by[id].Task.Due, "%s of %s", id, kind)
		}
	}
}

// A task tells somebody who was just woken up what to do and what to report: every outcome is named in its instructions,
// and each line of them is one instruction, so that it can be printed as a list.
func TestTasksSayWhatToReport(t *testing.T) {
	t.Parallel()
	kinds, err := playbooks.BuiltIn().Kinds()
	require.NoError(t, err)
	for _, kind := range kinds {
		builtIn(t, kind).Walk(func(_ string, s *playbooks.Step) {
			if s.Task == nil {
				return
			}
			require.Greater(t, len(s.Task.Instructions), 100, "%s of %s", s.ID, kind)
			require.Contains(t, s.Task.Instructions, "Report ", "%s of %s", s.ID, kind)
			for _, line := range strings.Split(s.Task.Instructions, "\n") {
				require.Regexp(t, `^\S.*[.:?`+"`"+`]$`, line, "%s of %s", s.ID, kind)
			}
			outcomes := s.Task.Outcomes
			if outcomes == nil {
				outcomes = s.Task.Reports()[:1]
			}
			for _, o := range outcomes {
				require.Contains(t, s.Task.Instructions, "`"+o+"`", "%s of %s", s.ID, kind)
			}
		})
	}
}

// Steps whose platform has no action in the catalogue are done by people, and say so.
func TestStepsWithoutAnActionSaySo(t *testing.T) {
	t.Parallel()
	want := map[incident.Kind][]string{
		incident.BackdoorDiscovery: {
			"hold-logs", "freeze-promotion", "serve-fallback", "contain-by-policy", "contain-host", "quarantine",
		},
		incident.ExtractionEvent: {
			"hold-logs", "capture-limits", "throttle-others", "weights-response", "stolen-keys", "step-up", "block-networks",
		},
		incident.DatasetCompromise: {
			"hold-logs", "pause-pipelines", "suspend-long-runs", "suspend-undecided-runs", "deny-write", "close-public-access", "preserve-records", "serve-fallback", "guard-endpoints",
			"revoke-labellers", "deny-read", "quarantine", "repoint",
		},
		leak: {"cut-tools", "guard-endpoints", "reopen-by-hand"},
	}
	for kind, ids := range want {
		var got []string
		builtIn(t, kind).Walk(func(_ string, s *playbooks.Step) {
			if s.Task != nil && strings.HasPrefix(s.Task.Instructions, "By hand: there is no action for ") {
				got = append(got, s.ID)
			}
		})
		require.ElementsMatch(t, ids, got, kind)
	}
}

// One message a playbook: briefs 1 and later are tasks of the people who answer for them.
func TestLegalIsToldOnceAndUnconditionally(t *testing.T) {
	t.Parallel()
	kinds, err := playbooks.BuiltIn().Kinds()
	require.NoError(t, err)
	for _, kind := range kinds {
		pb := builtIn(t, kind)
		var told []string
		pb.Walk(func(_ string, s *playbooks.Step) {
			if s.Action == "legal.notify" {
				told = append(told, s.ID)
			}
		})
		require.Equal(t, []string{"tell-legal"}, told, kind)
		require.Equal(t, "preserve", pb.Phases[0].ID, kind)
	}
}

// The fourth playbook uses every kind of step of the language, and its child is another of ours.
func TestACustomKindNeedsNoGo(t *testing.T) {
	t.Parallel()
	require.NotContains(t, incident.Kinds(), leak)
	var actions, approvals, tasks, waits int
	var children []incident.Kind
	pb := builtIn(t, leak)
	pb.Walk(func(_ string, s *playbooks.Step) {
		switch {
		case s.Action != "":
			actions++
		case s.Approval != nil:
			approvals++
		case s.Task != nil:
			tasks++
		case s.Wait != nil:
			waits++
		case s.Child != nil:
			children = append(children, s.Child.Kind)
		}
	})
	require.Positive(t, actions)
	require.Positive(t, approvals)
	require.Positive(t, tasks)
	require.Positive(t, waits)
	require.Equal(t, []incident.Kind{incident.ExtractionEvent}, children)
}

// A verdict that undoes containment, or on which recovery and the clocks rest, is that of two people of two roles.
func TestVerdictsAreThoseOfTwo(t *testing.T) {
	t.Parallel()
	want := map[incident.Kind]map[string]string{
		incident.BackdoorDiscovery: {"confirm": "MLO SEC", "exposure": "PRIV MLO"},
		incident.DatasetCompromise: {"poison-scope": "DO MLO", "exposure": "PRIV DO"},
	}
	for kind, tasks := range want {
		got := map[string]string{}
		builtIn(t, kind).Walk(func(_ string, s *playbooks.Step) {
			if s.Task != nil && len(s.Task.Countersign) > 0 {
				got[s.ID] = strings.Join(s.Task.Reporters(), " ")
			}
		})
		require.Equal(t, tasks, got, kind)
	}
}
