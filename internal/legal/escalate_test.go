package legal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/legal"
)

// play runs the reminders as an engine does: it waits for the next, sends it, and marks it.
func play(clocks []legal.Clock, now time.Time, until time.Time) ([]legal.Clock, []string) {
	var sent []string
	for {
		i, p, at, ok := legal.NextEscalation(clocks, now)
		if !ok || at.After(until) {
			return clocks, sent
		}
		if at.After(now) {
			now = at
		}
		sent = append(sent, fmt.Sprintf("%s %s %d", now.Sub(t0), clocks[i].Regime, p))
		clocks = legal.Escalate(clocks, i, p, now)
	}
}

func TestRemindersOfEveryClockInOrder(t *testing.T) {
	t.Parallel()
	p := legal.Profile{NIS2: true, Contracts: []legal.Contract{{Party: "a", NotifyHours: 24}}}
	clocks, sent := play(open(t, p, legal.Data{}, t0), t0, t0.Add(365*24*time.Hour))
	require.Equal(t, []string{
		"6h0m0s nis2-early 25", "6h0m0s contract/a 25", "12h0m0s nis2-early 50", "12h0m0s contract/a 50",
		"18h0m0s nis2-early 75", "18h0m0s nis2-notify 25", "18h0m0s contract/a 75",
		"21h36m0s nis2-early 90", "21h36m0s contract/a 90", "24h0m0s nis2-early 100", "24h0m0s contract/a 100",
		"36h0m0s nis2-notify 50", "54h0m0s nis2-notify 75", "64h48m0s nis2-notify 90", "72h0m0s nis2-notify 100",
	}, sent)
	early := clock(t, clocks, "nis2-early")
	require.Equal(t, legal.Missed, early.Status)
	require.Equal(t, []legal.Miss{{Due: t0.Add(24 * time.Hour), Provisional: true, RecordedAt: t0.Add(24 * time.Hour)}}, early.Misses)
	require.Equal(t, legal.Running, clock(t, clocks, "nis2-final").Status, "a clock without a deadline cannot be missed")
}

// After a gap only the last reminder that passed is sent, at once.
func TestPassedRemindersAreSentAsOne(t *testing.T) {
	t.Parallel()
	clocks := open(t, legal.Profile{GDPRRoles: []string{"controller"}}, legal.Data{Categories: []string{"personal"}}, t0)
	cases := []struct {
		name string
		now  time.Duration
		want int
		at   time.Duration
	}{
		{"at the start", 0, 25, 18 * time.Hour},
		{"just before", 18*time.Hour - 1, 25, 18 * time.Hour},
		{"exactly", 18 * time.Hour, 25, 18 * time.Hour},
		{"between", 40 * time.Hour, 50, 36 * time.Hour},
		{"almost over", 71 * time.Hour, 90, 64*time.Hour + 48*time.Minute},
		{"over", 100 * time.Hour, 100, 72 * time.Hour},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			i, p, at, ok := legal.NextEscalation(clocks, t0.Add(c.now))
			require.True(t, ok)
			require.Equal(t, "gdpr-33-1", clocks[i].Regime)
			require.Equal(t, c.want, p)
			require.Equal(t, t0.Add(c.at), at)
			if after := legal.Escalate(clocks, i, p, t0.Add(c.now)); p < 100 {
				_, next, _, ok := legal.NextEscalation(after, t0.Add(c.now))
				require.True(t, ok)
				require.Greater(t, next, p, "no reminder is sent twice")
			}
		})
	}
}

// A deadline that moves is reminded of anew; that the former was missed is never deleted.
func TestAMovedDeadlineKeepsItsMisses(t *testing.T) {
	t.Parallel()
	clocks := open(t, legal.Profile{GDPRRoles: []string{"controller"}}, legal.Data{Categories: []string{"personal"}}, t0)
	clocks, _ = play(clocks, t0, t0.Add(72*time.Hour))
	require.Equal(t, legal.Missed, clocks[0].Status)
	require.Contains(t, clocks[0].Row(t0.Add(73*time.Hour)), "(1 h 00 min over); MISSED 2026-09-17T10:00:00Z (provisional)")

	same := legal.Recompute(clocks, nil)
	require.Equal(t, legal.Missed, same[0].Status, "without a finding it stays missed")

	moved := legal.Recompute(clocks, set(t, nil, legal.AwareAt, t0.Add(48*time.Hour)))
	require.Equal(t, legal.Running, moved[0].Status)
	require.Empty(t, moved[0].Escalated)
	require.Len(t, moved[0].Misses, 1)
	i, p, at, ok := legal.NextEscalation(moved, t0.Add(73*time.Hour))
	require.True(t, ok)
	require.Equal(t, []any{0, 25, t0.Add(66 * time.Hour)}, []any{i, p, at})

	filed, err := legal.File(legal.Escalate(moved, 0, 100, t0.Add(120*time.Hour)), "gdpr-33-1", legal.Filing{Ref: "SA", By: "leg-1", Role: "LEG", At: t0.Add(121 * time.Hour), RecordedAt: t0.Add(121 * time.Hour)})
	require.NoError(t, err)
	require.Equal(t, legal.Filed, filed[0].Status)
	require.Len(t, filed[0].Misses, 2)
	require.True(t, filed[0].Filings[0].Late)
}

func TestNoReminderOfWhatHasEnded(t *testing.T) {
	t.Parallel()
	clocks := open(t, legal.Profile{Contracts: []legal.Contract{{Party: "a", NotifyHours: 24}, {Party: "b", NotifyHours: 24}}}, legal.Data{}, t0)
	clocks, err := legal.Dismiss(clocks, "contract/a", legal.Decision{By: "leg-1", Role: "LEG", Reason: "not concerned", At: t0})
	require.NoError(t, err)
	clocks, err = legal.File(clocks, "contract/b", legal.Filing{Ref: "mail", By: "leg-1", Role: "LEG", At: t0, RecordedAt: t0})
	require.NoError(t, err)
	_, _, _, ok := legal.NextEscalation(clocks, t0.Add(1000*time.Hour))
	require.False(t, ok)
	_, _, _, ok = legal.NextEscalation(nil, t0)
	require.False(t, ok)
}

func TestAddressees(t *testing.T) {
	t.Parallel()
	c := clock(t, open(t, everything(), allData(), t0), "gdpr-33-1")
	require.Equal(t, []string{"leg-1"}, c.Addressees(25))
	require.Equal(t, []string{"leg-1", "leg-2"}, c.Addressees(50))
	for _, p := range []int{75, 90, 100} {
		require.Equal(t, []string{"leg-1", "leg-2", "exe-1"}, c.Addressees(p))
	}
	c.Owner, c.Deputies = "", nil
	require.Empty(t, c.Addressees(100))
	require.Contains(t, c.Row(t0), "no owner named")
}

func TestWarning(t *testing.T) {
	t.Parallel()
	c := clock(t, open(t, everything(), allData(), t0), "gdpr-33-1")
	require.Equal(t, "GDPR Art. 33(1): 50 % of the time is gone; due 2026-09-17T10:00:00Z (36 h 00 min left); owner leg-1; deputy leg-2; then exe-1", c.Warning(50, t0.Add(36*time.Hour))[0])
	require.Contains(t, c.Warning(100, t0.Add(72*time.Hour))[0], "GDPR Art. 33(1): the time is over and no filing is recorded")
}

func TestSortedByUrgency(t *testing.T) {
	t.Parallel()
	clocks := open(t, legal.Profile{GDPRRoles: []string{"controller"}, NIS2: true}, legal.Data{Categories: []string{"personal"}}, t0)
	clocks, err := legal.Dismiss(clocks, "nis2-early", legal.Decision{By: "leg-1", Role: "LEG", Reason: "r", At: t0})
	require.NoError(t, err)
	require.Equal(t, []string{"gdpr-33-1", "nis2-notify", "gdpr-34", "nis2-interim", "nis2-final", "nis2-early"}, regimes(legal.Sorted(clocks)))
}
