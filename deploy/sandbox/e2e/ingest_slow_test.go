package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/ingest"
)

// Senders that take for ever and bodies that are too large keep nobody else waiting.
func TestSlowSendersAndLargeBodiesStarveNobody(t *testing.T) {
	t.Parallel()
	const slow = 500
	r, ctx := startIngest(t, ingest.Options{Assets: 400}), bounded(t)
	c := ingest.NewClient(4)
	// An incident's first alert waits for Temporal alone.
	next := 0
	times := func(n int) []time.Duration {
		var out []time.Duration
		for range n {
			began := time.Now()
			a, err := ingest.Post(ctx, c, r.URL, ingest.Body(ingest.Alert{Asset: ingest.Asset(next), Key: "ab"}))
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, a.Status, a.Error)
			out = append(out, time.Since(began))
			next++
		}
		return out
	}
	times(20)
	idle := times(100)

	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	var hostile sync.WaitGroup
	var connected, refused atomic.Int32
	for range slow {
		hostile.Go(func() { trickle(stop, r.URL, &connected) })
	}
	for range 4 {
		hostile.Go(func() {
			for stop.Err() == nil {
				if tooLarge(stop, r.URL) == nil {
					refused.Add(1)
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	require.Eventually(t, func() bool { return connected.Load() >= slow && refused.Load() > 4 }, 30*time.Second, 10*time.Millisecond)
	loaded := times(100)
	cancel()
	hostile.Wait()
	t.Logf("ack idle: p50 %s, p99 %s; beside %d slow senders and %d bodies that were too large: p50 %s, p99 %s",
		quantile(idle, .5), quantile(idle, .99), connected.Load(), refused.Load(), quantile(loaded, .5), quantile(loaded, .99))
	require.Less(t, quantile(loaded, .5), 2*quantile(idle, .5)+50*time.Millisecond)
	require.Less(t, quantile(loaded, .99), 2*time.Second, "nobody waits for a slow sender's time to end")
}

// trickle sends a body of which a byte arrives now and then, again and again.
func trickle(ctx context.Context, url string, connected *atomic.Int32) {
	for ctx.Err() == nil {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			continue
		}
		connected.Add(1)
		fmt.Fprintf(conn, "POST /alerts/alertmanager HTTP/1.1\r\nHost: trigger\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n", ingest.Token)
		for err == nil && ctx.Err() == nil {
			_, err = conn.Write([]byte(" "))
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
		conn.Close()
	}
}

// tooLarge posts two megabytes without saying so first, and returns nil if they were refused.
func tooLarge(ctx context.Context, url string) error {
	body := io.MultiReader(bytes.NewReader(ingest.Body(ingest.Alert{Asset: "x", Key: "ab"})), bytes.NewReader(make([]byte, 2<<20)))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/alerts/alertmanager", body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+ingest.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		return errors.New(res.Status)
	}
	return nil
}
