package main

import (
	"fmt"

	"firebreak/internal/alert"
	"firebreak/internal/alert/route"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// judge says what becomes of a signal: 'trigger serve' does it, 'trigger route test' explains it.
type judge struct {
	// inventory may be nil for 'trigger route test': the asset is not looked up then.
	inventory *inventory.Inventory
	routes    *route.Routes
	mode      incident.Mode
	kinds     []incident.Kind
}

// judgement is a decision of the routes that was held against the inventory and the mode.
type judgement struct {
	route.Decision
	mode incident.Mode
	// id is the incident that the signal starts or joins; empty if it goes to triage.
	id string
}

// of judges one signal. An asset that is not known here, or of an environment that the mode may not touch, is never
// replaced by another: the signal goes to triage.
func (j judge) of(s *alert.Signal) judgement {
	out := judgement{Decision: j.routes.Decide(s, j.kinds), mode: j.mode}
	if out.Triage == "" {
		out.Triage = j.misplaced(&out)
	}
	if out.Triage == "" {
		out.id = incident.WorkflowID(out.Kind, out.Asset, "")
	}
	return out
}

func (j judge) misplaced(out *judgement) string {
	if out.Mode != "" {
		out.mode = out.Mode
	}
	if j.mode == incident.Drill && out.mode == incident.Live {
		return fmt.Sprintf("the rule %s says mode live, and this trigger runs with --mode drill", out.Rule.Name)
	}
	if !isID(out.Asset) {
		return fmt.Sprintf("%q cannot be an asset of the inventory", out.Asset)
	}
	if j.inventory == nil {
		return ""
	}
	if err := j.inventory.CheckAsset(out.Asset); err != nil {
		return err.Error()
	}
	if env := j.inventory.Env(out.Asset); !out.mode.Allows(env) {
		return fmt.Sprintf("asset %q is in environment %q, which a %s incident may not touch; this trigger runs with --mode %s",
			out.Asset, env, out.mode, j.mode)
	}
	return ""
}
