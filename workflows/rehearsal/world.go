package rehearsal

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"firebreak/internal/incident"
	"firebreak/playbooks"
	"firebreak/workflows"
)

// stuck is how long nothing at all may happen, in real time, before a run is given up.
const stuck = time.Minute

// world is Temporal's test environment with activities that do what the case says.
type world struct {
	*stage
	c   *Case
	env *testsuite.TestWorkflowEnvironment

	// mu guards calls, left, met and over: activities run beside the workflow.
	mu    sync.Mutex
	calls []Call
	// left is how many calls each given is still about; met is whether it ever was about one.
	left []int
	met  []bool
	// over is true once the expectations' moment has passed: from then on everything works, so that the run can end.
	over bool

	acts []*acting
	// prompting is true while a look for what is newly asked is due.
	prompting bool
	// plan is the digest of the first plan.
	plan string
	// last is the state that was seen at the last look, empty while something is waited for; endings is how often the
	// incident was seen to have been ended by people or by the playbook.
	last    string
	endings int
	// settled and seen are what the expectations are held against, final the record after the end.
	settled, final *incident.Record
	seen           []Call
	failure        error
}

func newWorld(c *Case, s *stage) *world {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	w := &world{stage: s, c: c, env: suite.NewTestWorkflowEnvironment(), met: make([]bool, len(c.Given))}
	for _, g := range c.Given {
		w.left = append(w.left, g.Times)
	}
	w.env.SetTestTimeout(stuck)
	w.env.SetStartTime(c.opened())
	w.env.SetDetachedChildWait(false)
	w.env.RegisterWorkflow(workflows.BackdoorDiscovery)
	w.env.RegisterWorkflow(workflows.ExtractionEvent)
	w.env.RegisterWorkflow(workflows.DatasetCompromise)
	w.env.RegisterWorkflow(workflows.Custom)
	w.env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: c.workflowID(s.kind), TaskQueue: c.taskQueue()})
	w.register()
	return w
}

func (w *world) register() {
	register := func(name string, f any) {
		w.env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	register(playbooks.PlanActivity, w.makePlan)
	register(playbooks.SealActivity, w.seal)
	register(playbooks.RemindActivity, w.remind)
	register(playbooks.ThreadActivity, w.thread)
	for _, a := range playbooks.Catalogue() {
		register(playbooks.ActivityName(a.Name, playbooks.Capture), w.capture)
		register(playbooks.ActivityName(a.Name, playbooks.Do), w.do)
		register(playbooks.ActivityName(a.Name, playbooks.Verify), w.verify)
		register(playbooks.ActivityName(a.Name, playbooks.Undo), w.undo)
	}
}

func (w *world) makePlan(_ context.Context, req incident.Request) (*playbooks.Plan, error) {
	if _, err := w.next(Call{Step: playbooks.PlanActivity}); err != nil {
		return nil, err
	}
	plan, err := playbooks.NewPlan(w.books[req.Kind], w.inv, req)
	if err != nil {
		return nil, temporal.NewNonRetryableApplicationError(fmt.Sprintf("plan %s for %s: %v", req.Kind, req.Asset, err), "Refused", nil)
	}
	return plan, nil
}

func (w *world) seal(context.Context, playbooks.SealInput) (*incident.Evidence, error) {
	if _, err := w.next(Call{Step: playbooks.SealActivity}); err != nil {
		return nil, err
	}
	return &incident.Evidence{Manifest: "s3://rehearsal/manifest.json?versionId=1", Signer: "rehearsal:1", SHA256: strings.Repeat("0", 64)}, nil
}

func (w *world) remind(_ context.Context, m *playbooks.Reminder) (*incident.Effect, error) {
	_, err := w.next(Call{Step: playbooks.RemindActivity})
	return &incident.Effect{Summary: "reminded", Changed: true, At: w.env.Now()}, err
}

// thread is no call of a case: what a thread shows follows from the rest.
func (w *world) thread(_ context.Context, in playbooks.ThreadUpdate) (*incident.Thread, error) {
	out := in.Thread
	out.TS, out.Shown = "1789372800.000200", in.Thread.Shown+len(in.Record.Timeline)
	return &out, nil
}

func (w *world) capture(_ context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	_, err := w.next(w.call(op, playbooks.Capture))
	return &incident.Capture{Summary: "captured " + op.Target.ID, At: w.env.Now()}, err
}

func (w *world) do(_ context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	_, err := w.next(w.call(op, playbooks.Do))
	facts := map[string]string{incident.FactObjects: "1", incident.FactChannel: op.Target.ID, incident.FactTS: "1789372800.000100"}
	return &incident.Effect{Summary: op.Action + " on " + op.Target.ID, Changed: true, Facts: facts, At: w.env.Now()}, err
}

func (w *world) verify(_ context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	unproved, err := w.next(w.call(op, playbooks.Verify))
	p := &incident.Proof{Proved: unproved == nil, Method: "rehearsed", At: w.env.Now()}
	if unproved != nil && unproved.Reason != "" {
		p.Method = unproved.Reason
	}
	return p, err
}

func (w *world) undo(_ context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	_, err := w.next(w.call(op, playbooks.Undo))
	return &incident.Effect{Summary: "restored " + op.Target.ID, Changed: true, At: w.env.Now()}, err
}

func (w *world) call(op *playbooks.Operation, stage playbooks.Stage) Call {
	step := op.Step
	if op.Kind != w.kind {
		step = string(op.Kind) + ":" + step
	}
	return Call{Step: step, Target: op.Target.ID, Stage: stage}
}

// now is the workflow time since the incident was opened.
func (w *world) now() time.Duration { return w.env.Now().Sub(w.c.opened()) }

// next writes the call down and returns what the case says of it: an error, or the given that leaves it unproved.
func (w *world) next(c Call) (unproved *Given, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.At = w.now()
	i := w.given(c)
	c.Failed = i >= 0
	w.calls = append(w.calls, c)
	if i < 0 {
		return nil, nil
	}
	w.met[i] = true
	g := &w.c.Given[i]
	if g.Times > 0 {
		w.left[i]--
	}
	switch {
	case g.Unproved:
		return g, nil
	case g.Refuse != "":
		text := g.Reason
		if text == "" {
			text = "refused: " + g.Refuse
		}
		return nil, temporal.NewNonRetryableApplicationError(text, g.Refuse, nil)
	}
	return nil, temporal.NewApplicationError(g.Fail, "Failure")
}

// given is the index of the first given that is about the call now, or -1.
func (w *world) given(c Call) int {
	for i, g := range w.c.Given {
		inTime := c.At >= g.From && (g.Until == 0 || c.At < g.Until)
		inCount := g.Times == 0 || w.left[i] > 0
		if !w.over && inTime && inCount && g.pattern().fits(c) {
			return i
		}
	}
	return -1
}

func (g *Given) pattern() pattern {
	if ofIncident(g.Step) {
		return pattern{step: g.Step}
	}
	return pattern{step: g.Step, target: g.Target, stage: g.Stage}
}
