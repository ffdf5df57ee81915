package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"firebreak/internal/spool"
)

// metrics counts what the service does. Its labels are closed sets of words of firebreak's own: no text of an alert is one.
type metrics struct {
	registry  *prometheus.Registry
	alerts    *prometheus.CounterVec
	posts     *prometheus.CounterVec
	ack       *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	calls     *prometheus.CounterVec
	delivered prometheus.Counter
	repeated  prometheus.Counter
}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "firebreak_trigger_" + name, Help: help}, labels)
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		alerts:   counter("alerts_total", "Alerts by source and by what came of them.", "source", "outcome"),
		posts:    counter("posts_total", "Posts of alerts by path and HTTP status.", "path", "code"),
		ack: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "firebreak_trigger_ack_seconds", Help: "Time from the headers of a post to its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 1.5, 2, 3, 5, 10},
		}, []string{"path", "code"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "firebreak_trigger_in_flight", Help: "Posts that are being answered."}),
		calls:    counter("batches_total", "Batches handed to Temporal by what came of them.", "outcome"),
		delivered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "firebreak_trigger_batched_alerts_total", Help: "Alerts in batches that Temporal confirmed, repetitions included."}),
		repeated: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "firebreak_trigger_coalesced_alerts_total", Help: "Alerts that travelled as a count, because the same one was in their batch."}),
	}
	m.registry.MustRegister(m.alerts, m.posts, m.ack, m.inFlight, m.calls, m.delivered, m.repeated,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watchSpool adds what the spool holds.
func (m *metrics) watchSpool(s *spool.Spool, now func() time.Time) {
	gauge := func(name, help string, value func(spool.Stats) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "firebreak_trigger_spool_" + name, Help: help}, func() float64 { return value(s.Stats()) })
	}
	m.registry.MustRegister(
		gauge("alerts", "Alerts in the spool.", func(s spool.Stats) float64 { return float64(s.Entries) }),
		gauge("bytes", "Bytes that the spool's files hold.", func(s spool.Stats) float64 { return float64(s.Bytes) }),
		gauge("oldest_seconds", "Age of the oldest alert in the spool; 0 if there is none.", func(s spool.Stats) float64 {
			if s.Oldest.IsZero() {
				return 0
			}
			return now().Sub(s.Oldest).Seconds()
		}),
	)
}

// taken counts an alert by what came of it.
func (m *metrics) taken(source, outcome string) { m.alerts.WithLabelValues(source, outcome).Inc() }

// called counts a call to Temporal.
func (m *metrics) called(b batch, r receipt, err error) {
	if err != nil {
		m.calls.WithLabelValues(outcomeFailed).Inc()
		return
	}
	m.calls.WithLabelValues(r.outcome).Inc()
	m.delivered.Add(float64(b.alerts.Count))
	if n := len(b.alerts.Alerts); n > 0 {
		m.repeated.Add(float64(b.alerts.Count - n))
	}
}

// measured measures the posts of one path.
func (m *metrics) measured(path string, next http.HandlerFunc) http.HandlerFunc {
	label := prometheus.Labels{"path": path}
	counted := promhttp.InstrumentHandlerCounter(m.posts.MustCurryWith(label), promhttp.InstrumentHandlerDuration(m.ack.MustCurryWith(label), next))
	return promhttp.InstrumentHandlerInFlight(m.inFlight, counted).ServeHTTP
}

// handler answers GET /metrics.
func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second}))
	return mux
}

// serve answers on a listener of its own until ctx ends, if there is to be one.
func (m *metrics) serve(ctx context.Context, running *sync.WaitGroup, f serveFlags, log *slog.Logger) error {
	if f.metrics == "" {
		return nil
	}
	l, err := listen(ctx, f.metrics, f.metricsFile)
	if err != nil {
		return fmt.Errorf("serve metrics (--metrics-listen): %w", err)
	}
	log.Info("serving metrics on http://" + l.Addr().String() + "/metrics")
	running.Go(func() {
		if f.metricsFile != "" {
			defer os.Remove(f.metricsFile)
		}
		if err := serveHTTP(ctx, l, m.handler(), defaultLimits(), log); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are not served any more", "error", err)
		}
	})
	return nil
}
