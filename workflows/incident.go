package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// BackdoorDiscovery responds to a model that carries a backdoor (MITRE ATLAS AML.T0018).
func BackdoorDiscovery(ctx workflow.Context, req incident.Request) (*incident.Record, error) {
	return respond(ctx, incident.BackdoorDiscovery, req)
}

// ExtractionEvent responds to the extraction of a model at scale (MITRE ATLAS AML.T0024).
func ExtractionEvent(ctx workflow.Context, req incident.Request) (*incident.Record, error) {
	return respond(ctx, incident.ExtractionEvent, req)
}

// DatasetCompromise responds to a training dataset that was altered or exposed (MITRE ATLAS AML.T0020).
func DatasetCompromise(ctx workflow.Context, req incident.Request) (*incident.Record, error) {
	return respond(ctx, incident.DatasetCompromise, req)
}

// planRetry is how long the engine waits before it reads a faulty playbook or inventory again. The incident stays open
// meanwhile, so that mending the file is enough.
const planRetry = 15 * time.Second

// response is one incident being run.
type response struct {
	req  incident.Request
	plan *playbooks.Plan
	rec  *incident.Record
	// ended holds the ids of the steps that have ended, whatever their outcome; siblings in a parallel set wait on it.
	ended map[string]bool
	// acts are the effects that took place, oldest first; a false positive undoes them newest first.
	acts []*act
	// closing is set once by the close-incident update.
	closing *CloseIncident
	// background counts retries that still run after their step gave up its place in the order.
	background int
	// messages are the notifications under way.
	messages workflow.WaitGroup
}

func respond(ctx workflow.Context, kind incident.Kind, req incident.Request) (*incident.Record, error) {
	if req.Kind != kind || req.Asset == "" {
		return nil, temporal.NewNonRetryableApplicationError(
			fmt.Sprintf("a %s workflow was started for kind %q and asset %q", kind, req.Kind, req.Asset), "Invalid", nil)
	}
	r := &response{
		req:      req,
		ended:    map[string]bool{},
		messages: workflow.NewWaitGroup(ctx),
		rec: &incident.Record{
			ID: workflow.GetInfo(ctx).WorkflowExecution.ID, Kind: kind, Asset: req.Asset, Mode: req.Mode,
			Requester: req.Requester, Summary: req.Summary, Progress: incident.Opening,
			DetectedAt: req.DetectedAt, OpenedAt: workflow.Now(ctx),
		},
	}
	if err := r.handlers(ctx); err != nil {
		return nil, err
	}
	r.event(ctx, "", "", "incident opened by %s for %s", req.Requester, req.Asset)
	if err := r.resolve(ctx); err != nil {
		return nil, err
	}
	if r.plan != nil {
		r.run(ctx)
	}
	// A retry that is still under way must end before anything is undone, or it would do again what undo takes back.
	if err := workflow.Await(ctx, func() bool { return r.closing != nil && r.background == 0 }); err != nil {
		return nil, err
	}
	r.close(ctx)
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return nil, err
	}
	return r.rec, nil
}

// handlers installs the query, the updates and the reader of alerts.
func (r *response) handlers(ctx workflow.Context) error {
	err := workflow.SetQueryHandler(ctx, StatusQuery, func() (*incident.Record, error) {
		r.judge()
		return r.rec, nil
	})
	if err != nil {
		return fmt.Errorf("set query handler: %w", err)
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, DecideApprovalUpdate, r.decide, workflow.UpdateHandlerOptions{
		Validator: func(d DecideApproval) error { return wellFormed(d.Step, d.Person) },
	})
	if err != nil {
		return fmt.Errorf("set approval handler: %w", err)
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, CloseIncidentUpdate, r.requestClose, workflow.UpdateHandlerOptions{
		Validator: func(c CloseIncident) error { return wellFormed("-", c.Person) },
	})
	if err != nil {
		return fmt.Errorf("set close handler: %w", err)
	}
	workflow.Go(ctx, r.alerts)
	return nil
}

// wellFormed is all that a validator may refuse: what it rejects leaves no trace in history.
func wellFormed(step, person string) error {
	if step == "" || person == "" {
		return errors.New("step and person must not be empty")
	}
	return nil
}

// keptAlerts bounds how many alerts the record keeps; the rest is only counted.
const keptAlerts = 20

// alerts joins every further alert to the open incident.
func (r *response) alerts(ctx workflow.Context) {
	in := workflow.GetSignalChannel(ctx, AlertSignal)
	for {
		var a incident.Alert
		if !in.Receive(ctx, &a) {
			return
		}
		r.rec.AlertCount++
		if r.known(a) {
			continue
		}
		if len(r.rec.Alerts) < keptAlerts {
			r.rec.Alerts = append(r.rec.Alerts, a)
		}
		state := "firing"
		if a.Resolved {
			state = "resolved"
		}
		r.event(ctx, "", "", "alert from %s joined (%s)", a.Source, state)
	}
}

func (r *response) known(a incident.Alert) bool {
	for i := range r.rec.Alerts {
		if r.rec.Alerts[i].Key == a.Key && r.rec.Alerts[i].Resolved == a.Resolved {
			return true
		}
	}
	return false
}

// resolve makes the plan. A request that can never be planned fails the workflow before anything was touched; a faulty
// file keeps the incident open and is read again until it is mended.
func (r *response) resolve(ctx workflow.Context) error {
	last := ""
	for r.closing == nil {
		var plan playbooks.Plan
		err := workflow.ExecuteActivity(r.options(ctx, playbooks.ContainQueue, time.Minute), playbooks.PlanActivity, r.req).Get(ctx, &plan)
		if err == nil {
			r.adopt(ctx, &plan)
			return nil
		}
		if temporal.IsCanceledError(err) {
			return err
		}
		var app *temporal.ApplicationError
		if errors.As(err, &app) && app.Type() == "Refused" {
			return err
		}
		if reason := cause(err); reason != last {
			r.event(ctx, "", "", "the plan could not be made; trying again every %s: %s", planRetry, reason)
			last = reason
		}
		if _, err := workflow.AwaitWithTimeout(ctx, planRetry, func() bool { return r.closing != nil }); err != nil {
			return err
		}
	}
	return nil
}

// adopt takes the plan as the incident's own and lays out every step, so that status shows from the start what is to come.
func (r *response) adopt(ctx workflow.Context, plan *playbooks.Plan) {
	r.plan = plan
	r.plan.Brief.IncidentID = r.rec.ID
	r.rec.PlanDigest = plan.Digest
	r.rec.Radius = plan.Radius
	r.rec.Playbook = incident.PlaybookRef{File: plan.File, Title: plan.Playbook.Title, Digest: plan.PlaybookDigest, InventoryDigest: plan.InventoryDigest}
	plan.Playbook.Walk(func(phase string, s *playbooks.Step) {
		if s.Approval != nil {
			r.rec.Approvals = append(r.rec.Approvals, incident.Approval{
				Step: s.ID, Title: s.Title, Roles: s.Approval.Roles, Quorum: s.Approval.Quorum,
				PlanDigest: plan.Digest, Status: incident.ApprovalPending,
			})
			return
		}
		action, _ := playbooks.FindAction(s.Action)
		row := incident.Step{ID: s.ID, Phase: phase, Action: s.Action, Role: action.Role, Status: incident.Pending}
		if len(plan.Targets[s.ID]) == 0 {
			r.rec.Steps = append(r.rec.Steps, row)
		}
		for _, t := range plan.Targets[s.ID] {
			row.Target = t.ID
			r.rec.Steps = append(r.rec.Steps, row)
		}
	})
	r.rec.Progress = incident.Responding
	r.event(ctx, "", "", "plan %s resolved: %d dataset versions, %d checkpoints, %d endpoints, %d credentials in the blast radius",
		short(plan.Digest), len(plan.Radius.DatasetVersions), len(plan.Radius.Checkpoints), len(plan.Radius.Endpoints), len(plan.Radius.Writers)+len(plan.Radius.Callers))
}

// run executes the phases in order and settles the incident.
func (r *response) run(ctx workflow.Context) {
	for _, ph := range r.plan.Playbook.Phases {
		r.event(ctx, "", "", "phase %s: %s", ph.ID, ph.Title)
		r.steps(ctx, ph.Steps)
	}
	r.messages.Wait(ctx)
	r.seal(ctx)
	r.rec.Progress = incident.Settled
	r.rec.SettledAt = workflow.Now(ctx)
	r.judge()
	r.event(ctx, "", "", "verdict: %s", r.rec.Verdict)
}

func (r *response) judge() {
	r.rec.Verdict, r.rec.Gaps = incident.Judge(r.rec)
}

func (r *response) event(ctx workflow.Context, step, target, format string, args ...any) {
	e := incident.Event{At: workflow.Now(ctx), Step: step, Target: target, What: fmt.Sprintf(format, args...)}
	r.rec.Timeline = append(r.rec.Timeline, e)
	workflow.GetLogger(ctx).Info(e.What, "incident_id", r.rec.ID, "step", step, "target", target)
}

// short abbreviates a digest for people: the first twelve hex digits.
func short(digest string) string {
	const prefix, digits = len("sha256:"), 12
	if len(digest) < prefix+digits {
		return digest
	}
	return digest[prefix : prefix+digits]
}
