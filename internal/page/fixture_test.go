package page_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/page"
	"firebreak/internal/signin"
)

const (
	loans    = "incident/dataset-compromise/loan-applications@2026-07-31"
	loansURL = "/incidents/dataset-compromise/loan-applications@2026-07-31"
)

func readRecord(t testing.TB, name string) *incident.Record {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	r := &incident.Record{}
	require.NoError(t, json.Unmarshal(raw, r))
	return r
}

// world is a Temporal with these records, and a desk that keeps what is handed in.
type world struct {
	mu       sync.Mutex
	records  map[string]*incident.Record
	away     error
	asked    atomic.Int64
	slow     time.Duration
	outcome  page.Outcome
	err      error
	decided  []page.Decision
	reported []page.Report
	acked    []string
}

func (w *world) List(context.Context) ([]page.Listed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []page.Listed
	for id, r := range w.records {
		status := "running"
		if r.Progress == incident.Closed {
			status = "completed"
		}
		out = append(out, page.Listed{ID: id, Run: "0a1b", Started: r.OpenedAt, Status: status})
	}
	return out, w.away
}

func (w *world) Record(ctx context.Context, id, _ string) (*incident.Record, error) {
	w.asked.Add(1)
	time.Sleep(w.slow)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away != nil {
		return nil, w.away
	}
	if r := w.records[id]; r != nil {
		return r, ctx.Err()
	}
	return nil, page.ErrNone
}

func (w *world) Decide(_ context.Context, _ string, d page.Decision) (page.Outcome, error) {
	w.decided = append(w.decided, d)
	return w.outcome, w.err
}

func (w *world) Report(_ context.Context, _ string, r page.Report) (page.Outcome, error) {
	w.reported = append(w.reported, r)
	return w.outcome, w.err
}

func (w *world) Acknowledge(_ context.Context, _, person string) (page.Outcome, error) {
	w.acked = append(w.acked, person)
	return w.outcome, w.err
}

// gate lets in the viewer that a test names.
type gate struct {
	viewer signin.Viewer
	err    error

	mu    sync.Mutex
	flash string
}

func (g *gate) Routes(*http.ServeMux)                       {}
func (g *gate) Viewer(*http.Request) (signin.Viewer, error) { return g.viewer, g.err }

func (g *gate) Flash(_ http.ResponseWriter, answer any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	raw, _ := json.Marshal(answer)
	g.flash = string(raw)
}

func (g *gate) Flashed(_ http.ResponseWriter, _ *http.Request, answer any) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	text := g.flash
	g.flash = ""
	return text != "" && json.Unmarshal([]byte(text), answer) == nil
}

// house is a site at the time of the recorded incident, seen by one person.
type house struct {
	*world
	site http.Handler
	gate *gate
	now  time.Time
	inv  *inventory.Inventory
}

func newHouse(t testing.TB, person string, records ...*incident.Record) *house {
	t.Helper()
	inv, err := inventory.Load("../../testdata/inventory/nordwall.yaml")
	require.NoError(t, err)
	h := &house{
		world: &world{records: map[string]*incident.Record{}, outcome: page.Outcome{Accepted: true, Message: "granted"}},
		gate:  &gate{viewer: signin.Viewer{Person: inv.Person(person), Name: "the page token", Form: "stamp"}},
		now:   time.Date(2026, 9, 14, 6, 6, 30, 0, time.UTC), inv: inv,
	}
	for _, r := range records {
		h.records[r.ID] = r
	}
	log := slog.New(slog.DiscardHandler)
	command := func(words ...string) string { return strings.Join(words, " ") }
	views, err := page.Parse(command, log)
	require.NoError(t, err)
	h.site, err = page.New(page.Config{
		Source: h, Desk: h, Gate: h.gate, People: func() *inventory.Inventory { return h.inv }, Command: command, Anchors: []string{"aware_at"},
		Log: log, Now: func() time.Time { return h.now },
	}, views)
	require.NoError(t, err)
	return h
}

func (h *house) get(path string, headers ...string) *httptest.ResponseRecorder {
	return h.send(httptest.NewRequest(http.MethodGet, path, nil), headers...)
}

func (h *house) send(r *http.Request, headers ...string) *httptest.ResponseRecorder {
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.site.ServeHTTP(w, r)
	return w
}

func (h *house) post(path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, io.NopCloser(strings.NewReader(form.Encode())))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return h.send(r, headers...)
}

var errAway = errors.New("connection refused")
