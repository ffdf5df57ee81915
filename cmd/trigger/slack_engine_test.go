package main

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
	"firebreak/workflows"
)

// engine is the real workflow in Temporal's test environment, whose activities all work, as an operator of the cockpit. Calls
// come from other goroutines and are made on the environment's own.
type engine struct {
	t     *testing.T
	env   *testsuite.TestWorkflowEnvironment
	req   incident.Request
	calls chan func() (update bool)
	// sent is the update ids in the order in which they arrived.
	sent []string
}

const engineIncident = "incident/dataset-compromise/loan-applications@2026-07-31"

func newEngine(t *testing.T) *engine {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	e := &engine{t: t, env: suite.NewTestWorkflowEnvironment(), calls: make(chan func() bool), req: incident.Request{
		Kind: incident.DatasetCompromise, Asset: "loan-applications@2026-07-31", Mode: incident.Live, Requester: "ic-1", DetectedAt: received,
	}}
	e.env.SetTestTimeout(time.Minute)
	e.env.RegisterWorkflow(workflows.DatasetCompromise)
	e.env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: engineIncident, TaskQueue: workflows.TaskQueue(incident.Live)})
	register := func(name string, f any) { e.env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	register(playbooks.PlanActivity, func(_ context.Context, req incident.Request) (*playbooks.Plan, error) {
		inv, err := inventory.Load(testInventory)
		if err != nil {
			return nil, err
		}
		file, err := playbooks.Folder("../../testdata/playbooks/engine").Load(req.Kind)
		if err != nil {
			return nil, err
		}
		return playbooks.NewPlan(file, inv, req)
	})
	register(playbooks.SealActivity, func(context.Context, playbooks.SealInput) (*incident.Evidence, error) {
		return &incident.Evidence{Signer: "engine:1"}, nil
	})
	register(playbooks.RemindActivity, func(context.Context, *playbooks.Reminder) (*incident.Effect, error) { return &incident.Effect{}, nil })
	for _, a := range playbooks.Catalogue() {
		register(playbooks.ActivityName(a.Name, playbooks.Capture), func(context.Context, *playbooks.Operation) (*incident.Capture, error) {
			return &incident.Capture{}, nil
		})
		register(playbooks.ActivityName(a.Name, playbooks.Do), func(_ context.Context, op *playbooks.Operation) (*incident.Effect, error) {
			return &incident.Effect{Facts: map[string]string{incident.FactObjects: "1", incident.FactChannel: op.Target.ID, incident.FactTS: "1.1"}}, nil
		})
		register(playbooks.ActivityName(a.Name, playbooks.Verify), func(context.Context, *playbooks.Operation) (*incident.Proof, error) {
			return &incident.Proof{Proved: true}, nil
		})
		register(playbooks.ActivityName(a.Name, playbooks.Undo), func(context.Context, *playbooks.Operation) (*incident.Effect, error) { return &incident.Effect{}, nil })
	}
	return e
}

// at lets people do something after so much time of the incident. Time stands still until the incident has been asked what
// they asked, or until they were answered without it.
func (e *engine) at(d time.Duration, people func()) {
	e.env.RegisterDelayedCallback(func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			people()
		}()
		for {
			select {
			case call := <-e.calls:
				if call() {
					return
				}
			case <-done:
				return
			case <-time.After(10 * time.Second):
				e.t.Error("nothing was asked of the incident, and nobody was answered")
				return
			}
		}
	}, d)
}

// now is the record, for those who act in at.
func (e *engine) now() *incident.Record {
	v, err := e.env.QueryWorkflow(workflows.StatusQuery)
	require.NoError(e.t, err)
	var rec incident.Record
	require.NoError(e.t, v.Get(&rec))
	return &rec
}

// run runs the incident until its commander closes it, and returns the record.
func (e *engine) run() *incident.Record {
	e.env.RegisterDelayedCallback(func() {
		e.env.UpdateWorkflow(workflows.CloseIncidentUpdate, "", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { require.NoError(e.t, err) }, OnComplete: func(any, error) {},
		}, workflows.CloseIncident{Person: "ic-1", HandOverClocks: true, Reason: "done"})
	}, 2*time.Hour)
	e.env.ExecuteWorkflow(workflows.DatasetCompromiseWorkflow, e.req)
	require.NoError(e.t, e.env.GetWorkflowError())
	var rec incident.Record
	require.NoError(e.t, e.env.GetWorkflowResult(&rec))
	return &rec
}

func (e *engine) start(context.Context, string, incident.Request) error { return errOpen }

func (e *engine) list(context.Context, bool) ([]listed, error) {
	return []listed{{id: engineIncident, run: "run"}}, nil
}

func (e *engine) record(_ context.Context, id, _ string) (*incident.Record, error) {
	if id != engineIncident {
		return nil, errNone
	}
	answer := make(chan *incident.Record, 1)
	e.calls <- func() bool {
		answer <- e.now()
		return false
	}
	return <-answer, nil
}

func (e *engine) update(ctx context.Context, id, name string, arg any) (workflows.DecisionOutcome, error) {
	if id != engineIncident {
		return workflows.DecisionOutcome{}, errNone
	}
	type result struct {
		outcome workflows.DecisionOutcome
		err     error
	}
	answer := make(chan result, 1)
	e.calls <- func() bool {
		e.sent = append(e.sent, updateID(ctx))
		e.env.UpdateWorkflow(name, updateID(ctx), &testsuite.TestUpdateCallback{
			OnAccept: func() {},
			OnReject: func(err error) { answer <- result{err: err} },
			OnComplete: func(v any, err error) {
				outcome, _ := v.(workflows.DecisionOutcome)
				answer <- result{outcome, err}
			},
		}, arg)
		return true
	}
	r := <-answer
	return r.outcome, r.err
}

func (e *engine) decide(ctx context.Context, id string, d workflows.DecideApproval) (workflows.DecisionOutcome, error) {
	return e.update(ctx, id, workflows.DecideApprovalUpdate, d)
}

func (e *engine) finish(ctx context.Context, id string, c workflows.CloseIncident) (workflows.DecisionOutcome, error) {
	return e.update(ctx, id, workflows.CloseIncidentUpdate, c)
}

func (e *engine) steer(ctx context.Context, id, update string, s workflows.Steer) (workflows.DecisionOutcome, error) {
	return e.update(ctx, id, update, s)
}

func (e *engine) access(ctx context.Context, id string, _ incident.Mode, s workflows.Steer) (workflows.DecisionOutcome, error) {
	return e.steer(ctx, id, workflows.RecordAccessUpdate, s)
}
