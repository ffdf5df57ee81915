package page

import (
	"fmt"
	"slices"
	"strings"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// commander is the role that may report anybody's task.
const commander = "IC"

// mayDecide says why a person would be refused, so that the page shows no form in vain; it is empty if nothing speaks against
// it. The incident itself judges, by the people of its own plan.
func mayDecide(inv *inventory.Inventory, r *incident.Record, a *incident.Approval, p *inventory.Person) string {
	for _, d := range a.Decisions {
		if d.Counted && d.Person == p.ID {
			return "You have decided already."
		}
	}
	if !slices.ContainsFunc(a.Roles, func(role string) bool { return actsAs(inv, p, role) }) {
		return fmt.Sprintf("You are %s; this is for %s.", p.Role, strings.Join(a.Roles, ", "))
	}
	return ""
}

// started reports whether the person started the incident: their approval does not count, their denial does.
func started(inv *inventory.Inventory, r *incident.Record, p *inventory.Person) bool {
	requester := inv.Person(r.Requester)
	return requester != nil && requester.ID == p.ID
}

// mayReport says whether a person may report a task.
func mayReport(inv *inventory.Inventory, t *incident.Task, p *inventory.Person) bool {
	return actsAs(inv, p, t.Assignee) || actsAs(inv, p, commander)
}

// mayAcknowledge says whether a person is of legal or privacy.
func mayAcknowledge(inv *inventory.Inventory, p *inventory.Person) bool {
	return actsAs(inv, p, "LEG") || actsAs(inv, p, "PRIV")
}

// actsAs reports whether a person holds a role or is the deputy of somebody who does.
func actsAs(inv *inventory.Inventory, p *inventory.Person, role string) bool {
	return p.Role == role || slices.ContainsFunc(inv.People, func(q inventory.Person) bool { return q.Role == role && q.Deputy == p.ID })
}
