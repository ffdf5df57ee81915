package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// limits bound what one connection can hold.
type limits struct {
	header, read, write, idle time.Duration
	headerBytes               int
}

func defaultLimits() limits {
	return limits{header: 5 * time.Second, read: 10 * time.Second, write: 20 * time.Second, idle: time.Minute, headerBytes: 16 << 10}
}

const (
	readyTimeout    = 2 * time.Second
	shutdownTimeout = 10 * time.Second
)

// routes is everything that the service answers.
func (in *intake) routes() http.Handler {
	mux := http.NewServeMux()
	for name, src := range in.sources {
		mux.HandleFunc("POST /alerts/"+name, in.metrics.measured("/alerts/"+name, in.post(src)))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", in.readyz)
	return mux
}

// readyz is ready while alerts can be taken in: Temporal can be reached, or the spool has room.
func (in *intake) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := in.temporal.ready(ctx); err != nil {
		in.log.Warn("not ready", "error", err)
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "error": "Temporal cannot be reached"})
		return
	}
	inv := in.inventory.current()
	answer := map[string]string{"status": "ready", "mode": string(in.mode), "inventory": inv.Digest(), "routes": in.routing.current().Digest}
	if inv.faulty {
		// Alerts are still taken in. What is wrong is in the log: whoever may look here need not know the file.
		answer["inventory_fault"] = "the inventory file is faulty now; the last good one is in use, and the log says what is wrong"
	}
	if in.routing.current().faulty {
		answer["routes_fault"] = "the routing file is faulty now; the last good routes are in use, and the log says what is wrong"
	}
	writeJSON(w, http.StatusOK, answer)
}

// serveHTTP serves until the context ends, then lets the posts that are under way finish.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler, lim limits, logger *slog.Logger) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: lim.header, ReadTimeout: lim.read, WriteTimeout: lim.write, IdleTimeout: lim.idle,
		MaxHeaderBytes: lim.headerBytes, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	logger.Info("shutting down")
	// The context has ended already; the posts under way get their own time.
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(stopping)
	<-served
	return err
}
