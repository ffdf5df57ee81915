package runbook

import (
	"fmt"
	"slices"
	"strings"

	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Sheet is a playbook as a checklist on paper, for the day on which the engine cannot be trusted or does not run.
type Sheet struct {
	Kind   string
	Title  string
	File   string
	Digest string
	Rating string
	Watch  string
	Threat playbooks.Threat
	// Scope says for which asset the sheet was made; empty if it is for any.
	Scope []string
	// First is done before anything else.
	First  []string
	Call   []Contact
	Phases []SheetPhase
}

// Contact is a role and the people to call for it, without an inventory none.
type Contact struct {
	Role   string
	Name   string
	People []string
}

// SheetPhase is a phase with its steps.
type SheetPhase struct {
	Number int
	ID     string
	Title  string
	Steps  []SheetStep
}

// SheetStep is one box to tick.
type SheetStep struct {
	// Number is the place in the order, e.g. 2.1. Steps of one Group may be done at the same time.
	Number string
	Group  string
	ID     string
	Title  string
	Does   string
	// Notes are conditions and order: when it applies, what must be done before it, what a failure means.
	Notes []string
	// On are the targets, if the sheet was made for an asset, and otherwise how to find them.
	On    []string
	Do    []string
	Prove []string
	// Sign are lines for the signatures of an approval.
	Sign []string
	// Outcomes are the answers of a task, of which one is ticked.
	Outcomes []string
}

// NewSheet turns a playbook into a checklist. The inventory and the plan may be nil: without an inventory roles are named
// instead of people, without a plan queries instead of targets.
func NewSheet(file *playbooks.File, inv *inventory.Inventory, plan *playbooks.Plan) *Sheet {
	pb := file.Playbook
	s := &Sheet{Kind: string(pb.Kind), Title: pb.Title, File: file.Name, Digest: file.Digest, Threat: pb.Threat, First: first()}
	if pb.Rating != (playbooks.Rating{}) {
		s.Rating = fmt.Sprintf("likelihood %s, impact %s", pb.Rating.Likelihood, pb.Rating.Impact)
	}
	if pb.Watch.Every > 0 {
		s.Watch = fmt.Sprintf("Until the incident is closed, repeat every proof of containment each %s and write down the time.", period(pb.Watch.Every))
	}
	if plan != nil {
		s.scope(plan)
	}
	s.Call = contacts(pb, inv)
	for i := range pb.Phases {
		s.Phases = append(s.Phases, newPhase(i+1, &pb.Phases[i], plan))
	}
	s.shorten()
	return s
}

// shorten refers to an earlier step that is done in the same way instead of printing it again: paper is short.
func (s *Sheet) shorten() {
	earlier := map[string]string{}
	for i := range s.Phases {
		for j := range s.Phases[i].Steps {
			step := &s.Phases[i].Steps[j]
			text := strings.Join(step.Do, "\n")
			if number, ok := earlier[text]; ok && len(step.Do) > 1 {
				step.Do = []string{"As in step " + number + ", for what is named here."}
				continue
			}
			earlier[text] = step.Number
		}
	}
}

// first is what to do when the engine itself may be in the attacker's hands (playbook invariant V19).
func first() []string {
	return []string{
		"Use this page if firebreak, its Temporal or its credentials may be compromised, or if it does not run. Write times in UTC.",
		"Stop every worker and trigger process of firebreak, so that nothing acts on its own any more.",
		"With break-glass credentials, revoke the worker's Vault token and disable its cloud role.",
		"Talk by phone. Trust no message, approval or status that firebreak or Slack shows.",
		"The approvals below are given by voice, by the named roles, and signed here. Whoever declared the incident does not sign.",
	}
}

func (s *Sheet) scope(plan *playbooks.Plan) {
	r := &plan.Radius
	s.Scope = append(s.Scope, "Asset: "+plan.Brief.Asset+" ("+string(plan.Brief.Mode)+")")
	for _, x := range []struct {
		name string
		ids  []string
	}{
		{"Datasets", r.DatasetVersions}, {"Checkpoints", r.Checkpoints}, {"Endpoints", r.Endpoints}, {"Writers", r.Writers},
		{"Callers", r.Callers}, {"Unknown lineage, counts as affected", r.Unknown}, {"Personal data", plan.Brief.Data}, {"Regimes for counsel", plan.Brief.Regimes},
	} {
		if len(x.ids) > 0 {
			s.Scope = append(s.Scope, x.name+": "+strings.Join(x.ids, "; "))
		}
	}
	s.Scope = append(s.Scope, fmt.Sprintf("Evidence store: EVIDENCE_BUCKET %s, account %s, LOCK_MODE %s for %s",
		plan.Store.Bucket, plan.Store.Account, plan.Store.Lock.Mode, days(plan.Store.Lock.Days)))
}

// contacts lists the roles that the playbook needs, the incident commander first and legal always.
func contacts(pb *playbooks.Playbook, inv *inventory.Inventory) []Contact {
	roles := []string{"IC", "LEG"}
	add := func(list ...string) {
		for _, r := range list {
			if !slices.Contains(roles, r) {
				roles = append(roles, r)
			}
		}
	}
	pb.Walk(func(_ string, step *playbooks.Step) {
		if step.Approval != nil {
			add(step.Approval.Roles...)
			add(step.Approval.EscalateTo...)
		}
		if step.Task != nil {
			add(step.Task.Reporters()...)
		}
	})
	var out []Contact
	for _, role := range roles {
		c := Contact{Role: role, Name: roleName(role)}
		if inv != nil {
			c.People = people(inv, role)
		}
		out = append(out, c)
	}
	return out
}

func people(inv *inventory.Inventory, role string) []string {
	var out []string
	for i := range inv.People {
		p := &inv.People[i]
		if p.Role != role {
			continue
		}
		text := strings.Join(nonEmpty(p.ID, p.IDP, p.Phone, p.Hours), ", ")
		if d := inv.Person(p.Deputy); p.Deputy != "" && d != nil {
			text += "; deputy " + strings.Join(nonEmpty(d.ID, d.Phone), ", ")
		}
		out = append(out, text)
	}
	return out
}
