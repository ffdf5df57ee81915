package legal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/legal"
)

func TestOnlyLegalAndPrivacyDecide(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"LEG", "PRIV"} {
		require.NoError(t, legal.Check(role))
	}
	for _, role := range []string{"IC", "SEC", "MLO", "DO", "SRE", "COM", "EXE", "", "leg", "engine"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			clocks := open(t, everything(), allData(), t0)
			d := legal.Decision{By: "x", Role: role, Reason: "r", At: t0}
			_, err := legal.SetAnchor(nil, legal.AnchorSet{Anchor: legal.AwareAt, At: t0, By: "x", Role: role, Reason: "r", RecordedAt: t0})
			require.ErrorContains(t, err, "may not decide on legal clocks; LEG and PRIV may")
			_, err = legal.Dismiss(clocks, "gdpr-33-1", d)
			require.ErrorContains(t, err, "may not decide")
			_, err = legal.File(clocks, "gdpr-33-1", legal.Filing{Ref: "r", By: "x", Role: role, At: t0, RecordedAt: t0})
			require.ErrorContains(t, err, "may not decide")
			_, err = legal.SetTarget(clocks, "gdpr-34", t0.Add(time.Hour), d)
			require.ErrorContains(t, err, "may not decide")
			_, err = legal.RecordDelay(clocks, "gdpr-33-1", legal.Delay{Decision: d})
			require.ErrorContains(t, err, "may not decide")
		})
	}
}

func TestRefusedFindings(t *testing.T) {
	t.Parallel()
	good := legal.AnchorSet{Anchor: legal.AwareAt, At: t0, By: "leg-1", Role: "LEG", Reason: "log", RecordedAt: t0}
	cases := map[string]struct {
		change func(*legal.AnchorSet)
		want   string
	}{
		"nobody":           {func(s *legal.AnchorSet) { s.By = "" }, "needs a person"},
		"no reason":        {func(s *legal.AnchorSet) { s.Reason = "" }, "needs a reason"},
		"the first signal": {func(s *legal.AnchorSet) { s.Anchor = legal.DetectedAt }, "detected_at is the time of the first signal"},
		"a filing":         {func(s *legal.AnchorSet) { s.Anchor = legal.FiledAt }, "filed_at is set by recording a filing"},
		"unknown":          {func(s *legal.AnchorSet) { s.Anchor = "felt_at" }, `anchor "felt_at" is not known`},
		"in the future":    {func(s *legal.AnchorSet) { s.At = t0.Add(time.Second) }, "is in the future"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good
			c.change(&s)
			before := []legal.AnchorSet{good}
			after, err := legal.SetAnchor(before, s)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, before, after)
		})
	}
}

func TestRefusedFilings(t *testing.T) {
	t.Parallel()
	good := legal.Filing{Ref: "SA-1", By: "leg-1", Role: "LEG", At: t0, RecordedAt: t0}
	cases := map[string]struct {
		regime string
		change func(*legal.Filing)
		want   string
	}{
		"no reference":      {"gdpr-33-1", func(f *legal.Filing) { f.Ref = "" }, "needs the reference"},
		"nobody":            {"gdpr-33-1", func(f *legal.Filing) { f.By = "" }, "needs a person"},
		"no time":           {"gdpr-33-1", func(f *legal.Filing) { f.At = time.Time{} }, "needs the time at which it was made"},
		"in the future":     {"gdpr-33-1", func(f *legal.Filing) { f.At = t0.Add(time.Second) }, "not later than now"},
		"unknown clock":     {"gdpr-99", func(*legal.Filing) {}, `has no clock "gdpr-99"`},
		"a dismissed clock": {"gdpr-34", func(*legal.Filing) {}, "is dismissed"},
		"the same twice":    {"nis2-early", func(*legal.Filing) {}, "is recorded already"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clocks, err := legal.Dismiss(open(t, everything(), allData(), t0), "gdpr-34", legal.Decision{By: "leg-1", Role: "LEG", Reason: "r", At: t0})
			require.NoError(t, err)
			clocks, err = legal.File(clocks, "nis2-early", good)
			require.NoError(t, err)
			f := good
			c.change(&f)
			after, err := legal.File(clocks, c.regime, f)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, clocks, after)
		})
	}
}

func TestFiledAndDismissedClocksStand(t *testing.T) {
	t.Parallel()
	clocks := open(t, everything(), allData(), t0)
	clocks, err := legal.File(clocks, "gdpr-33-1", legal.Filing{Ref: "SA-1", By: "leg-1", Role: "LEG", At: t0.Add(73 * time.Hour), RecordedAt: t0.Add(74 * time.Hour)})
	require.NoError(t, err)
	clocks, err = legal.Dismiss(clocks, "ai-73-4", legal.Decision{By: "priv-1", Role: "PRIV", Reason: "nobody died", At: t0})
	require.NoError(t, err)
	after := legal.Recompute(clocks, set(t, nil, legal.AwareAt, t0.Add(time.Hour)))
	filed, dismissed := clock(t, after, "gdpr-33-1"), clock(t, after, "ai-73-4")
	require.Equal(t, clock(t, clocks, "gdpr-33-1"), filed)
	require.Equal(t, clock(t, clocks, "ai-73-4"), dismissed)
	require.True(t, filed.Filings[0].Late)
	require.Equal(t, "SA-1", filed.FiledRef)
	require.Equal(t, "leg-1", filed.FiledBy)
	require.Contains(t, filed.Row(t0), "filed by leg-1")
	require.Contains(t, dismissed.Row(t0), "dismissed by priv-1: nobody died")
	_, err = legal.Dismiss(clocks, "gdpr-33-1", legal.Decision{By: "leg-1", Role: "LEG", Reason: "r", At: t0})
	require.ErrorContains(t, err, "is filed already")
	_, err = legal.Dismiss(clocks, "ai-73-4", legal.Decision{By: "leg-1", Role: "LEG", Reason: "r", At: t0})
	require.ErrorContains(t, err, "is dismissed already")
	require.False(t, legal.AllEnded(after))
	require.True(t, legal.AllEnded([]legal.Clock{filed, dismissed}))
}

// A delay for law enforcement is counsel's record and stops nothing.
func TestADelayStopsNoClock(t *testing.T) {
	t.Parallel()
	clocks := open(t, everything(), allData(), t0)
	delayed, err := legal.RecordDelay(clocks, "hipaa-404", legal.Delay{Decision: legal.Decision{By: "leg-1", Role: "LEG", Reason: "45 CFR 164.412", At: t0}, Until: t0.Add(90 * 24 * time.Hour)})
	require.NoError(t, err)
	was, is := clock(t, clocks, "hipaa-404"), clock(t, legal.Recompute(delayed, nil), "hipaa-404")
	require.Equal(t, was.Due, is.Due)
	require.Equal(t, legal.Running, is.Status)
	require.Len(t, is.Delays, 1)
	require.Contains(t, is.Row(t0), "a delay is recorded and stops nothing")
	i, p, at, ok := legal.NextEscalation([]legal.Clock{is}, t0)
	require.True(t, ok)
	require.Equal(t, 0, i)
	require.Equal(t, 25, p)
	require.Equal(t, t0.Add(15*24*time.Hour), at)
}

// Where the law names no figure counsel may set a target; reminders then count towards it.
func TestTargets(t *testing.T) {
	t.Parallel()
	d := legal.Decision{By: "leg-1", Role: "LEG", Reason: "soon", At: t0}
	clocks, err := legal.SetTarget(open(t, everything(), allData(), t0), "gdpr-34", t0.Add(100*time.Hour), d)
	require.NoError(t, err)
	c := clock(t, legal.Recompute(clocks, nil), "gdpr-34")
	require.Zero(t, c.Due)
	require.Contains(t, c.Row(t0), "counsel's target 2026-09-18T14:00:00Z (100 h 00 min left)")
	_, p, at, ok := legal.NextEscalation([]legal.Clock{c}, t0)
	require.True(t, ok)
	require.Equal(t, 25, p)
	require.Equal(t, t0.Add(25*time.Hour), at)
	_, err = legal.SetTarget(clocks, "gdpr-33-1", t0.Add(time.Hour), d)
	require.ErrorContains(t, err, "has a deadline of its own")
	_, err = legal.SetTarget(clocks, "gdpr-34", t0, d)
	require.ErrorContains(t, err, "lies in the future")
}
