package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/spool"
	"firebreak/workflows"
)

// fakeSender is a Temporal that keeps every batch it confirmed.
type fakeSender struct {
	mu      sync.Mutex
	batches []batch
	at      []time.Time
	seen    map[string]bool
	failure error
	// hold, when set, makes each call wait for a token.
	hold chan struct{}
	// hang makes calls wait for their context.
	hang bool
}

func (f *fakeSender) signal(ctx context.Context, b batch) (receipt, error) {
	f.mu.Lock()
	hold, hang, failure := f.hold, f.hang, f.failure
	f.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if hang {
		<-ctx.Done()
		return receipt{}, ctx.Err()
	}
	if failure != nil {
		return receipt{}, failure
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batches, f.at = append(f.batches, b), append(f.at, time.Now())
	if b.triage != nil {
		return receipt{outcome: outcomeTriaged}, nil
	}
	id := incident.WorkflowID(b.alerts.Alerts[0].Kind, b.alerts.Alerts[0].Asset, "")
	r := receipt{incidentID: id, outcome: outcomeJoined}
	if !f.seen[id] {
		r.outcome = outcomeStarted
		f.seen[id] = true
	}
	return r, nil
}

func (f *fakeSender) ready(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failure
}

func (f *fakeSender) set(change func(*fakeSender)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// alerts are those of an asset that were confirmed, in order.
func (f *fakeSender) alerts(asset string) []incident.Alert {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []incident.Alert
	for _, b := range f.batches {
		for _, a := range b.alerts.Alerts {
			if a.Asset == asset {
				out = append(out, a)
			}
		}
	}
	return out
}

func (f *fakeSender) keys(asset string) []string {
	var out []string
	for _, a := range f.alerts(asset) {
		out = append(out, a.Key)
	}
	return out
}

const testInterval = 50 * time.Millisecond

func newTestCoalescer(t testing.TB, f *fakeSender, kept *spool.Spool) *coalescer {
	t.Helper()
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	c := newCoalescer(f, kept, pace{testInterval, 100 * time.Millisecond}, discard(), newMetrics())
	t.Cleanup(c.close)
	return c
}

func testSpool(t testing.TB, dir string, o spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// firing is an alert that starts or joins the incident of an asset.
func firing(asset, key string) handover {
	a := incident.Alert{Key: key, Source: "alertmanager", Kind: incident.ExtractionEvent, Asset: asset, ReceivedAt: received, RawSHA256: "of-" + key}
	return handover{Alert: a, Request: &incident.Request{Kind: a.Kind, Asset: asset, Mode: incident.Live}}
}

func firings(asset string, from, to int) []handover {
	var out []handover
	for i := from; i < to; i++ {
		out = append(out, firing(asset, fmt.Sprintf("k%04d", i)))
	}
	return out
}

func numbered(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf("k%04d", i))
	}
	return out
}

func outcomes(rs []receipt) []string {
	out := make([]string, len(rs))
	for i, r := range rs {
		if out[i] = r.outcome; r.err != nil {
			out[i] = r.err.Error()
		}
	}
	return out
}

func TestCoalescerSendsTheFirstAtOnceAndTheRestAsOneBatch(t *testing.T) {
	t.Parallel()
	f := &fakeSender{}
	c := newTestCoalescer(t, f, nil)
	began := time.Now()
	require.Equal(t, []string{outcomeStarted}, outcomes(c.deliver(t.Context(), firings("a", 0, 1))))
	require.Less(t, time.Since(began), testInterval, "the first is not held back")

	var posts sync.WaitGroup
	for range 40 {
		posts.Go(func() {
			r := c.deliver(t.Context(), append(firings("a", 0, 1), firing("a", "k0001")))
			if len(r) != 2 || r[0] != r[1] || r[0].outcome != outcomeJoined {
				t.Errorf("unexpected receipts: %v", r)
			}
		})
	}
	posts.Wait()
	require.Equal(t, []string{outcomeStarted}, outcomes(c.deliver(t.Context(), firings("b", 0, 1))), "another incident goes at once")
	require.Len(t, f.batches, 3)
	require.Equal(t, []string{"k0000", "k0000", "k0001"}, f.keys("a"))
	require.Equal(t, 80, f.batches[1].alerts.Count, "repetitions are a count")
	require.GreaterOrEqual(t, f.at[1].Sub(f.at[0]), testInterval-5*time.Millisecond)
}

func TestCoalescerKeepsAPostTogether(t *testing.T) {
	t.Parallel()
	f := &fakeSender{}
	c := newTestCoalescer(t, f, nil)
	end := firing("a", "k0003/resolved")
	end.Request, end.Alert.Resolved = nil, true
	r := c.deliver(t.Context(), append(append(firings("a", 0, 3), end), firings("b", 0, 1)...))
	require.Equal(t, []string{outcomeStarted, outcomeJoined, outcomeJoined, outcomeJoined, outcomeStarted}, outcomes(r))
	require.Len(t, f.batches, 2)
	require.Equal(t, []string{"k0000", "k0001", "k0002", "k0003/resolved"}, f.keys("a"))
}

func TestCoalescerForgetsIncidentsThatAreIdle(t *testing.T) {
	t.Parallel()
	c := newTestCoalescer(t, &fakeSender{}, nil)
	for i := range 100 {
		c.deliver(t.Context(), firings(fmt.Sprintf("a%d", i), 0, 2))
	}
	require.Eventually(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.lanes) == 0 && c.held.Load() == 0
	}, 5*time.Second, time.Millisecond)
}

func TestCoalescerIsNotHeldUpByAnotherIncident(t *testing.T) {
	t.Parallel()
	f := &fakeSender{hold: make(chan struct{})}
	c := newTestCoalescer(t, f, nil)
	stuck := make(chan []receipt)
	go func() { stuck <- c.deliver(t.Context(), firings("stuck", 0, 1)) }()
	require.Eventually(t, func() bool { return len(c.calls) == 1 }, 5*time.Second, time.Millisecond)
	hold := f.hold
	f.set(func(f *fakeSender) { f.hold = nil })
	require.Equal(t, []string{outcomeStarted}, outcomes(c.deliver(t.Context(), firings("other", 0, 1))))
	close(hold)
	require.Equal(t, []string{outcomeStarted}, outcomes(<-stuck))
}

func TestCoalescerWithoutASpoolFailsWhatIsNotConfirmed(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	f := &fakeSender{failure: refused}
	c := newTestCoalescer(t, f, nil)
	require.ErrorIs(t, c.deliver(t.Context(), firings("a", 0, 1))[0].err, refused)
	require.ErrorIs(t, c.ready(t.Context()), refused)

	f.set(func(f *fakeSender) { f.failure, f.hang = nil, true })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	r := c.deliver(ctx, firings("b", 0, 2))
	require.ErrorIs(t, r[0].err, errLate)
	require.ErrorIs(t, r[1].err, errLate)

	f.set(func(f *fakeSender) { f.hang = false })
	require.Equal(t, []string{outcomeStarted}, outcomes(c.deliver(t.Context(), firings("a", 0, 1))), "sent again, it is taken in")
}

func TestCoalescerBoundsWhatItHolds(t *testing.T) {
	t.Parallel()
	f := &fakeSender{hold: make(chan struct{})}
	c := newTestCoalescer(t, f, nil)
	big := firing("a", "k")
	big.Alert.Raw = make([]byte, maxHeld-1000)
	first := make(chan []receipt)
	go func() { first <- c.deliver(t.Context(), []handover{big}) }()
	require.Eventually(t, func() bool { return len(c.calls) == 1 }, 5*time.Second, time.Millisecond)
	require.ErrorIs(t, c.deliver(t.Context(), firings("b", 0, 3))[2].err, errHeld)
	close(f.hold)
	require.Equal(t, []string{outcomeStarted}, outcomes(<-first))
	require.Equal(t, []string{outcomeStarted}, outcomes(c.deliver(t.Context(), []handover{firing("c", "k")})))
}

func TestCoalescerTriages(t *testing.T) {
	t.Parallel()
	f := &fakeSender{}
	c := newTestCoalescer(t, f, nil)
	h := handover{Triage: &workflows.TriageRequest{Alert: firing("a", "k").Alert, Reason: "no route", Mode: incident.Live}}
	require.Equal(t, []string{outcomeTriaged, outcomeTriaged}, outcomes(c.deliver(t.Context(), []handover{h, h})))
	require.Len(t, f.batches, 1)
	require.Equal(t, h.Triage, f.batches[0].triage)
}

func TestCoalescerStops(t *testing.T) {
	t.Parallel()
	f := &fakeSender{}
	c := newTestCoalescer(t, f, nil)
	c.pace.interval = time.Hour
	c.deliver(t.Context(), firings("a", 0, 1))
	waiting := make(chan []receipt)
	go func() { waiting <- c.deliver(t.Context(), firings("a", 1, 2)) }()
	require.Eventually(t, func() bool { return c.held.Load() > 0 }, 5*time.Second, time.Millisecond)
	c.close()
	require.ErrorIs(t, (<-waiting)[0].err, errStopping)
	require.ErrorIs(t, c.deliver(t.Context(), firings("a", 1, 2))[0].err, errStopping)
}
