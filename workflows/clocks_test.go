package workflows_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/playbooks"
	"firebreak/workflows"
)

func clock(t *testing.T, rec incident.Record, regime string) incident.Clock {
	t.Helper()
	i := slices.IndexFunc(rec.Clocks, func(c incident.Clock) bool { return c.Regime == regime })
	require.GreaterOrEqual(t, i, 0, "no clock %s", regime)
	return rec.Clocks[i]
}

func reminders(w *world) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, c := range w.calls {
		if strings.HasPrefix(c, "remind ") {
			out = append(out, c)
		}
	}
	return out
}

func TestClocksStartProvisionallyAndAreReanchoredByLegal(t *testing.T) {
	t.Parallel()
	w := newSmall(t, disable())
	detected := w.Now().UTC().Truncate(time.Second)
	w.req.DetectedAt = detected
	aware := detected.Add(30 * time.Minute)
	outsider := w.steerAt(time.Hour, workflows.SetAnchorUpdate, workflows.Steer{Person: "ic-1", Anchor: "aware_at", At: aware, Reason: "x"})
	set := w.steerAt(2*time.Hour, workflows.SetAnchorUpdate, workflows.Steer{Person: "leg-1", Anchor: "aware_at", At: aware, Reason: "personal data were altered"})
	unknown := w.steerAt(3*time.Hour, workflows.SetAnchorUpdate, workflows.Steer{Person: "leg-1", Anchor: "noticed_at", At: aware, Reason: "x"})
	var first, second incident.Record
	w.at(30*time.Minute, func() { first = w.status() })
	w.at(150*time.Minute, func() { second = w.status() })
	w.closeAt(4*time.Hour, false)
	w.run()
	before, after := clock(t, first, "gdpr-33-1"), clock(t, second, "gdpr-33-1")
	require.True(t, before.Provisional)
	require.Equal(t, detected.Add(72*time.Hour), before.Due)
	require.False(t, after.Provisional)
	require.Equal(t, aware.Add(72*time.Hour), after.Due)
	require.Contains(t, outsider.Message, "ic-1 (IC) may not")
	require.True(t, set.Accepted, set.Message)
	require.Contains(t, unknown.Message, `anchor "noticed_at" is not known`)
}

func TestLegalIsRemindedAsTimePasses(t *testing.T) {
	t.Parallel()
	w := newSmall(t, playbooks.Step{ID: "tell-legal", Action: "legal.notify", Targets: "radius.stakeholders", Timeout: time.Minute}, disable())
	w.req.DetectedAt = w.Now().UTC()
	w.closeAt(73*time.Hour, false)
	rec := w.run()
	var gdpr []string
	for _, r := range reminders(w) {
		if strings.Contains(r, "/gdpr-33-1/") {
			gdpr = append(gdpr, r[strings.LastIndex(r, "/")+1:])
		}
	}
	require.Equal(t, []string{"25", "50", "75", "90", "100"}, gdpr)
	require.Equal(t, "missed", clock(t, rec, "gdpr-33-1").Status)
}

func TestFiledAndDismissedClocksRemindNoMore(t *testing.T) {
	t.Parallel()
	w := newSmall(t, disable())
	w.req.DetectedAt = w.Now().UTC()
	noReference := w.steerAt(time.Minute, workflows.FileClockUpdate, workflows.Steer{Person: "priv-1", Clock: "gdpr-33-1"})
	w.steerAt(2*time.Minute, workflows.FileClockUpdate, workflows.Steer{Person: "priv-1", Clock: "gdpr-33-1", Reference: "LDI-2026-77", Reason: "filed by portal"})
	w.at(3*time.Minute, func() {
		for _, c := range w.status().Clocks {
			if c.Regime != "gdpr-33-1" {
				w.update(workflows.DismissClockUpdate, nil, workflows.Steer{Person: "leg-1", Clock: c.Regime, Reason: "not in scope"})
			}
		}
	})
	w.at(time.Hour, func() {
		w.update(workflows.CloseIncidentUpdate, nil, workflows.CloseIncident{Person: "ic-1", Reason: "every clock ended"})
	})
	rec := w.run()
	require.False(t, noReference.Accepted)
	require.Equal(t, incident.Closed, rec.Progress)
	require.Equal(t, "LDI-2026-77", clock(t, rec, "gdpr-33-1").Reference)
	require.Empty(t, reminders(w))
}

func TestRunningClocksKeepTheIncidentOpen(t *testing.T) {
	t.Parallel()
	w := newSmall(t, disable())
	var refused workflows.DecisionOutcome
	w.at(time.Minute, func() {
		w.update(workflows.CloseIncidentUpdate, &refused, workflows.CloseIncident{Person: "ic-1", Reason: "done"})
	})
	w.closeAt(time.Hour, false)
	rec := w.run()
	require.False(t, refused.Accepted)
	require.Contains(t, refused.Message, "legal clocks still run")
	require.Contains(t, timeline(rec), "legal clocks are handed over to legal")
}

func TestBriefIsAcknowledgedByName(t *testing.T) {
	t.Parallel()
	for _, acknowledged := range []bool{true, false} {
		w := newWorld(t, incident.ExtractionEvent, "credit-api")
		w.decide(time.Second, "approve-containment", "ic-1", true, nil)
		w.decide(time.Second, "approve-containment", "mlo-1", true, nil)
		if acknowledged {
			w.steerAt(10*time.Minute, workflows.AcknowledgeBriefUpdate, workflows.Steer{Person: "lena@nordwall.example"})
		}
		w.closeAt(50*time.Minute, false)
		rec := w.run()
		require.Equal(t, !acknowledged, slices.Contains(reminders(w), "remind "+rec.ID+"/acknowledge"))
		if acknowledged {
			require.Equal(t, "leg-1", rec.Legal.AcknowledgedBy)
		}
	}
}
