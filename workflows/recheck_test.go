package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

const repeated = "incident/extraction-event/credit-api"

// contained is an incident that was closed as contained.
func contained(t *testing.T) incident.Record {
	t.Helper()
	w := newWorld(t, incident.ExtractionEvent, "credit-api")
	w.decide(time.Minute, "approve-containment", "ic-1", true, nil)
	w.decide(time.Minute, "approve-containment", "mlo-1", true, nil)
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.Contained, rec.Verdict, rec.Gaps)
	return rec
}

func recheck(t *testing.T, before incident.Record) *world {
	t.Helper()
	w := newWorld(t, incident.ExtractionEvent, "credit-api")
	w.req.Recheck = repeated
	w.before = before
	return w
}

func TestARepeatProvesAgainAndDoesNothing(t *testing.T) {
	t.Parallel()
	w := recheck(t, contained(t))
	w.steerAt(10*time.Minute, workflows.CompleteTaskUpdate, workflows.Steer{Person: "ic-1", Step: "recheck", Outcome: "explained", Reason: "an old rule"})
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.Contained, rec.Verdict, rec.Gaps)
	require.Zero(t, w.count("disable-endpoints/credit-api do"))
	require.Positive(t, w.count("disable-endpoints/credit-api verify"))
	require.Equal(t, "explained", rec.Tasks[len(rec.Tasks)-1].Outcome)
}

func TestAPersonCanRunThePlaybookAllTheSame(t *testing.T) {
	t.Parallel()
	w := recheck(t, contained(t))
	w.steerAt(10*time.Minute, workflows.CompleteTaskUpdate, workflows.Steer{Person: "ic-1", Step: "recheck", Outcome: "run_playbook"})
	w.decide(12*time.Minute, "approve-containment", "ic-1", true, nil)
	w.decide(12*time.Minute, "approve-containment", "mlo-1", true, nil)
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.Equal(t, incident.Contained, rec.Verdict, rec.Gaps)
	require.Equal(t, 1, w.count("disable-endpoints/credit-api do"))
}

func TestAFalsePositiveTakesBackNothingOfTheEarlierIncident(t *testing.T) {
	t.Parallel()
	w := recheck(t, contained(t))
	w.closeAt(time.Hour, true)
	rec := w.run()
	require.Equal(t, incident.FalsePositive, rec.Verdict)
	require.Zero(t, w.count("disable-endpoints/credit-api undo"))
}

func TestThePlaybookRunsUnlessContainmentHolds(t *testing.T) {
	t.Parallel()
	before := contained(t)
	other := before
	other.Verdict = incident.NotContained
	unknown := before
	unknown.Steps = append([]incident.Step(nil), before.Steps...)
	for i := range unknown.Steps {
		unknown.Steps[i].Target += "-renamed"
	}
	cases := []struct {
		name   string
		before incident.Record
		breaks func(*world)
		says   string
	}{
		{"a proof fails", before, func(w *world) { w.unproved["disable-endpoints/credit-api"] = true }, "containment does not hold; the playbook is run"},
		{"a proof cannot be had", before, func(w *world) {
			w.fail["disable-endpoints/credit-api verify"] = []func() error{down, down, down, works}
		}, "containment does not hold; the playbook is run"},
		{"it was not contained", other, func(*world) {}, repeated + " was closed as not_contained, so the playbook is run"},
		{"its targets are gone", unknown, func(*world) {}, "cannot be proved again: the plan has no such step or target now"},
		{"it cannot be read", before, func(w *world) { w.fail["previous "+repeated] = []func() error{down} },
			repeated + " was closed and cannot be read, so the playbook is run: connection refused"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := recheck(t, c.before)
			c.breaks(w)
			w.decide(2*time.Minute, "approve-containment", "ic-1", true, nil)
			w.decide(2*time.Minute, "approve-containment", "mlo-1", true, nil)
			w.closeAt(time.Hour, false)
			rec := w.run()
			require.Contains(t, texts(rec.Timeline), c.says)
			require.Positive(t, w.count("disable-endpoints/credit-api do"))
			require.Empty(t, rec.Tasks, "nobody is asked why")
		})
	}
}
