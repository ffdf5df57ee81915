package inventory

import (
	"slices"

	"firebreak/internal/incident"
)

// endpoints compares the radius of every production endpoint that a change can concern.
func (d *differ) endpoints() {
	if len(d.touched) == 0 {
		return
	}
	concerned := d.concerned()
	for i := range d.new.Endpoints {
		e := &d.new.Endpoints[i]
		switch old := d.old.Endpoint(e.ID); {
		case e.Env != "prod":
		case old == nil || old.Env != "prod":
			d.endpoint(EndpointChange{ID: e.ID, Kind: Added}, nil, d.new)
		case concerned[e.ID]:
			d.endpoint(EndpointChange{ID: e.ID, Kind: Changed}, d.old, d.new)
		}
	}
	for i := range d.old.Endpoints {
		e := &d.old.Endpoints[i]
		if now := d.new.Endpoint(e.ID); e.Env == "prod" && (now == nil || now.Env != "prod") {
			d.endpoint(EndpointChange{ID: e.ID, Kind: Removed}, d.old, nil)
		}
	}
}

func (d *differ) endpoint(c EndpointChange, before, after *Inventory) {
	was, wasBy := reached(before, c.ID)
	is, isBy := reached(after, c.ID)
	c.Gained, c.Lost = apart(was, is)
	c.ReachedBy, c.NoLongerReachedBy = apart(wasBy, isBy)
	if c.Kind != Changed || len(c.Gained)+len(c.Lost)+len(c.ReachedBy)+len(c.NoLongerReachedBy) > 0 {
		d.out.Endpoints = append(d.out.Endpoints, c)
	}
}

// reached is what an incident about an endpoint reaches, and what reaches the endpoint.
func reached(inv *Inventory, id string) (radius, by []string) {
	if inv == nil {
		return nil, nil
	}
	r, err := inv.BlastRadius(id)
	if err != nil {
		return nil, nil
	}
	w := &walk{inv: inv, index: inv.indexed(), env: r.Environment}
	return everything(r), w.index.ancestors(w.roots(id))
}

func everything(r incident.Radius) []string {
	return slices.Concat(r.DatasetVersions, r.Checkpoints, r.Models, r.Endpoints, r.Writers, r.Callers, r.Communications)
}

// apart returns what only the second list has, and what only the first has, sorted.
func apart(before, after []string) (gained, lost []string) {
	was, is := setOf(before), setOf(after)
	for _, id := range after {
		if !was[id] {
			gained = append(gained, id)
		}
	}
	for _, id := range before {
		if !is[id] {
			lost = append(lost, id)
		}
	}
	slices.Sort(gained)
	slices.Sort(lost)
	return slices.Compact(gained), slices.Compact(lost)
}

// concerned are the endpoints of models that the changes lead to or come from, in either inventory. The others are not followed
// one by one: a company can have thousands.
func (d *differ) concerned() map[string]bool {
	out := map[string]bool{}
	for _, inv := range []*Inventory{d.old, d.new} {
		x := inv.indexed()
		var roots []string
		for id := range d.touched {
			roots = append(roots, id)
			if c := at(inv.Credentials, x.credentials, id); c != nil {
				roots = append(roots, c.granted()...)
			}
		}
		models := map[string]bool{}
		for _, id := range slices.Concat(roots, x.descendants(roots), x.ancestors(roots)) {
			models[id] = true
			if c := inv.Checkpoint(id); c != nil {
				models[c.Model] = true
			}
			if e := inv.Endpoint(id); e != nil {
				models[e.Model] = true
			}
		}
		for i := range inv.Endpoints {
			e := &inv.Endpoints[i]
			m := inv.Model(e.Model)
			if models[e.Model] || m != nil && models["registry/"+m.Family] {
				out[e.ID] = true
			}
		}
	}
	return out
}
