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
}

// New returns a planner. The files are read anew for every incident, so that an edit needs no restart.
func New(source playbooks.Source, inventoryPath string) *Planner {
	return &Planner{playbooks: source, inventory: inventoryPath}
}

// Plan resolves the plan. A faulty playbook or inventory can be mended, so its error may be retried; a request that the
// inventory refuses is final.
func (p *Planner) Plan(_ context.Context, req incident.Request) (*playbooks.Plan, error) {
	file, err := p.playbooks.Load(req.Kind)
	if err != nil {
		return nil, fmt.Errorf("load playbook: %w", err)
	}
	inv, err := inventory.Load(p.inventory)
	if err != nil {
		return nil, fmt.Errorf("load inventory: %w", err)
	}
	plan, err := playbooks.NewPlan(file, inv, req)
	if err != nil {
		return nil, failure.New(failure.Refused, "plan %s for %s: %w", req.Kind, req.Asset, err)
	}
	return plan, nil
}
