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
	// index is the place of its row in the record; rows are only ever appended, and a pointer to one would go stale then.
	index int
	// stacked is true once the act is on the undo stack.
	stacked bool
	// earlier is true if the effect is that of the closed incident which this one re-checks.
	earlier bool
	// counted is true once the objects it preserved are counted.
	counted bool
	// brief is what legal is told, frozen when the act begins: a text that changed between two tries would be told twice.
	brief *playbooks.Brief
	// hurry makes a background retry act at once.
	hurry bool
}

func (a *act) row() *incident.Step { return &a.rec.Steps[a.index] }

// errNotProved means that the effect was observed not to hold.
var errNotProved = errors.New("not proved")

func (a *act) run(ctx workflow.Context) {
	a.running[a.key()] = a
	a.row().Status = incident.Running
	if a.row().StartedAt.IsZero() {
		a.row().StartedAt = workflow.Now(ctx)
	}
	if a.row().Receipt == nil {
		a.row().Receipt = &incident.Receipt{Operation: playbooks.NewOperationID(a.rec.ID, a.rec.OpenedAt, a.step.ID, a.target.ID)}
	}
	if a.action.Role == incident.RoleNotification && a.brief == nil {
		b := playbooks.FirstBrief(a.plan.Brief, a.rec, a.plan.Brief.Clocks, a.plan.Brief.Anchors, workflow.Now(ctx))
		a.brief = &b
	}
	rounds := a.rounds()
	pause := firstPause
	for i := 1; ; i++ {
		err := a.round(ctx)
		if err == nil {
			return
		}
		a.failed(ctx, err)
		if final(err) || i >= rounds || a.over() {
			a.giveUp(ctx, final(err), pause)
			return
		}
		_, _ = workflow.AwaitWithTimeout(ctx, pause, a.over)
		pause *= 2
	}
}

func (a *act) key() string { return a.row().ID + "/" + a.row().Target }

// over reports whether people ended the trying: the incident was closed or the step was skipped.
func (a *act) over() bool { return a.closing != nil || a.skipped() != "" }

func (a *act) skipped() string {
	return firstOf(a.skips[a.key()], a.skips[a.row().ID+"/"])
}

// rounds is how often the act is tried in its place. Opening a wrong model again and again is worse than staying
// contained, so a recovery is tried once.
func (a *act) rounds() int {
	switch {
	case a.action.Role == incident.RoleRecovery:
		return 1
	case a.step.Rounds > 0:
		return a.step.Rounds
	}
	return frontRounds
}

// round captures once, acts, and verifies.
func (a *act) round(ctx workflow.Context) error {
	a.row().Attempts++
	receipt := a.row().Receipt
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
	a.event(ctx, a.row().ID, a.row().Target, "%s", a.row().Receipt.Effect.Summary)
}

func (a *act) proved(ctx workflow.Context) {
	a.row().Status, a.row().Verified, a.row().Reason = incident.Done, true, ""
	a.row().EndedAt = workflow.Now(ctx)
	facts := a.row().Receipt.Effect.Facts
	switch a.action.Role {
	case incident.RoleEvidence:
		if n, err := strconv.Atoi(facts[incident.FactObjects]); err == nil && !a.counted {
			a.rec.Evidence.Objects += n
			a.counted = true
		}
	case incident.RoleNotification:
		a.rec.Legal = incident.Legal{Channel: facts[incident.FactChannel], TS: facts[incident.FactTS], ToldAt: workflow.Now(ctx)}
	case incident.RoleContainment, incident.RoleRecovery, incident.RoleEradication:
	}
	a.event(ctx, a.row().ID, a.row().Target, "proved: %s", a.row().Receipt.Proof.Method)
}

// failed records why a round failed. The same reason is not repeated in the timeline.
func (a *act) failed(ctx workflow.Context, err error) {
	reason := cause(err)
	if reason != a.row().Reason {
		a.event(ctx, a.row().ID, a.row().Target, "failed: %s", reason)
	}
	a.row().Reason = reason
}

// giveUp ends the step's place in the order. A recovery is undone, so that its target is contained again; anything else
// that can still succeed goes on in the background.
func (a *act) giveUp(ctx workflow.Context, isFinal bool, pause time.Duration) {
	a.row().EndedAt = workflow.Now(ctx)
	a.row().Status = incident.Failed
	recovery := a.action.Role == incident.RoleRecovery
	switch {
	case a.skipped() != "":
		a.row().Status, a.row().Reason, a.row().Denied = incident.Skipped, a.skipped(), true
	case a.closing != nil, recovery && a.row().Receipt.Effect == nil:
	case recovery:
		if !a.revert(ctx) {
			a.inBackground(ctx, pause, a.revert)
		}
	case !isFinal:
		a.row().Status = incident.Retrying
		a.inBackground(ctx, pause, a.retry)
	}
	a.consequence(ctx)
}

// consequence does what the step's on_failure says.
func (a *act) consequence(ctx workflow.Context) {
	switch a.step.OnFailure {
	case playbooks.Stop:
		a.halted = fmt.Sprintf("%s failed on %s and stops the playbook", a.row().ID, a.row().Target)
		a.event(ctx, a.row().ID, a.row().Target, "no further step is started: on_failure is stop")
	case playbooks.Abort:
		a.finish(ctx, ending{by: "the playbook", reason: a.row().ID + " failed on " + a.row().Target, undo: true, aborted: true})
	case playbooks.Continue:
	}
}

// inBackground tries until it is over, a little slower each time, or at once if a person asks for it.
func (a *act) inBackground(ctx workflow.Context, pause time.Duration, try func(workflow.Context) bool) {
	a.background++
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { a.background-- }()
		for {
			_, err := workflow.AwaitWithTimeout(ctx, pause, func() bool { return a.over() || a.hurry })
			if reason := a.skipped(); reason != "" && a.closing == nil {
				a.row().Status, a.row().Reason, a.row().Denied = incident.Skipped, reason, true
			}
			if err != nil || a.over() {
				return
			}
			a.hurry = false
			if try(ctx) {
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
		a.row().Status = incident.Failed
		return true
	}
	return false
}

// revert undoes a recovery that could not be proved and reports whether that is done.
func (a *act) revert(ctx workflow.Context) bool {
	var e incident.Effect
	if err := a.stage(ctx, playbooks.Undo, &e); err != nil {
		a.event(ctx, a.row().ID, a.row().Target, "undo failed: %s", cause(err))
		return false
	}
	a.row().Receipt.Undo = &e
	if a.action.Role != incident.RoleEvidence {
		a.row().Status, a.row().Verified = incident.Undone, false
	}
	a.event(ctx, a.row().ID, a.row().Target, "undone: %s", e.Summary)
	return true
}

// stage runs one of the action's activities.
func (a *act) stage(ctx workflow.Context, stage playbooks.Stage, result any) error {
	op := playbooks.Operation{
		ID: a.row().Receipt.Operation, IncidentID: a.rec.ID, OpenedAt: a.rec.OpenedAt, Kind: a.rec.Kind, Mode: a.rec.Mode,
		Step: a.step.ID, Action: a.action.Name, Target: a.target, With: a.step.With, Store: a.plan.Store,
	}
	if stage != playbooks.Capture {
		op.Capture, op.Effect = a.row().Receipt.Capture, a.row().Receipt.Effect
	}
	op.Brief, op.Superseded = a.brief, a.superseded()
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
