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

// Custom responds to a kind of incident that a team added as a playbook alone.
func Custom(ctx workflow.Context, req incident.Request) (*incident.Record, error) {
	return respond(ctx, req.Kind, req)
}

// planRetry is how long the engine waits before it reads a faulty playbook or inventory again. The incident stays open
// meanwhile, so that mending the file is enough.
const planRetry = 15 * time.Second

// response is one incident being run.
type response struct {
	req  incident.Request
	plan *playbooks.Plan
	rec  *incident.Record
	// acts are the effects that took place, oldest first; undo takes them back newest first.
	acts []*act
	// running holds the act of each operation that is being tried, so that a person can hurry or skip it.
	running map[string]*act
	// pass numbers the walks through the playbook: 0 is the first, each added target gets one of its own.
	pass map[string]int
	// passes counts the walks begun; walking counts those under way.
	passes, walking int
	// ended holds the steps that have ended, by pass and id; whoever needs a step waits on it.
	ended map[string]bool
	// left holds why a step without targets was left out.
	left map[string]string
	// halted says why no further step is started, or is empty.
	halted string
	// skips holds the reasons for which people skip steps, by step/target or by step/ for all its targets.
	skips map[string]string
	// closing is set once; everything that waits also waits for it.
	closing *ending
	// background counts retries that still run after their step gave up its place in the order.
	background int
	// watching is true once containment is being proved again and again.
	watching bool
	// clockChanges counts people's decisions on the legal clocks; what waits for a deadline looks again when it changes.
	clockChanges int
	// narrating is the keeping of the incident's thread, which stopNarrating ends; nil if there is no thread.
	narrating     workflow.WaitGroup
	stopNarrating workflow.CancelFunc
	// trailing is what no step waits for and the verdict does: notifications, and actions whose budget is spent.
	trailing workflow.WaitGroup
}

// ending is how an incident ends.
type ending struct {
	by, reason    string
	falsePositive bool
	undo          bool
	aborted       bool
}

func newResponse(ctx workflow.Context, kind incident.Kind, req incident.Request) *response {
	return &response{
		req: req, running: map[string]*act{}, pass: map[string]int{}, ended: map[string]bool{}, skips: map[string]string{}, left: map[string]string{},
		narrating: workflow.NewWaitGroup(ctx), trailing: workflow.NewWaitGroup(ctx),
		rec: &incident.Record{
			ID: workflow.GetInfo(ctx).WorkflowExecution.ID, Kind: kind, Asset: req.Asset, Mode: req.Mode,
			Requester: req.Requester, Summary: req.Summary, Severity: req.Severity, Confidence: req.Confidence, Facet: req.Facet,
			Progress:   incident.Opening,
			DetectedAt: req.DetectedAt, OpenedAt: workflow.Now(ctx),
		},
	}
}

func respond(ctx workflow.Context, kind incident.Kind, req incident.Request) (*incident.Record, error) {
	if req.Kind != kind || kind == "" || req.Asset == "" {
		return nil, temporal.NewNonRetryableApplicationError(
			fmt.Sprintf("a %s workflow was started for kind %q and asset %q", kind, req.Kind, req.Asset), "Invalid", nil)
	}
	if now := workflow.Now(ctx); req.DetectedAt.After(now) {
		req.DetectedAt = now // a sender's clock that runs ahead must not give legal more time
	}
	r := newResponse(ctx, kind, req)
	if err := r.handlers(ctx); err != nil {
		return nil, err
	}
	r.event(ctx, "", "", "incident opened by %s for %s", req.Requester, req.Asset)
	plan, err := r.resolve(ctx, req)
	if err != nil {
		return nil, err
	}
	if plan != nil {
		r.adopt(ctx, plan)
		workflow.Go(ctx, r.clocks)
		workflow.Go(ctx, r.acknowledgement)
		r.narrate(ctx)
		if req.Recheck != "" && r.recheck(ctx) {
			r.askWhy(ctx)
		} else {
			r.walk(ctx, 0)
		}
	}
	// A child ends when it has settled: its parent waits for the verdict. A retry that is still under way must end before
	// anything is undone, or it would do again what undo takes back.
	err = workflow.Await(ctx, func() bool {
		done := r.closing != nil || req.Parent != "" && r.rec.Progress == incident.Settled
		return done && r.walking == 0 && (r.background == 0 || r.closing == nil)
	})
	if err != nil {
		return nil, err
	}
	r.close(ctx)
	r.lastWord(ctx)
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return nil, err
	}
	return r.rec, nil
}

// resolve makes a plan. A request that can never be planned fails before anything was touched; a faulty file keeps the
// incident open and is read again until it is mended. The plan is nil if the incident was closed meanwhile.
func (r *response) resolve(ctx workflow.Context, req incident.Request) (*playbooks.Plan, error) {
	last := ""
	for r.closing == nil {
		var plan playbooks.Plan
		err := workflow.ExecuteActivity(r.options(ctx, playbooks.ContainQueue, time.Minute), playbooks.PlanActivity, req).Get(ctx, &plan)
		if err == nil {
			return &plan, nil
		}
		if temporal.IsCanceledError(err) {
			return nil, err
		}
		var app *temporal.ApplicationError
		if errors.As(err, &app) && app.Type() == "Refused" {
			return nil, err
		}
		if reason := cause(err); reason != last {
			r.event(ctx, "", "", "the plan could not be made; trying again every %s: %s", planRetry, reason)
			last = reason
		}
		if _, err := workflow.AwaitWithTimeout(ctx, planRetry, func() bool { return r.closing != nil }); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// adopt takes the plan as the incident's own and lays out every step, so that status shows from the start what is to come.
func (r *response) adopt(ctx workflow.Context, plan *playbooks.Plan) {
	r.plan = plan
	r.plan.Brief.IncidentID, r.plan.Brief.OpenedAt = r.rec.ID, r.rec.OpenedAt
	r.rec.PlanDigest = plan.Digest
	r.rec.Radius = plan.Radius
	r.rec.Playbook = incident.PlaybookRef{File: plan.File, Title: plan.Playbook.Title, Digest: plan.PlaybookDigest, InventoryDigest: plan.InventoryDigest}
	plan.Playbook.Walk(func(phase string, s *playbooks.Step) {
		switch {
		case s.Approval != nil:
			r.rec.Approvals = append(r.rec.Approvals, r.newApproval(s))
		case s.Task != nil:
			r.rec.Tasks = append(r.rec.Tasks, newTask(phase, s))
		case s.Action != "" && len(plan.Targets[s.ID]) == 0:
			r.addRow(phase, s, "", 0)
		}
		for _, t := range plan.Targets[s.ID] {
			r.addRow(phase, s, t.ID, 0)
		}
	})
	r.rec.Progress = incident.Responding
	r.showClocks()
	r.event(ctx, "", "", "plan %s resolved: %d dataset versions, %d checkpoints, %d endpoints, %d credentials in the blast radius",
		short(plan.Digest), len(plan.Radius.DatasetVersions), len(plan.Radius.Checkpoints), len(plan.Radius.Endpoints), len(plan.Radius.Writers)+len(plan.Radius.Callers))
}

func (r *response) addRow(phase string, s *playbooks.Step, target string, pass int) {
	action, _ := playbooks.FindAction(s.Action)
	r.rec.Steps = append(r.rec.Steps, incident.Step{ID: s.ID, Phase: phase, Action: s.Action, Role: action.Role, Target: target, Status: incident.Pending})
	r.pass[s.ID+"/"+target] = pass
}

// walk runs the phases in order for the rows of one pass and settles the incident when no other walk is under way.
func (r *response) walk(ctx workflow.Context, pass int) {
	r.walking++
	r.passes = max(r.passes, pass+1)
	for _, ph := range r.plan.Playbook.Phases {
		if pass == 0 && r.closing == nil && r.halted == "" {
			r.event(ctx, "", "", "phase %s: %s", ph.ID, ph.Title)
		}
		if ph.Aside {
			r.beside(ctx, ph, pass)
			continue
		}
		r.steps(ctx, ph.Steps, pass)
	}
	r.trailing.Wait(ctx)
	r.walking--
	if r.walking > 0 || r.closing != nil {
		return
	}
	r.settle(ctx)
}

// settle gives the verdict; from then on containment is watched.
func (r *response) settle(ctx workflow.Context) {
	r.seal(ctx)
	r.rec.Progress = incident.Settled
	r.rec.SettledAt = workflow.Now(ctx)
	r.judge()
	r.event(ctx, "", "", "verdict: %s", r.rec.Verdict)
	if !r.watching {
		r.watching = true
		workflow.Go(ctx, r.watch)
		workflow.Go(ctx, r.sealAgain)
	}
}

// beside runs a phase for which neither the next one nor the verdict waits. Closing does: what it does must have ended
// before anything is undone.
func (r *response) beside(ctx workflow.Context, ph playbooks.Phase, pass int) {
	r.background++
	workflow.Go(ctx, func(ctx workflow.Context) {
		r.steps(ctx, ph.Steps, pass)
		r.background--
	})
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
