package runbook

import (
	"slices"
	"strings"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Preview is what a playbook would do about an asset, as far as it can be known before it runs.
type Preview struct {
	Kind            incident.Kind   `json:"kind"`
	Title           string          `json:"title"`
	File            string          `json:"file"`
	Asset           string          `json:"asset"`
	Mode            incident.Mode   `json:"mode"`
	Requester       string          `json:"requester,omitempty"`
	Severity        string          `json:"severity,omitempty"`
	Confidence      float64         `json:"confidence"`
	Facet           string          `json:"facet,omitempty"`
	PlaybookDigest  string          `json:"playbook_digest"`
	InventoryDigest string          `json:"inventory_digest"`
	PlanDigest      string          `json:"plan_digest"`
	Radius          incident.Radius `json:"blast_radius"`
	Steps           []PreviewStep   `json:"steps"`
	Approvals       []Question      `json:"approvals"`
	// KnownGood has one entry for each affected model that has an endpoint in the blast radius.
	KnownGood []Choice `json:"known_good"`
	// Stays lists what an undo does not take back.
	Stays []Lasting `json:"irreversible"`
	Legal Duties    `json:"legal"`
	// Watch says how often containment would be proved again, e.g. 5m; empty means never.
	Watch string `json:"watch,omitempty"`
}

// PreviewStep is one step with what it would act on.
type PreviewStep struct {
	Phase string `json:"phase"`
	ID    string `json:"id"`
	Title string `json:"title,omitempty"`
	// Does says what the step is: an action's name, approval, wait, task or playbook.
	Does    string           `json:"does"`
	Effect  playbooks.Effect `json:"effect,omitempty"`
	Targets []string         `json:"targets,omitempty"`
	// Detail is what there is to say of a step that is no action: who does it, how long it takes, which playbook runs.
	Detail string `json:"detail,omitempty"`
	// Skipped says why the step will not run; Without names targets on which it cannot act, each with the reason.
	Skipped string   `json:"skipped,omitempty"`
	Without []string `json:"without,omitempty"`
	// Depends is the condition that a step or a person decides while the incident runs.
	Depends string   `json:"depends_on,omitempty"`
	Needs   []string `json:"needs,omitempty"`
	// LesserOf names the approval that must time out before the step runs.
	LesserOf string `json:"lesser_of,omitempty"`
}

// Choice is the checkpoint that the endpoints of a model would be rolled back to, and why it is none of the others.
type Choice struct {
	Model     string   `json:"model"`
	Endpoints []string `json:"endpoints"`
	// Checkpoint is empty if there is none: the endpoints then stay contained.
	Checkpoint string   `json:"checkpoint,omitempty"`
	Digest     string   `json:"digest,omitempty"`
	Rejected   []string `json:"rejected,omitempty"`
	// Review is what a person should look at before the checkpoint is served.
	Review []string `json:"review,omitempty"`
}

// Lasting is an effect that stays after an undo.
type Lasting struct {
	Step    string   `json:"step"`
	Action  string   `json:"action"`
	Targets []string `json:"targets"`
	Why     string   `json:"why"`
}

// Duties is what legal and privacy would be told, and where. Which duties exist is counsel's decision.
type Duties struct {
	Channels     []string `json:"channels"`
	PersonalData []string `json:"personal_data"`
	Regimes      []string `json:"regimes"`
}

// NewPreview resolves the playbook for the request exactly as an incident would, and says what would follow. It touches
// nothing. The error says why an incident would be refused: an unknown asset, or one of another environment.
func NewPreview(file *playbooks.File, inv *inventory.Inventory, req incident.Request) (*Preview, error) {
	if person := inv.Person(req.Requester); person != nil {
		req.Requester = person.ID
	}
	plan, err := playbooks.NewPlan(file, inv, req)
	if err != nil {
		return nil, err
	}
	p := &Preview{
		Kind: plan.Playbook.Kind, Title: plan.Playbook.Title, File: plan.File, Asset: req.Asset, Mode: req.Mode, Requester: req.Requester,
		Severity: req.Severity, Confidence: req.Confidence, Facet: req.Facet,
		PlaybookDigest: plan.PlaybookDigest, InventoryDigest: plan.InventoryDigest, PlanDigest: plan.Digest, Radius: plan.Radius,
		KnownGood: choices(inv, plan.Radius),
		Legal:     Duties{PersonalData: plan.Brief.Data, Regimes: plan.Brief.Regimes},
	}
	if every := plan.Playbook.Watch.Every; every > 0 {
		p.Watch = period(every)
	}
	s := &survey{plan: plan, forecast: &forecast{facts: plan.IncidentFacts(req)}, dead: map[string]bool{}}
	plan.Playbook.Walk(func(phase string, step *playbooks.Step) { p.Steps = append(p.Steps, s.step(phase, step)) })
	p.Approvals = s.questions(req)
	p.Stays = s.lasting(p.Steps)
	p.Legal.Channels = s.channels()
	return p, nil
}

// choices asks for the known-good checkpoint of each model that the radius' endpoints serve.
func choices(inv *inventory.Inventory, radius incident.Radius) []Choice {
	var out []Choice
	selector := inv.Selector(radius)
	for _, id := range radius.Endpoints {
		model := inv.Endpoint(id).Model
		if i := slices.IndexFunc(out, func(c Choice) bool { return c.Model == model }); i >= 0 {
			out[i].Endpoints = append(out[i].Endpoints, id)
			continue
		}
		c := Choice{Model: model, Endpoints: []string{id}}
		chosen := selector.Select(model)
		c.Rejected, c.Review = chosen.Rejected, chosen.Review
		if good := chosen.Checkpoint; good != nil {
			c.Checkpoint, c.Digest = good.ID, good.RootDigest
		}
		out = append(out, c)
	}
	return out
}

// channels are where the brief of legal goes, each once.
func (s *survey) channels() []string {
	var out []string
	s.plan.Playbook.Walk(func(_ string, step *playbooks.Step) {
		if step.Action != "legal.notify" || s.dead[step.ID] {
			return
		}
		for _, t := range s.plan.Targets[step.ID] {
			if !slices.Contains(out, t.ID) {
				out = append(out, t.ID)
			}
		}
	})
	return out
}

// lasting lists what the steps that may run leave behind for good. State that is replaced or switched is restored by an
// undo; what was revoked, preserved and told is not (playbook invariant V16).
func (s *survey) lasting(steps []PreviewStep) []Lasting {
	var out []Lasting
	for i := range steps {
		step := &steps[i]
		action, ok := playbooks.FindAction(step.Does)
		if !ok || step.Skipped != "" || len(step.Targets) == 0 || action.Effect == playbooks.Reversible || action.Effect == playbooks.ReplacesState {
			continue
		}
		if action.Effect == playbooks.Observe && action.Role != incident.RoleEvidence && action.Role != incident.RoleNotification {
			continue
		}
		why := action.Reversal
		if action.Role == incident.RoleEvidence {
			why += " (" + s.retention() + ")"
		}
		out = append(out, Lasting{Step: step.ID, Action: step.Does, Targets: step.Targets, Why: why})
	}
	return out
}

func (s *survey) retention() string {
	lock := s.plan.Store.Lock
	return strings.ToLower(lock.Mode) + " lock of " + days(lock.Days) + " in " + s.plan.Store.Bucket
}
