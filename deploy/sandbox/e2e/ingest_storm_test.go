package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/ingest"
)

// quantile is the q-quantile by nearest rank.
func quantile(d []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// A storm of alerts for one incident, most of them repetitions, with real incidents inside it: nothing is lost, the storm is
// one signal a second, and an incident inside it starts as fast as on a quiet day. FIREBREAK_STORM_PER_MINUTE and
// FIREBREAK_STORM_SECONDS set its size.
func TestStormWithRealIncidentsInside(t *testing.T) {
	t.Parallel()
	perMinute, seconds := scaled(t, "FIREBREAK_STORM_PER_MINUTE", 6000), scaled(t, "FIREBREAK_STORM_SECONDS", 15)
	const realEvery = 250 * time.Millisecond
	quiet := 10 * time.Second
	incidents := int(time.Duration(seconds)*time.Second/realEvery) + int(quiet/realEvery) + 20
	r, ctx := startIngest(t, ingest.Options{Assets: incidents, Spool: true}), t.Context()
	c := ingest.NewClient(4096)
	// The first dataset has the storm; the others have one real incident each.
	next := 1
	realAcks := func(d time.Duration) (acks []time.Duration) {
		tick := time.NewTicker(realEvery)
		defer tick.Stop()
		for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
			began := time.Now()
			a, err := ingest.Post(ctx, c, r.URL, ingest.Body(ingest.Alert{Asset: ingest.Asset(next), Key: "ab"}))
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, a.Status, a.Error)
			require.Equal(t, "started", a.Alerts[0].Outcome)
			acks = append(acks, time.Since(began))
			next++
		}
		return acks
	}
	realAcks(time.Second)
	idle := realAcks(quiet)

	storm := startStorm(ctx, c, r.URL, perMinute, time.Duration(seconds)*time.Second)
	during := realAcks(time.Duration(seconds) * time.Second)
	storm.posts.Wait()
	require.Zero(t, storm.failed.Load(), "every post was acknowledged")
	drained(t, ctx, r)

	b, err := ingest.Read(ctx, r.Client, ingest.IncidentID(ingest.Asset(0)))
	require.NoError(t, err)
	require.Len(t, b.Times, storm.distinct, "every alert is in the incident")
	require.Equal(t, storm.sent, b.Count, "and every repetition is counted")
	require.LessOrEqual(t, b.Signals, seconds+10, "one signal a second")
	require.Less(t, b.Bytes, 256<<10)
	for n := 1; n < next; n++ {
		b, err := ingest.Read(ctx, r.Client, ingest.IncidentID(ingest.Asset(n)))
		require.NoError(t, err)
		require.Equal(t, 1, b.Count, ingest.Asset(n))
	}
	ratio := quantile(during, .99).Seconds() / quantile(idle, .99).Seconds()
	t.Logf("%d alerts (%d different) in %d s reached their incident as %d signals, the largest of %d bytes; acks p50 %s p99 %s",
		storm.sent, storm.distinct, seconds, b.Signals, b.Bytes, quantile(storm.acks, .5), quantile(storm.acks, .99))
	t.Logf("real incident inside: p50 %s p99 %s of %d, idle p50 %s p99 %s of %d; p99 ratio %.2f", quantile(during, .5), quantile(during, .99),
		len(during), quantile(idle, .5), quantile(idle, .99), len(idle), ratio)
	// A loaded machine may stall a handful of calls either way.
	require.Less(t, quantile(during, .99), max(2*quantile(idle, .99), 500*time.Millisecond))
}

// storm is alerts for one incident at a steady rate, each fourth of them new.
type storm struct {
	posts          sync.WaitGroup
	failed         atomic.Int32
	sent, distinct int
	mu             sync.Mutex
	acks           []time.Duration
}

func startStorm(ctx context.Context, c *http.Client, url string, perMinute int, d time.Duration) *storm {
	s := &storm{sent: int(d.Minutes() * float64(perMinute))}
	s.distinct = (s.sent + 3) / 4
	s.posts.Go(func() {
		began := time.Now()
		for n := range s.sent {
			time.Sleep(time.Until(began.Add(time.Duration(n) * time.Minute / time.Duration(perMinute))))
			s.posts.Go(func() { s.post(ctx, c, url, fmt.Sprintf("%08x", n/4)) })
		}
	})
	return s
}

func (s *storm) post(ctx context.Context, c *http.Client, url, key string) {
	began := time.Now()
	a, err := ingest.Post(ctx, c, url, ingest.Body(ingest.Alert{Asset: ingest.Asset(0), Key: key}))
	if err != nil || !a.Acknowledged() {
		s.failed.Add(1)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acks = append(s.acks, time.Since(began))
}
