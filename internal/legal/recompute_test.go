package legal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/legal"
)

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", s)
	require.NoError(t, err)
	return at
}

// set appends a finding of counsel.
func set(t *testing.T, anchors []legal.AnchorSet, anchor legal.Anchor, at time.Time, only ...string) []legal.AnchorSet {
	t.Helper()
	out, err := legal.SetAnchor(anchors, legal.AnchorSet{
		Anchor: anchor, At: at, By: "leg-1", Role: legal.RoleLegal, Reason: "found", RecordedAt: at.Add(time.Minute), Regimes: only,
	})
	require.NoError(t, err)
	return out
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	type finding struct {
		anchor legal.Anchor
		at     string
	}
	cases := []struct {
		name     string
		regime   string
		findings []finding
		due      string
		anchor   legal.Anchor
	}{
		{"DORA: classified soon after awareness: 4 h from classification", "dora-initial", []finding{{legal.AwareAt, "2026-09-14 10:00"}, {legal.ClassifiedAt, "2026-09-14 12:00"}}, "2026-09-14 16:00", legal.ClassifiedAt},
		{"DORA: classified almost a day later: 24 h from awareness win", "dora-initial", []finding{{legal.AwareAt, "2026-09-14 10:00"}, {legal.ClassifiedAt, "2026-09-15 09:00"}}, "2026-09-15 10:00", legal.AwareAt},
		{"DORA: classified more than a day later: the late rule", "dora-initial", []finding{{legal.AwareAt, "2026-09-14 10:00"}, {legal.ClassifiedAt, "2026-09-15 11:00"}}, "2026-09-15 15:00", legal.ClassifiedAt},
		{"DORA: classified exactly a day later", "dora-initial", []finding{{legal.AwareAt, "2026-09-14 10:00"}, {legal.ClassifiedAt, "2026-09-15 10:00"}}, "2026-09-15 10:00", legal.AwareAt},
		{"DORA: both limits alike", "dora-initial", []finding{{legal.AwareAt, "2026-09-14 10:00"}, {legal.ClassifiedAt, "2026-09-15 06:00"}}, "2026-09-15 10:00", legal.ClassifiedAt},
		{"DORA: the order of the findings does not matter", "dora-initial", []finding{{legal.ClassifiedAt, "2026-09-14 12:00"}, {legal.AwareAt, "2026-09-14 10:00"}}, "2026-09-14 16:00", legal.ClassifiedAt},
		{"SEC: material on a Thursday", "sec-8k-105", []finding{{legal.MaterialAt, "2026-09-17 15:00"}}, "2026-09-23 21:30", legal.MaterialAt},
		{"SEC: a holiday in between", "sec-8k-105", []finding{{legal.MaterialAt, "2026-09-03 15:00"}}, "2026-09-10 21:30", legal.MaterialAt},
		{"SEC: a holiday observed on a Friday", "sec-8k-105", []finding{{legal.MaterialAt, "2026-07-01 15:00"}}, "2026-07-08 21:30", legal.MaterialAt},
		{"SEC: material on a Saturday counts from the Monday", "sec-8k-105", []finding{{legal.MaterialAt, "2026-09-12 15:00"}}, "2026-09-17 21:30", legal.MaterialAt},
		{"SEC: Thursday evening in New York is Friday in UTC", "sec-8k-105", []finding{{legal.MaterialAt, "2026-09-18 02:00"}}, "2026-09-23 21:30", legal.MaterialAt},
		{"SEC: over the turn of the year", "sec-8k-105", []finding{{legal.MaterialAt, "2026-12-23 15:00"}}, "2026-12-30 21:30", legal.MaterialAt},
		{"GDPR over the end of summer time: 72 elapsed hours", "gdpr-33-1", []finding{{legal.AwareAt, "2026-10-24 12:00"}}, "2026-10-27 12:00", legal.AwareAt},
		{"GDPR over the start of summer time: 72 elapsed hours", "gdpr-33-1", []finding{{legal.AwareAt, "2027-03-27 12:00"}}, "2027-03-30 12:00", legal.AwareAt},
		{"GDPR: the last finding counts", "gdpr-33-1", []finding{{legal.AwareAt, "2026-09-14 12:00"}, {legal.AwareAt, "2026-09-14 18:00"}}, "2026-09-17 18:00", legal.AwareAt},
		{"HIPAA: an engineer knew on day 1, legal on day 5", "hipaa-404", []finding{{legal.DiscoveredAt, "2026-09-05 00:00"}, {legal.DiscoveredAt, "2026-09-01 00:00"}}, "2026-10-31 00:00", legal.DiscoveredAt},
		{"HIPAA: legal on day 5 does not move day 1", "hipaa-404", []finding{{legal.DiscoveredAt, "2026-09-01 00:00"}, {legal.DiscoveredAt, "2026-09-05 00:00"}}, "2026-10-31 00:00", legal.DiscoveredAt},
		{"HIPAA: a withdrawn day 1", "hipaa-404", []finding{{legal.DiscoveredAt, "2026-09-01 00:00"}, {legal.DiscoveredAt, ""}, {legal.DiscoveredAt, "2026-09-05 00:00"}}, "2026-11-04 00:00", legal.DiscoveredAt},
		{"AI Act: 15 days", "ai-73-2", []finding{{legal.AwareAt, "2026-09-20 09:00"}}, "2026-10-05 09:00", legal.AwareAt},
		{"anchor missing: the finding was withdrawn", "gdpr-33-1", []finding{{legal.AwareAt, "2026-09-14 12:00"}, {legal.AwareAt, ""}}, "", legal.AwareAt},
		{"anchor missing: not material yet", "sec-8k-105", []finding{{legal.MaterialAt, ""}}, "", legal.MaterialAt},
		{"anchor missing: DORA, both withdrawn", "dora-initial", []finding{{legal.AwareAt, ""}, {legal.ClassifiedAt, ""}}, "", legal.ClassifiedAt},
		{"anchor missing: nobody asked for an interim report", "nis2-interim", nil, "", legal.RequestedAt},
		{"anchor missing: not resolved", "gpai-55-1c-final", nil, "", legal.ResolvedAt},
		{"resolved", "gpai-55-1c-final", []finding{{legal.ResolvedAt, "2026-10-01 00:00"}}, "2026-11-30 00:00", legal.ResolvedAt},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var anchors []legal.AnchorSet
			for _, f := range c.findings {
				var at time.Time
				if f.at != "" {
					at = instant(t, f.at)
				}
				anchors = set(t, anchors, f.anchor, at)
			}
			got := clock(t, legal.Recompute(open(t, everything(), allData(), t0), anchors), c.regime)
			require.Equal(t, c.anchor, got.Anchor)
			require.False(t, got.Provisional)
			require.Equal(t, c.due == "", got.AnchorMissing)
			if c.due == "" {
				require.Zero(t, got.Due)
				require.Contains(t, got.Row(t0), "anchor missing")
				require.Contains(t, got.Row(t0), "no due time")
				return
			}
			require.Equal(t, instant(t, c.due), got.Due)
		})
	}
}

// With one of DORA's two anchors the deadline is what follows from it, and says that it is provisional.
func TestDORAWithOneAnchor(t *testing.T) {
	t.Parallel()
	clocks := open(t, everything(), allData(), t0)
	aware := clock(t, legal.Recompute(clocks, set(t, nil, legal.AwareAt, t0.Add(time.Hour))), "dora-initial")
	require.True(t, aware.Provisional)
	require.Equal(t, t0.Add(25*time.Hour), aware.Due)
	require.Contains(t, aware.Row(t0), "PROVISIONAL from aware_at, classified_at is missing")
	classified := clock(t, legal.Recompute(clocks, set(t, nil, legal.ClassifiedAt, t0.Add(time.Hour))), "dora-initial")
	require.True(t, classified.Provisional)
	require.Equal(t, t0.Add(5*time.Hour), classified.Due)
	require.Contains(t, classified.Row(t0), "aware_at is missing")
}

func TestAnAnchorMayHoldForSomeRegimesOnly(t *testing.T) {
	t.Parallel()
	anchors := set(t, nil, legal.AwareAt, t0.Add(time.Hour), "gdpr-33-1")
	clocks := legal.Recompute(open(t, everything(), allData(), t0), anchors)
	require.False(t, clock(t, clocks, "gdpr-33-1").Provisional)
	require.True(t, clock(t, clocks, "ai-73-2").Provisional, "to be aware of a breach is not to be aware of a serious incident")
}

func TestChains(t *testing.T) {
	t.Parallel()
	file := func(clocks []legal.Clock, regime, ref, at string) []legal.Clock {
		out, err := legal.File(clocks, regime, legal.Filing{Ref: ref, By: "leg-1", Role: "LEG", At: instant(t, at), RecordedAt: instant(t, at).Add(time.Hour)})
		require.NoError(t, err)
		return legal.Recompute(out, nil)
	}
	clocks := open(t, everything(), allData(), t0)
	require.True(t, clock(t, clocks, "dora-intermediate").AnchorMissing)

	clocks = file(clocks, "dora-initial", "D-1", "2026-09-14 13:00")
	require.Equal(t, legal.Filed, clock(t, clocks, "dora-initial").Status)
	require.Equal(t, instant(t, "2026-09-17 13:00"), clock(t, clocks, "dora-intermediate").Due)
	require.False(t, clock(t, clocks, "dora-intermediate").Provisional)
	require.True(t, clock(t, clocks, "dora-final").AnchorMissing)

	clocks = file(clocks, "dora-intermediate", "D-2", "2026-09-17 12:00")
	require.Equal(t, instant(t, "2026-10-17 12:00"), clock(t, clocks, "dora-final").Due)
	clocks = file(clocks, "dora-intermediate", "D-3", "2026-09-30 12:00")
	require.Equal(t, instant(t, "2026-10-30 12:00"), clock(t, clocks, "dora-final").Due, "one month after the latest intermediate report")

	clocks = file(clocks, "nis2-notify", "N-1", "2027-01-31 08:00")
	require.Equal(t, instant(t, "2027-02-28 08:00"), clock(t, clocks, "nis2-final").Due, "a month ends on the last day of a month that is shorter")
	clocks = file(clocks, "nis2-notify", "N-2", "2027-02-10 08:00")
	require.Equal(t, instant(t, "2027-02-28 08:00"), clock(t, clocks, "nis2-final").Due, "the first notification counts")
}

func TestMonthsOfTheCalendar(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"2027-01-31 08:00": "2027-02-28 08:00", "2028-01-31 08:00": "2028-02-29 08:00", "2026-12-15 00:30": "2027-01-15 00:30",
		"2026-10-31 23:59": "2026-11-30 23:59", "2027-02-28 12:00": "2027-03-28 12:00",
	}
	for filed, due := range cases {
		clocks, err := legal.File(open(t, everything(), allData(), t0), "nis2-notify", legal.Filing{Ref: "N", By: "priv-1", Role: "PRIV", At: instant(t, filed), RecordedAt: instant(t, filed)})
		require.NoError(t, err)
		require.Equal(t, instant(t, due), clock(t, legal.Recompute(clocks, nil), "nis2-final").Due, filed)
	}
}

// An update is due four weeks after the report, whichever was made, and again after each update.
func TestRepeatedUpdates(t *testing.T) {
	t.Parallel()
	clocks := open(t, everything(), allData(), t0)
	for i, step := range []struct{ regime, at, due string }{
		{"gpai-55-1c-security", "2026-09-18 00:00", "2026-10-16 00:00"},
		{"gpai-55-1c-updates", "2026-10-15 00:00", "2026-11-12 00:00"},
		{"gpai-55-1c-updates", "2026-11-20 00:00", "2026-12-18 00:00"},
	} {
		var err error
		clocks, err = legal.File(clocks, step.regime, legal.Filing{Ref: step.at, By: "leg-1", Role: "LEG", At: instant(t, step.at), RecordedAt: instant(t, step.at)})
		require.NoError(t, err)
		clocks = legal.Recompute(clocks, nil)
		c := clock(t, clocks, "gpai-55-1c-updates")
		require.Equal(t, legal.Running, c.Status)
		require.Equal(t, instant(t, step.due), c.Due, i)
	}
	filings := clock(t, clocks, "gpai-55-1c-updates").Filings
	require.False(t, filings[0].Late)
	require.True(t, filings[1].Late)
}

func TestBusinessDaysBeyondTheCalendar(t *testing.T) {
	t.Parallel()
	c := clock(t, legal.Recompute(open(t, everything(), allData(), t0), set(t, nil, legal.MaterialAt, instant(t, "2030-12-30 12:00"))), "sec-8k-105")
	require.Zero(t, c.Due, "no deadline is computed where the holidays are not known")
	require.Contains(t, c.Hint, "counsel counts")
}

// The annual notice to HHS counts from the end of the year.
func TestYearEnd(t *testing.T) {
	t.Parallel()
	few := legal.Data{Categories: []string{"phi"}, Subjects: 12}
	c := clock(t, open(t, everything(), few, t0), "hipaa-408-annual")
	require.Equal(t, instant(t, "2027-03-02 00:00"), c.Due)
}

// Recompute and the decisions change nothing that they were given.
func TestNothingIsChangedInPlace(t *testing.T) {
	t.Parallel()
	clocks := open(t, everything(), allData(), t0)
	want := open(t, everything(), allData(), t0)
	anchors := set(t, nil, legal.AwareAt, t0)
	_ = legal.Recompute(clocks, anchors)
	_, err := legal.Dismiss(clocks, "gdpr-34", legal.Decision{By: "leg-1", Role: "LEG", Reason: "no high risk", At: t0})
	require.NoError(t, err)
	_, err = legal.File(clocks, "gdpr-33-1", legal.Filing{Ref: "r", By: "leg-1", Role: "LEG", At: t0, RecordedAt: t0})
	require.NoError(t, err)
	_ = legal.Escalate(clocks, 0, 25, t0)
	_ = legal.Sorted(clocks)
	require.Equal(t, want, clocks)
	more := set(t, anchors, legal.ClassifiedAt, t0)
	require.Len(t, anchors, 1)
	require.Len(t, more, 2)
}
