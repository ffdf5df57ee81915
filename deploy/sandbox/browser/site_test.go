package browser_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/page"
	"firebreak/internal/signin"
)

const root = "../../.."

// world is what the page stands on: records that change when somebody decides, as the engine changes them.
type world struct {
	mu        sync.Mutex
	records   map[string]*incident.Record
	away      error
	decisions []page.Decision
	now       time.Time
}

func readRecord(t *testing.T, name string) *incident.Record {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "internal/page/testdata", name))
	require.NoError(t, err)
	r := &incident.Record{}
	require.NoError(t, json.Unmarshal(raw, r))
	return r
}

// List returns the runs of all records.
func (w *world) List(context.Context) ([]page.Listed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []page.Listed
	for id, r := range w.records {
		l := page.Listed{ID: id, Run: "0a1b2c3d", Started: r.OpenedAt, Status: "running"}
		if r.Progress == incident.Closed {
			l.Status = "completed"
		}
		out = append(out, l)
	}
	return out, w.away
}

// Record returns a copy, as a query does.
func (w *world) Record(_ context.Context, id, _ string) (*incident.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away != nil {
		return nil, w.away
	}
	r := w.records[id]
	if r == nil {
		return nil, page.ErrNone
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	out := &incident.Record{}
	return out, json.Unmarshal(raw, out)
}

// change changes a record as a step would.
func (w *world) change(id string, do func(*incident.Record)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do(w.records[id])
}

// leave makes Temporal go away, or come back.
func (w *world) leave(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = err
}

// Decide grants a request, or denies it.
func (w *world) Decide(_ context.Context, id string, d page.Decision) (page.Outcome, error) {
	w.change(id, func(r *incident.Record) {
		w.decisions = append(w.decisions, d)
		for i := range r.Approvals {
			if a := &r.Approvals[i]; a.Step == d.Step && a.Status == incident.ApprovalWaiting {
				a.Status, a.DecidedAt = incident.ApprovalGranted, w.now
				a.Decisions = append(a.Decisions, incident.Decision{Person: d.Person, Role: "IC", Approve: d.Approve, Counted: true, Comment: d.Reason, Via: "page", At: w.now})
				r.Timeline = append(r.Timeline, incident.Event{At: w.now, Step: d.Step, What: "approved by " + d.Person + " (IC); granted"})
			}
		}
	})
	return page.Outcome{Accepted: true, Message: "granted"}, nil
}

// Report and Acknowledge are not used here.
func (w *world) Report(context.Context, string, page.Report) (page.Outcome, error) {
	return page.Outcome{Message: "not here"}, nil
}

// Acknowledge is not used here.
func (w *world) Acknowledge(context.Context, string, string) (page.Outcome, error) {
	return page.Outcome{Message: "not here"}, nil
}

// gate lets in one person, whom the test names.
type gate struct {
	person *inventory.Person
	mu     sync.Mutex
	flash  []byte
}

func (g *gate) Routes(*http.ServeMux) {}

func (g *gate) Viewer(*http.Request) (signin.Viewer, error) {
	return signin.Viewer{Person: g.person, Name: g.person.IDP, Form: "stamp"}, nil
}

func (g *gate) Flash(_ http.ResponseWriter, answer any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flash, _ = json.Marshal(answer)
}

func (g *gate) Flashed(_ http.ResponseWriter, _ *http.Request, answer any) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer func() { g.flash = nil }()
	return g.flash != nil && json.Unmarshal(g.flash, answer) == nil
}

// serve starts a site at the time of the recorded incident.
func serve(t *testing.T, person string, records ...*incident.Record) (*world, string) {
	t.Helper()
	inv, err := inventory.Load(filepath.Join(root, "testdata/inventory/nordwall.yaml"))
	require.NoError(t, err)
	began := time.Now()
	w := &world{records: map[string]*incident.Record{}, now: time.Date(2026, 9, 14, 6, 6, 30, 0, time.UTC)}
	for _, r := range records {
		w.records[r.ID] = r
	}
	log := slog.New(slog.NewTextHandler(testWriter{t}, nil))
	command := func(words ...string) string { return strings.Join(words, " ") }
	views, err := page.Parse(command, log)
	require.NoError(t, err)
	site, err := page.New(page.Config{
		Source: w, Desk: w, Gate: &gate{person: inv.Person(person)}, People: func() *inventory.Inventory { return inv }, Command: command,
		Anchors: []string{"aware_at", "classified_at"}, Log: log, Now: func() time.Time { return w.now.Add(time.Since(began)) },
	}, views)
	require.NoError(t, err)
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	return w, server.URL
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}
