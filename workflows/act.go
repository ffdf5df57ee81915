package workflows

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// The rounds of an act. In its place in the order a step gets a few, so that one dead server does not hold up the rest;
// after that it goes on in the background until it is proved or the incident is closed.
const (
	frontRounds   = 3
	firstPause    = time.Second
	longestPause  = time.Minute
	heartbeat     = 5 * time.Second
	stageAttempts = 3
)

// act is one action on one target: capture, do, verify.
type act struct {
	*response
	step   *playbooks.Step
	action playbooks.Action
	target inventory.Target
	row    *incident.Step
	// stacked is true once the act is on the undo stack.
	stacked bool
}

// errNotProved means that the effect was observed not to hold.
var errNotProved = errors.New("not proved")

func (a *act) run(ctx workflow.Context) {
	a.row.Status = incident.Running
	a.row.StartedAt = workflow.Now(ctx)
	a.row.Receipt = &incident.Receipt{Operation: playbooks.NewOperationID(a.rec.ID, a.step.ID, a.target.ID)}
	rounds := frontRounds
	if a.action.Role == incident.RoleRecovery {
		// Opening a wrong model again and again is worse than staying contained.
		rounds = 1
	}
	pause := firstPause
	for i := 1; ; i++ {
		err := a.round(ctx)
		if err == nil {
			return
		}
		a.failed(ctx, err)
		if final(err) || i == rounds || a.closing != nil {
			a.giveUp(ctx, final(err), pause)
			return
		}
		_ = workflow.Sleep(ctx, pause)
		pause *= 2
	}
}

// round captures once, acts, and verifies.
func (a *act) round(ctx workflow.Context) error {
	a.row.Attempts++
	receipt := a.row.Receipt
	if receipt.Capture == nil {
		var c incident.Capture
		if err := a.stage(ctx, playbooks.Capture, &c); err != nil {
			return fmt.Errorf("capture: %w", err)
		}
		receipt.Capture = &c
	}
	var e incident.Effect
	if err := a.stage(ctx, playbooks.Do, &e); err != nil {
		return fmt.Errorf("do: %w", err)
	}
	e.Changed = e.Changed || receipt.Effect != nil && receipt.Effect.Changed
	receipt.Effect = &e
	a.stack(ctx)
	var p incident.Proof
	if err := a.stage(ctx, playbooks.Verify, &p); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	receipt.Proof = &p
	if !p.Proved {
		return fmt.Errorf("%w: %s", errNotProved, p.Method)
	}
	a.proved(ctx)
	return nil
}

// stack puts the act on the undo stack as soon as it took place, proved or not.
func (a *act) stack(ctx workflow.Context) {
	if a.stacked {
		return
	}
	a.stacked = true
	a.acts = append(a.acts, a)
	a.event(ctx, a.row.ID, a.row.Target, "%s", a.row.Receipt.Effect.Summary)
}

func (a *act) proved(ctx workflow.Context) {
	a.row.Status, a.row.Verified, a.row.Reason = incident.Done, true, ""
	a.row.EndedAt = workflow.Now(ctx)
	facts := a.row.Receipt.Effect.Facts
	switch a.action.Role {
	case incident.RoleEvidence:
		if n, err := strconv.Atoi(facts[incident.FactObjects]); err == nil {
			a.rec.Evidence.Objects += n
		}
	case incident.RoleNotification:
		a.rec.Legal = incident.Legal{Channel: facts[incident.FactChannel], TS: facts[incident.FactTS], ToldAt: workflow.Now(ctx)}
	case incident.RoleContainment, incident.RoleRecovery:
	}
	a.event(ctx, a.row.ID, a.row.Target, "proved: %s", a.row.Receipt.Proof.Method)
}

// failed records why a round failed. The same reason is not repeated in the timeline.
func (a *act) failed(ctx workflow.Context, err error) {
	reason := cause(err)
	if reason != a.row.Reason {
		a.event(ctx, a.row.ID, a.row.Target, "failed: %s", reason)
	}
	a.row.Reason = reason
}

// giveUp ends the step's place in the order. A recovery is undone, so that its target is contained again; anything else
// that can still succeed goes on in the background.
func (a *act) giveUp(ctx workflow.Context, isFinal bool, pause time.Duration) {
	a.row.EndedAt = workflow.Now(ctx)
	a.row.Status = incident.Failed
	recovery := a.action.Role == incident.RoleRecovery
	if recovery && a.row.Receipt.Effect == nil || isFinal && !recovery || a.closing != nil {
		return
	}
	a.background++
	try := a.retry
	if recovery {
		try = a.revert
		if a.revert(ctx) {
			a.background--
			return
		}
	} else {
		a.row.Status = incident.Retrying
	}
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { a.background-- }()
		for a.closing == nil {
			ok, err := workflow.AwaitWithTimeout(ctx, pause, func() bool { return a.closing != nil })
			if ok || err != nil || try(ctx) {
				return
			}
			pause = min(2*pause, longestPause)
		}
	})
}

// retry runs one more round and reports whether the background work is over.
func (a *act) retry(ctx workflow.Context) bool {
	err := a.round(ctx)
	if err == nil {
		return true
	}
	a.failed(ctx, err)
	if final(err) {
		a.row.Status = incident.Failed
		return true
	}
	return false
}

// revert undoes a recovery that could not be proved and reports whether that is done.
func (a *act) revert(ctx workflow.Context) bool {
	var e incident.Effect
	if err := a.stage(ctx, playbooks.Undo, &e); err != nil {
		a.event(ctx, a.row.ID, a.row.Target, "undo failed: %s", cause(err))
		return false
	}
	a.row.Receipt.Undo = &e
	if a.action.Role != incident.RoleEvidence {
		a.row.Status, a.row.Verified = incident.Undone, false
	}
	a.event(ctx, a.row.ID, a.row.Target, "undone: %s", e.Summary)
	return true
}

// stage runs one of the action's activities.
func (a *act) stage(ctx workflow.Context, stage playbooks.Stage, result any) error {
	op := playbooks.Operation{
		ID: a.row.Receipt.Operation, IncidentID: a.rec.ID, Kind: a.rec.Kind, Mode: a.rec.Mode,
		Step: a.step.ID, Action: a.action.Name, Target: a.target, With: a.step.With, Store: a.plan.Store,
	}
	if stage != playbooks.Capture {
		op.Capture, op.Effect = a.row.Receipt.Capture, a.row.Receipt.Effect
	}
	if a.action.Role == incident.RoleNotification {
		op.Brief = &a.plan.Brief
	}
	ctx = a.options(ctx, a.action.Queue, a.step.Timeout)
	return workflow.ExecuteActivity(ctx, playbooks.ActivityName(a.action.Name, stage), op).Get(ctx, result)
}

// options sets every time limit of an activity: one attempt, and the heartbeat after which a killed worker's attempt is
// given to another. The time to start is not bounded: containment waits for a worker for ever.
func (r *response) options(ctx workflow.Context, queue playbooks.Queue, timeout time.Duration) workflow.Context {
	if r.rec.Mode == incident.Drill {
		queue = playbooks.DrillQueue
	}
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           string(queue),
		StartToCloseTimeout: timeout,
		HeartbeatTimeout:    heartbeat,
		WaitForCancellation: true,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 5 * time.Second, MaximumAttempts: stageAttempts,
		},
	})
}

// final reports whether trying again cannot help: the activity said so.
func final(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.NonRetryable()
}

// cause returns the text that a person needs: the activity's own error without Temporal's wrapping.
func cause(err error) string {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return app.Message()
	}
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return fmt.Sprintf("timed out (%s)", timeout.TimeoutType())
	}
	return err.Error()
}
