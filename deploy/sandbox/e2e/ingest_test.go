package e2e_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/ingest"
)

// startIngest brings up a trigger and a Temporal of the test's own, with nothing else beside them.
func startIngest(t *testing.T, o ingest.Options) *ingest.Rig {
	t.Helper()
	o.Data, o.Log = t.TempDir(), io.Discard
	r, err := ingest.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Stop()) })
	return r
}

// scaled is a test's own size, or that of the full run if the environment says so.
func scaled(t *testing.T, variable string, usual int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, variable)
	return n
}

// key is a fingerprint that no other alert has.
func key(sender, n int) string { return fmt.Sprintf("%04x%08x", sender, n) }

// sender posts alerts of one incident, the next one when the last is acknowledged, and keeps the books.
type sender struct {
	asset string
	// acknowledged are the keys in order; spooled counts those that were acknowledged with 202.
	acknowledged []string
	spooled      int
}

// run sends until stop is closed.
func (s *sender) run(ctx context.Context, r *ingest.Rig, c *http.Client, number int, stop <-chan struct{}) error {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return nil
		default:
		}
		k := key(number, n)
		body := ingest.Body(ingest.Alert{Asset: s.asset, Key: k})
		a, err := ingest.Send(ctx, c, r.URL, body)
		if err != nil {
			return err
		}
		if !a.Acknowledged() {
			return fmt.Errorf("alert %s was answered %d: %s", k, a.Status, a.Error)
		}
		s.acknowledged = append(s.acknowledged, k)
		if a.Status == http.StatusAccepted {
			s.spooled++
		}
		if rand.IntN(4) == 0 {
			// Alertmanager repeats itself.
			if _, err := ingest.Post(ctx, c, r.URL, body); err != nil && ctx.Err() != nil {
				return err
			}
		}
	}
}

// senders run side by side, each with an incident of its own.
type senders struct {
	all  []*sender
	stop chan struct{}
	wait sync.WaitGroup
	errs chan error
}

func startSenders(ctx context.Context, r *ingest.Rig, n int) *senders {
	s := &senders{stop: make(chan struct{}), errs: make(chan error, n)}
	c := ingest.NewClient(n)
	for i := range n {
		one := &sender{asset: ingest.Asset(i)}
		s.all = append(s.all, one)
		s.wait.Go(func() {
			if err := one.run(ctx, r, c, i, s.stop); err != nil {
				s.errs <- err
			}
		})
	}
	return s
}

// finish ends the senders once what they have begun to send is acknowledged.
func (s *senders) finish(t *testing.T) (acknowledged, spooled int) {
	t.Helper()
	close(s.stop)
	s.wait.Wait()
	select {
	case err := <-s.errs:
		require.NoError(t, err)
	default:
	}
	for _, one := range s.all {
		acknowledged += len(one.acknowledged)
		spooled += one.spooled
	}
	return acknowledged, spooled
}

// drained waits until nothing is left in the spool.
func drained(t *testing.T, ctx context.Context, r *ingest.Rig) {
	t.Helper()
	require.Eventually(t, func() bool {
		n, err := r.Metric(ctx, "firebreak_trigger_spool_alerts")
		return err == nil && n == 0
	}, 2*time.Minute, 50*time.Millisecond, "the spool is not drained")
}

// nothingLost checks that Temporal has every alert that was acknowledged, in the order in which it was.
func (s *senders) nothingLost(t *testing.T, ctx context.Context, r *ingest.Rig) (repeated int) {
	t.Helper()
	for _, one := range s.all {
		b, err := ingest.Read(ctx, r.Client, ingest.IncidentID(one.asset))
		require.NoError(t, err)
		// What is not acknowledged may be there too: here everything was, in the end.
		require.Equal(t, one.acknowledged, b.Keys, one.asset)
		for _, n := range b.Times {
			repeated += n - 1
		}
	}
	return repeated
}

// Temporal itself decides what is open: a repetition for a closed incident starts a recheck, at once, and the end of an alert
// finds the newest open one.
func TestRepetitionForAClosedIncidentStartsARecheck(t *testing.T) {
	t.Parallel()
	r, ctx := startIngest(t, ingest.Options{Assets: 1}), bounded(t)
	c := ingest.NewClient(1)
	post := func(a ingest.Alert) (outcome, id string) {
		t.Helper()
		answer, err := ingest.Post(ctx, c, r.URL, ingest.Body(a))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, answer.Status, answer.Error)
		return answer.Alerts[0].Outcome, answer.Alerts[0].IncidentID
	}
	firing := ingest.Alert{Asset: ingest.Asset(0), Key: "ab"}
	ended := ingest.Alert{Asset: ingest.Asset(0), Key: "ab", Resolved: true}
	base := ingest.IncidentID(ingest.Asset(0))
	expect := func(a ingest.Alert, outcome, id string) {
		t.Helper()
		got, incident := post(a)
		require.Equal(t, []string{outcome, id}, []string{got, incident})
	}
	expect(ended, "no_open_incident", base)
	expect(firing, "started", base)
	expect(firing, "joined", base)
	for n, id := range []string{base + "/recheck-1", base + "/recheck-2", base + "/recheck-3"} {
		closed := base
		if n > 0 {
			closed = fmt.Sprintf("%s/recheck-%d", base, n)
		}
		require.NoError(t, r.Client.TerminateWorkflow(ctx, closed, "", "closed"))
		expect(ended, "no_open_incident", base)
		expect(firing, "started", id)
		expect(firing, "joined", id)
		expect(ended, "joined", id)
	}
	// A trigger that has seen none of it finds the same.
	require.NoError(t, r.Trigger.Restart(ctx))
	expect(ended, "joined", base+"/recheck-3")
	expect(firing, "joined", base+"/recheck-3")
	b, err := ingest.Read(ctx, r.Client, base)
	require.NoError(t, err)
	require.Equal(t, 2, b.Count)
}
