package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/alert/route"
	"firebreak/internal/incident"
	"firebreak/workflows"
)

const (
	testToken     = "correct-horse-battery-staple"
	testInventory = "../../testdata/inventory/nordwall.yaml"
	loanIncident  = "incident/dataset-compromise/loan-applications@2026-07-31"
)

var received = time.Date(2026, 9, 14, 6, 0, 36, 0, time.UTC)

// fakeTemporal keeps open incidents as Temporal does: an alert starts one or joins the open one.
type fakeTemporal struct {
	mu       sync.Mutex
	open     map[string]bool
	alerts   []incident.Alert
	requests []incident.Request
	// triaged are kept by their ids, as Temporal refuses a second one.
	triaged map[string]workflows.TriageRequest
	failure error
	// block, when set, makes every delivery wait for its context.
	block bool
	// entered gets an id when a delivery begins.
	entered chan string
}

func (f *fakeTemporal) enter(ctx context.Context, a incident.Alert) error {
	if f.entered != nil {
		f.entered <- a.Asset
	}
	if f.block {
		<-ctx.Done()
		return ctx.Err()
	}
	return f.failure
}

func (f *fakeTemporal) startOrJoin(ctx context.Context, a incident.Alert, r incident.Request) (bool, error) {
	if err := f.enter(ctx, a); err != nil {
		return false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	id := incident.WorkflowID(a.Kind, a.Asset, "")
	started := !f.open[id]
	f.open[id] = true
	f.alerts = append(f.alerts, a)
	f.requests = append(f.requests, r)
	return started, nil
}

func (f *fakeTemporal) join(ctx context.Context, a incident.Alert) (bool, error) {
	if err := f.enter(ctx, a); err != nil {
		return false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.open[incident.WorkflowID(a.Kind, a.Asset, "")] {
		return false, nil
	}
	f.alerts = append(f.alerts, a)
	return true, nil
}

func (f *fakeTemporal) deliver(ctx context.Context, posted []handover) []receipt {
	out := make([]receipt, len(posted))
	for i, h := range posted {
		id := incident.WorkflowID(h.Alert.Kind, h.Alert.Asset, "")
		var yes bool
		var err error
		outcomes := map[bool]string{true: outcomeJoined, false: outcomeNoOpenIncident}
		h.alert().Raw = h.raw()
		switch {
		case h.Triage != nil:
			id, outcomes = "", map[bool]string{false: outcomeTriaged}
			err = f.triage(ctx, *h.Triage)
		case h.Request != nil:
			outcomes = map[bool]string{true: outcomeStarted, false: outcomeJoined}
			yes, err = f.startOrJoin(ctx, h.Alert, *h.Request)
		default:
			yes, err = f.join(ctx, h.Alert)
		}
		if out[i].err = err; err == nil {
			out[i] = receipt{incidentID: id, outcome: outcomes[yes]}
		}
	}
	return out
}

func (f *fakeTemporal) triage(ctx context.Context, r workflows.TriageRequest) error {
	if err := f.enter(ctx, r.Alert); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	id := workflows.TriageID(r.Alert)
	if _, there := f.triaged[id]; !there {
		if f.triaged == nil {
			f.triaged = map[string]workflows.TriageRequest{}
		}
		f.triaged[id] = r
	}
	return nil
}

// reasons lists why alerts were triaged.
func (f *fakeTemporal) reasons() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, r := range f.triaged {
		out = append(out, r.Reason)
	}
	slices.Sort(out)
	return out
}

func (f *fakeTemporal) ready(context.Context) error { return f.failure }

// lockedBuffer is a log that a server writes while a test reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newIntake(t testing.TB, f *fakeTemporal) (*intake, *lockedBuffer) {
	t.Helper()
	logs := &lockedBuffer{}
	inv, err := openInventory(testInventory, newLogger(logs))
	require.NoError(t, err)
	if f.open == nil {
		f.open = map[string]bool{}
	}
	now := func() time.Time { return received }
	in := newIntakeOf(&intake{
		inventory: inv, routing: builtInRoutes(t), mode: incident.Live, kinds: incident.Kinds(), sources: map[string]source{}, temporal: f, log: newLogger(logs), metrics: newMetrics(),
	})
	in.now = now
	for _, name := range secretSources() {
		in.sources[name] = newSource(name, []string{testToken}, now)
	}
	return in, logs
}

func builtInRoutes(t testing.TB, kinds ...incident.Kind) *routesFile {
	t.Helper()
	r, err := route.BuiltIn("", "", append(kinds, incident.Kinds()...))
	require.NoError(t, err)
	return fixedRoutes(r)
}

// fakeDesk is a Temporal for the operator's verbs.
type fakeDesk struct {
	records map[string]*incident.Record
	runs    []listed
	outcome workflows.DecisionOutcome
	err     error

	started  []incident.Request
	decided  []workflows.DecideApproval
	finished []workflows.CloseIncident
	steered  []steered
	// next, when set, is called before each look at a record.
	next   func()
	closed bool
}

func (f *fakeDesk) Close() { f.closed = true }

func (f *fakeDesk) start(_ context.Context, id string, r incident.Request) error {
	if f.err != nil {
		return f.err
	}
	if f.records[id] != nil {
		return errOpen
	}
	f.started = append(f.started, r)
	return nil
}

func (f *fakeDesk) record(_ context.Context, id, _ string) (*incident.Record, error) {
	if f.next != nil {
		f.next()
	}
	if f.err != nil {
		return nil, f.err
	}
	r := f.records[id]
	if r == nil {
		return nil, errNone
	}
	return r, nil
}

func (f *fakeDesk) list(context.Context, bool) ([]listed, error) { return f.runs, f.err }

func (f *fakeDesk) decide(_ context.Context, id string, d workflows.DecideApproval) (workflows.DecisionOutcome, error) {
	if f.records[id] == nil {
		return workflows.DecisionOutcome{}, errNone
	}
	f.decided = append(f.decided, d)
	return f.outcome, f.err
}

func (f *fakeDesk) finish(_ context.Context, id string, c workflows.CloseIncident) (workflows.DecisionOutcome, error) {
	if f.records[id] == nil {
		return workflows.DecisionOutcome{}, errNone
	}
	f.finished = append(f.finished, c)
	return f.outcome, f.err
}

// steered is one update that steers an incident.
type steered struct {
	update string
	workflows.Steer
}

func (f *fakeDesk) steer(_ context.Context, id, update string, s workflows.Steer) (workflows.DecisionOutcome, error) {
	if f.records[id] == nil {
		return workflows.DecisionOutcome{}, errNone
	}
	f.steered = append(f.steered, steered{update, s})
	return f.outcome, f.err
}

func (f *fakeDesk) access(ctx context.Context, id string, _ incident.Mode, s workflows.Steer) (workflows.DecisionOutcome, error) {
	return f.steer(ctx, id, workflows.RecordAccessUpdate, s)
}

// invocation is the outcome of one run of the program.
type invocation struct {
	code           int
	stdout, stderr string
}

// invoke runs the program on a fake Temporal; a nil desk must not be connected to.
func invoke(t *testing.T, f *fakeDesk, stdin string, env []string, args ...string) invocation {
	t.Helper()
	var stdout, stderr strings.Builder
	connected := false
	a := &app{
		stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr, env: newEnvironment(env), poll: time.Millisecond,
		now: func() time.Time { return at(600) },
		connect: func(context.Context, environment) (connection, error) {
			if f == nil {
				return nil, errors.New("connected to Temporal before the arguments were checked")
			}
			connected = true
			return f, nil
		},
	}
	out := invocation{code: a.run(t.Context(), args)}
	out.stdout, out.stderr = stdout.String(), stderr.String()
	require.NotContains(t, out.stderr, "before the arguments were checked")
	if connected {
		require.True(t, f.closed, "the connection is closed at the end")
	}
	return out
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
