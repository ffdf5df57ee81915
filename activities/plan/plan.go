// Package plan makes an incident's plan: it reads the playbook and the inventory as they are now and resolves every
// target. It is the first activity of every incident and touches nothing.
package plan

import (
	"context"
	"fmt"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Planner reads playbooks from a source and the inventory from a file.
type Planner struct {
	playbooks playbooks.Source
	inventory string
	findings  func(context.Context, *inventory.Inventory, []string) inventory.Findings
}

// New returns a planner. The files are read anew for every incident, so that an edit needs no restart.
func New(source playbooks.Source, inventoryPath string) *Planner {
	return &Planner{playbooks: source, inventory: inventoryPath}
}

// WithFindings makes the planner ask others about the affected models' checkpoints: what speaks against one, and which the
// inventory does not have. It must answer soon, for containment waits for the plan.
func (p *Planner) WithFindings(ask func(ctx context.Context, inv *inventory.Inventory, models []string) inventory.Findings) *Planner {
	p.findings = ask
	return p
}

// Plan resolves the plan. A faulty playbook or inventory can be mended, so its error may be retried; a request that the
// inventory refuses is final.
func (p *Planner) Plan(ctx context.Context, req incident.Request) (*playbooks.Plan, error) {
	file, err := p.playbooks.Load(req.Kind)
	if err != nil {
		return nil, fmt.Errorf("load playbook: %w", err)
	}
	inv, err := inventory.Load(p.inventory)
	if err != nil {
		return nil, fmt.Errorf("load inventory: %w", err)
	}
	plan, err := playbooks.NewPlan(file, p.heard(ctx, inv, req.Asset), req)
	if err != nil {
		return nil, failure.New(failure.Refused, "plan %s for %s: %w", req.Kind, req.Asset, err)
	}
	return plan, nil
}

// heard is the inventory with what others say of the affected models. An asset that is none is left to the plan to refuse.
func (p *Planner) heard(ctx context.Context, inv *inventory.Inventory, asset string) *inventory.Inventory {
	if p.findings == nil {
		return inv
	}
	radius, err := inv.BlastRadius(asset)
	if err != nil || len(radius.Models) == 0 {
		return inv
	}
	return inv.WithFindings(p.findings(ctx, inv, radius.Models))
}
