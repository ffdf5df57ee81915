package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/spool"
)

func metricsText(t *testing.T, m *metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, w.Code)
	return w.Body.String()
}

func TestMetricsCountWhatBecomesOfAlerts(t *testing.T) {
	t.Parallel()
	f := &fakeSender{seen: map[string]bool{}}
	in, _ := newIntake(t, &fakeTemporal{})
	in.temporal = newTestCoalescer(t, f, nil)
	in.temporal.(*coalescer).metrics = in.metrics
	for _, name := range []string{"dataset-compromise.json", "dataset-compromise.json", "mixed.json"} {
		send(t, in, alertPost(bytes.NewReader(alertFile(t, name))))
	}
	refused := alertPost(strings.NewReader("{"))
	refused.Header.Set("Authorization", "Bearer wrong")
	send(t, in, refused)
	text := metricsText(t, in.metrics)
	for _, line := range []string{
		`firebreak_trigger_alerts_total{outcome="started",source="alertmanager"} 2`,
		`firebreak_trigger_alerts_total{outcome="joined",source="alertmanager"} 2`,
		`firebreak_trigger_alerts_total{outcome="triaged",source="alertmanager"} 3`,
		`firebreak_trigger_posts_total{code="200",path="/alerts/alertmanager"} 3`,
		`firebreak_trigger_posts_total{code="401",path="/alerts/alertmanager"} 1`,
		`firebreak_trigger_ack_seconds_count{code="200",path="/alerts/alertmanager"} 3`,
		`firebreak_trigger_in_flight 0`,
		`firebreak_trigger_batches_total{outcome="started"} 2`,
		`firebreak_trigger_batched_alerts_total 7`,
	} {
		require.Contains(t, text, line+"\n", line)
	}
	require.NotContains(t, text, "loan-applications", "no text of an alert is a label")
	require.NotContains(t, text, "_spool_", "without a spool there is nothing to say of one")
}

func TestMetricsShowTheSpool(t *testing.T) {
	t.Parallel()
	s := testSpool(t, t.TempDir(), spool.Options{})
	m := newMetrics()
	m.watchSpool(s, func() time.Time { return time.Now().Add(time.Minute) })
	text := metricsText(t, m)
	require.Contains(t, text, "firebreak_trigger_spool_alerts 0\n")
	require.Contains(t, text, "firebreak_trigger_spool_oldest_seconds 0\n")
	e, err := s.Append("key", []byte("payload"), nil)
	require.NoError(t, err)
	require.NoError(t, e.Wait())
	text = metricsText(t, m)
	require.Contains(t, text, "firebreak_trigger_spool_alerts 1\n")
	require.NotContains(t, text, "firebreak_trigger_spool_bytes 0\n")
	require.Contains(t, text, "firebreak_trigger_spool_oldest_seconds 6")
}

func TestMetricsListener(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, m.serve(ctx, &running, serveFlags{}, discard()), "off by default")
	file := filepath.Join(t.TempDir(), "address")
	require.NoError(t, m.serve(ctx, &running, serveFlags{metrics: "127.0.0.1:0", metricsFile: file}, discard()))
	address, err := os.ReadFile(file)
	require.NoError(t, err)
	for path, status := range map[string]int{"/metrics": http.StatusOK, "/alerts/alertmanager": http.StatusNotFound} {
		res, err := http.Get("http://" + strings.TrimSpace(string(address)) + path)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, status, res.StatusCode)
	}
	require.ErrorContains(t, m.serve(ctx, &running, serveFlags{metrics: strings.TrimSpace(string(address))}, discard()), "--metrics-listen")
	cancel()
	running.Wait()
	require.NoFileExists(t, file)
}
