package plan

import (
	"context"
	"errors"
	"fmt"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Oncall reads from the inventory who is on call and where evidence goes, for what needs no plan. An inventory that names
// nobody can be mended, so its error may be retried. One without an evidence store keeps no alert, and pages all the same.
func (p *Planner) Oncall(_ context.Context, mode incident.Mode) (*playbooks.Oncall, error) {
	inv, err := inventory.Load(p.inventory)
	if err != nil {
		return nil, fmt.Errorf("load inventory: %w", err)
	}
	out := &playbooks.Oncall{Oncall: inv.Oncall, People: inv.People}
	if out.Oncall.Channel == "" && len(out.Oncall.Email) == 0 {
		return nil, errors.New("find who is on call: the inventory names nobody; add oncall.channel or oncall.email")
	}
	env := "prod"
	if mode == incident.Drill {
		env = "drill"
	}
	if s := inv.EvidenceStore(env); s != nil {
		out.Store = *s
	}
	return out, nil
}
