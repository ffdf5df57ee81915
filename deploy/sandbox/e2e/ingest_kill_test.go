package e2e_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/ingest"
)

// The trigger is killed at random moments while senders post, and send again what was not acknowledged. What was acknowledged
// must be in Temporal in the end, in order. With a spool, Temporal is now there and now cut off.
// FIREBREAK_TRIGGER_KILLS sets how often each is done.
func TestTriggerKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	for name, spool := range map[string]bool{"without a spool": false, "with a spool": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const incidents = 64
			r, ctx := startIngest(t, ingest.Options{Assets: incidents, Spool: spool}), t.Context()
			kills := scaled(t, "FIREBREAK_TRIGGER_KILLS", 10)
			s := startSenders(ctx, r, incidents)
			began := time.Now()
			for n := range kills {
				if spool && n%3 == 0 {
					r.Relay.Cut()
				} else {
					r.Relay.Mend()
				}
				time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
				require.NoError(t, r.Trigger.Restart(ctx))
			}
			r.Relay.Mend()
			acknowledged, spooled := s.finish(t)
			if spool {
				drained(t, ctx, r)
				require.Positive(t, spooled, "the spool was in use")
			}
			repeated := s.nothingLost(t, ctx, r)
			require.Greater(t, acknowledged, kills)
			t.Logf("%d kills in %s: %d alerts acknowledged, %d of them from the spool, 0 lost, 0 out of order, %d delivered again",
				kills, time.Since(began).Round(time.Second), acknowledged, spooled, repeated)
		})
	}
}

// Temporal is killed in the middle of a storm and started again.
func TestTemporalKilledDuringAStorm(t *testing.T) {
	t.Parallel()
	r, ctx := startIngest(t, ingest.Options{Assets: 16, Spool: true}), t.Context()
	away := time.Duration(scaled(t, "FIREBREAK_TEMPORAL_AWAY_SECONDS", 5)) * time.Second
	s := startSenders(ctx, r, 16)
	time.Sleep(3 * time.Second)
	require.NoError(t, r.Temporal.Kill())
	time.Sleep(away)
	require.NoError(t, r.Temporal.Restart(ctx))
	back := time.Now()
	kept, err := r.Metric(ctx, "firebreak_trigger_spool_alerts")
	require.NoError(t, err)
	time.Sleep(2 * time.Second)
	acknowledged, spooled := s.finish(t)
	drained(t, ctx, r)
	took := time.Since(back)
	repeated := s.nothingLost(t, ctx, r)
	require.Greater(t, spooled, 100, "alerts were taken in meanwhile")
	t.Logf("Temporal away for %s: %d alerts acknowledged, %d of them from the spool, 0 lost, 0 out of order, %d delivered again; "+
		"%.0f were waiting when it was back, and all were delivered after %s", away, acknowledged, spooled, repeated, kept, took.Round(100*time.Millisecond))
}
