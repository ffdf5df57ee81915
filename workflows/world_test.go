package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
	"firebreak/workflows"
)

// world is a Temporal test environment in which every activity of the catalogue works, is written down, and can be told
// to fail. Time is skipped.
type world struct {
	*testsuite.TestWorkflowEnvironment
	t   *testing.T
	req incident.Request

	mu    sync.Mutex
	calls []string
	// fail maps "step/target stage" to what the calls do instead, in turn; the last one stays.
	fail map[string][]func() error
	// unproved holds the "step/target" whose verification observes that the effect does not hold.
	unproved map[string]bool
	// before is the incident that a recheck repeats.
	before incident.Record
	// accesses are those that were to be recorded in the chain of custody.
	accesses []playbooks.RecordAccess
	// updates are those of the thread.
	updates []playbooks.ThreadUpdate
	// signer is the key that signs manifests; none while what signs is away.
	signer string
	// channel is where the incident's thread is; none if empty.
	channel string
	// change alters the playbook before it is planned.
	change func(*playbooks.Playbook)
}

func newWorld(t *testing.T, kind incident.Kind, asset string) *world {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	w := &world{
		TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t,
		req: incident.Request{Kind: kind, Asset: asset, Mode: incident.Live, Requester: "alertmanager",
			DetectedAt: time.Date(2026, 9, 14, 8, 0, 0, 0, time.UTC)},
		fail: map[string][]func() error{}, unproved: map[string]bool{}, signer: "evidence:1",
	}
	w.SetTestTimeout(time.Minute)
	w.RegisterWorkflow(workflows.BackdoorDiscovery)
	w.RegisterWorkflow(workflows.ExtractionEvent)
	w.RegisterWorkflow(workflows.DatasetCompromise)
	w.RegisterWorkflow(workflows.Custom)
	w.SetStartWorkflowOptions(startOptions(kind, asset))
	register := func(name string, f any) {
		w.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	register(playbooks.PlanActivity, w.plan)
	register(playbooks.SealActivity, w.seal)
	register(playbooks.RemindActivity, func(_ context.Context, m *playbooks.Reminder) (*incident.Effect, error) {
		return &incident.Effect{Summary: "reminded", Changed: true}, w.next("remind " + m.ID)
	})
	register(playbooks.PreviousActivity, func(_ context.Context, id string) (*incident.Record, error) {
		return &w.before, w.next("previous " + id)
	})
	register(playbooks.KeepAlertActivity, func(_ context.Context, in playbooks.KeepAlert) (*playbooks.KeptAlert, error) {
		return &playbooks.KeptAlert{URI: "s3://evidence/" + in.Alert.RawSHA256}, w.next("keep " + string(in.Alert.Raw))
	})
	register(playbooks.RecordAccessActivity, func(_ context.Context, in playbooks.RecordAccess) (*playbooks.RecordedAccess, error) {
		w.mu.Lock()
		w.accesses = append(w.accesses, in)
		w.mu.Unlock()
		return &playbooks.RecordedAccess{Number: 7}, w.next("access " + in.Evidence)
	})
	register(playbooks.OncallActivity, func(_ context.Context, mode incident.Mode) (*playbooks.Oncall, error) {
		inv, err := inventory.Load("../testdata/inventory/nordwall.yaml")
		if err != nil {
			return nil, err
		}
		return &playbooks.Oncall{Store: inventory.Store{Bucket: "of " + string(mode)}, People: inv.People}, w.next("oncall")
	})
	register(playbooks.ThreadActivity, w.thread)
	for _, a := range playbooks.Catalogue() {
		register(playbooks.ActivityName(a.Name, playbooks.Capture), func(_ context.Context, op *playbooks.Operation) (*incident.Capture, error) {
			return &incident.Capture{Summary: "captured"}, w.call(op, playbooks.Capture)
		})
		register(playbooks.ActivityName(a.Name, playbooks.Do), func(_ context.Context, op *playbooks.Operation) (*incident.Effect, error) {
			return &incident.Effect{Summary: "did", Changed: true, Facts: map[string]string{
				incident.FactObjects: "2", incident.FactChannel: op.Target.ID, incident.FactTS: "1.1"}}, w.call(op, playbooks.Do)
		})
		register(playbooks.ActivityName(a.Name, playbooks.Verify), func(_ context.Context, op *playbooks.Operation) (*incident.Proof, error) {
			err := w.call(op, playbooks.Verify)
			w.mu.Lock()
			defer w.mu.Unlock()
			return &incident.Proof{Proved: !w.unproved[op.Step+"/"+op.Target.ID], Method: "looked"}, err
		})
		register(playbooks.ActivityName(a.Name, playbooks.Undo), func(_ context.Context, op *playbooks.Operation) (*incident.Effect, error) {
			return &incident.Effect{Summary: "took back"}, w.call(op, playbooks.Undo)
		})
	}
	return w
}

func (w *world) plan(_ context.Context, req incident.Request) (*playbooks.Plan, error) {
	if err := w.next("plan"); err != nil {
		return nil, err
	}
	inv, err := inventory.Load("../testdata/inventory/nordwall.yaml")
	if err != nil {
		return nil, err
	}
	file, err := playbooks.Folder("../testdata/playbooks/engine").Load(req.Kind)
	if err != nil {
		return nil, err
	}
	if w.change != nil {
		w.change(file.Playbook)
	}
	plan, err := playbooks.NewPlan(file, inv, req)
	if err != nil {
		return nil, temporal.NewNonRetryableApplicationError(err.Error(), "Refused", nil)
	}
	plan.Oncall.Channel = w.channel
	return plan, nil
}

func (w *world) thread(_ context.Context, in playbooks.ThreadUpdate) (*incident.Thread, error) {
	if err := w.next("thread"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.updates = append(w.updates, in)
	return &incident.Thread{Channel: in.Thread.Channel, TS: "1.1", Shown: in.Thread.Shown + len(in.Record.Timeline)}, nil
}

func (w *world) seal(context.Context, playbooks.SealInput) (*incident.Evidence, error) {
	return &incident.Evidence{Manifest: "s3://evidence/manifest?versionId=1", SHA256: "00", Signer: w.signer}, w.next("seal")
}

func (w *world) call(op *playbooks.Operation, stage playbooks.Stage) error {
	return w.next(fmt.Sprintf("%s/%s %s", op.Step, op.Target.ID, stage))
}

// next writes the call down and returns the failure that is in line for it, if any.
func (w *world) next(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, name)
	line := w.fail[name]
	if len(line) == 0 {
		return nil
	}
	if len(line) > 1 {
		w.fail[name] = line[1:]
	}
	return line[0]()
}

func works() error { return nil }
func down() error  { return errors.New("connection refused") }
func refused() error {
	return temporal.NewNonRetryableApplicationError("no adapter", "Unsupported", nil)
}

// at schedules f after d of workflow time.
func (w *world) at(d time.Duration, f func()) { w.RegisterDelayedCallback(f, d) }

// decide answers an approval after d; outcome receives what the person is told.
func (w *world) decide(d time.Duration, step, person string, approve bool, outcome *workflows.DecisionOutcome) {
	w.at(d, func() {
		w.update(workflows.DecideApprovalUpdate, outcome, workflows.DecideApproval{
			Step: step, Person: person, Approve: approve, PlanDigest: w.status().PlanDigest, Via: "test"})
	})
}

func (w *world) update(name string, outcome *workflows.DecisionOutcome, arg any) {
	w.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
		OnAccept: func() {},
		OnReject: func(err error) { require.NoError(w.t, err) },
		OnComplete: func(v any, err error) {
			require.NoError(w.t, err)
			if outcome != nil {
				*outcome = v.(workflows.DecisionOutcome)
			}
		},
	}, arg)
}

// steerAt asks something of the open incident after d.
func (w *world) steerAt(d time.Duration, update string, in workflows.Steer) *workflows.DecisionOutcome {
	var outcome workflows.DecisionOutcome
	w.at(d, func() { w.update(update, &outcome, in) })
	return &outcome
}

// setUnproved makes the verification of a target fail or succeed from now on.
func (w *world) setUnproved(key string, unproved bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unproved[key] = unproved
}

// closeAt ends the incident, as the incident commander does.
func (w *world) closeAt(d time.Duration, falsePositive bool) {
	w.at(d, func() {
		w.update(workflows.CloseIncidentUpdate, nil, workflows.CloseIncident{Person: "ic-1", FalsePositive: falsePositive, HandOverClocks: !falsePositive, Reason: "done"})
	})
}

func (w *world) status() incident.Record {
	v, err := w.QueryWorkflow(workflows.StatusQuery)
	require.NoError(w.t, err)
	var rec incident.Record
	require.NoError(w.t, v.Get(&rec))
	return rec
}

// run executes the workflow to its end and returns the record.
func (w *world) run() incident.Record {
	w.t.Helper()
	w.ExecuteWorkflow(workflows.WorkflowType(w.req.Kind), w.req)
	require.True(w.t, w.IsWorkflowCompleted())
	require.NoError(w.t, w.GetWorkflowError())
	var rec incident.Record
	require.NoError(w.t, w.GetWorkflowResult(&rec))
	return rec
}

// sequence returns the calls of the steps, without their targets' names where a step has one target.
func (w *world) sequence(steps ...string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, c := range w.calls {
		for _, s := range steps {
			if strings.HasPrefix(c, s+"/") {
				out = append(out, c)
			}
		}
	}
	return out
}

func (w *world) count(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.calls {
		if c == name {
			n++
		}
	}
	return n
}

func step(t *testing.T, rec incident.Record, id, target string) incident.Step {
	t.Helper()
	for _, s := range rec.Steps {
		if s.ID == id && s.Target == target {
			return s
		}
	}
	require.Failf(t, "no such step", "%s on %s", id, target)
	return incident.Step{}
}

// texts are the lines of a timeline.
func texts(events []incident.Event) []string {
	out := make([]string, 0, len(events))
	for _, e := range events {
		out = append(out, e.What)
	}
	return out
}

// onStep changes one step of the playbook.
func onStep(id string, change func(*playbooks.Step)) func(*playbooks.Playbook) {
	return func(pb *playbooks.Playbook) {
		pb.Walk(func(_ string, s *playbooks.Step) {
			if s.ID == id {
				change(s)
			}
		})
	}
}
