package workflows

import (
	"cmp"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// accessWithin bounds how long recording an access is tried: a person waits for the answer.
const accessWithin = 20 * time.Second

// defaultHandling is what somebody did who does not say.
const defaultHandling = "read"

// recordAccess adds to the chain of custody that a person handled evidence. The next manifest has the link.
func (r *response) recordAccess(ctx workflow.Context, in Steer) string {
	p := r.person(in.Person)
	link, refusal := access(r.options(ctx, playbooks.EvidenceQueue, accessWithin), p, in, playbooks.RecordAccess{
		ID: workflow.GetCurrentUpdateInfo(ctx).ID, IncidentID: r.rec.ID, Mode: r.rec.Mode, Store: r.plan.Store, Evidence: r.rec.Evidence.Manifest,
	})
	if refusal != "" {
		return refusal
	}
	r.event(ctx, "", "", "evidence: %s of %s by %s is link %d of the chain of custody: %s", link.Action, link.Evidence, p.ID, link.number, in.Reason)
	return ""
}

// recorded is what was recorded, and as which link.
type recorded struct {
	playbooks.RecordAccess
	number int
}

// access records what in says of evidence, which is the sealed manifest unless in names another object.
func access(ctx workflow.Context, p *inventory.Person, in Steer, link playbooks.RecordAccess) (*recorded, string) {
	link.Person, link.Action, link.Evidence = p.ID, cmp.Or(in.Handling, defaultHandling), cmp.Or(in.Evidence, link.Evidence)
	link.Reason, link.Authority, link.At = in.Reason, in.Authority, workflow.Now(ctx)
	if link.Evidence == "" {
		return nil, "no manifest is sealed yet; name the object"
	}
	var out playbooks.RecordedAccess
	if err := workflow.ExecuteActivity(ctx, playbooks.RecordAccessActivity, link).Get(ctx, &out); err != nil {
		return nil, cause(err)
	}
	return &recorded{link, out.Number}, ""
}

// EvidenceAccess records that a person handled evidence of an incident that is closed: its workflow has ended, its evidence
// is read all the same. What is refused is an outcome and no error.
func EvidenceAccess(ctx workflow.Context, req AccessRequest) (*DecisionOutcome, error) {
	refused := func(format string, args ...any) (*DecisionOutcome, error) {
		return &DecisionOutcome{Message: fmt.Sprintf(format, args...)}, nil
	}
	on := func(mode incident.Mode, queue playbooks.Queue) workflow.Context {
		if mode == incident.Drill {
			queue = playbooks.DrillQueue
		}
		return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue: string(queue), StartToCloseTimeout: accessWithin, HeartbeatTimeout: heartbeat, WaitForCancellation: true,
			RetryPolicy: &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 5 * time.Second, MaximumAttempts: stageAttempts},
		})
	}
	if req.Reason == "" {
		return refused("%s needs a reason", RecordAccessUpdate)
	}
	// Whoever starts this chose the queue, and with it the worker of the mode.
	mode := incident.Live
	if workflow.GetInfo(ctx).TaskQueueName == string(playbooks.DrillQueue) {
		mode = incident.Drill
	}
	var rec incident.Record
	if err := workflow.ExecuteActivity(on(mode, playbooks.ContainQueue), playbooks.PreviousActivity, req.Incident).Get(ctx, &rec); err != nil {
		return refused("%s", cause(err))
	}
	if rec.Mode != mode {
		return refused("%s is a %s incident", rec.ID, rec.Mode)
	}
	var who playbooks.Oncall
	if err := workflow.ExecuteActivity(on(mode, playbooks.ContainQueue), playbooks.OncallActivity, mode).Get(ctx, &who); err != nil {
		return refused("%s", cause(err))
	}
	p := personOf(who.People, req.Person)
	if p == nil {
		return refused("%s is not in the inventory", req.Person)
	}
	_, refusal := access(on(mode, playbooks.EvidenceQueue), p, req.Steer, playbooks.RecordAccess{
		ID: req.ID, IncidentID: rec.ID, Mode: mode, Store: who.Store, Evidence: rec.Evidence.Manifest,
	})
	if refusal != "" {
		return refused("%s", refusal)
	}
	return &DecisionOutcome{Accepted: true, Message: RecordAccessUpdate + ": done"}, nil
}
