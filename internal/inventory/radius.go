package inventory

import (
	"maps"
	"slices"
	"strings"

	"firebreak/internal/incident"
)

// children is the lineage as adjacency lists: an asset id to the ids of what was made from it. It unites the recorded
// runs with what the assets say of themselves, because either may be missing.
func (inv *Inventory) children() map[string][]string {
	next := map[string][]string{}
	add := func(from, to string) {
		if from != "" && to != "" && !slices.Contains(next[from], to) {
			next[from] = append(next[from], to)
		}
	}
	for _, e := range inv.Lineage {
		add(e.From, e.To)
	}
	for _, v := range inv.DatasetVersions {
		for _, p := range v.Parents {
			add(p, v.ID)
		}
	}
	for _, c := range inv.Checkpoints {
		for _, p := range c.Parents {
			add(p, c.ID)
		}
		for _, d := range c.Derived {
			add(c.ID, d)
		}
		for _, d := range c.Built.Datasets {
			id, _, _ := strings.Cut(d, "#")
			add(id, c.ID)
		}
	}
	return next
}

// closure returns the ids that can be reached from the roots, the roots included, in a stable order.
func closure(next map[string][]string, roots []string) []string {
	seen := map[string]bool{}
	queue := slices.Clone(roots)
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		if seen[id] {
			continue
		}
		seen[id] = true
		queue = append(queue, next[id]...)
	}
	return slices.Sorted(maps.Keys(seen))
}

// reverse turns the adjacency lists around, so that closure finds ancestors.
func reverse(next map[string][]string) map[string][]string {
	back := map[string][]string{}
	for _, from := range slices.Sorted(maps.Keys(next)) {
		for _, to := range next[from] {
			back[to] = append(back[to], from)
		}
	}
	return back
}

// BlastRadius follows a compromised asset to everything that descends from it: dataset versions, the checkpoints
// trained on them, the endpoints that serve those, and the credentials that can write or call them. Assets whose
// lineage is unknown count as affected (playbook invariant V9) and are listed as such.
func (inv *Inventory) BlastRadius(asset string) (incident.Radius, error) {
	if err := inv.CheckAsset(asset); err != nil {
		return incident.Radius{}, err
	}
	w := &walk{inv: inv, env: inv.Env(asset), next: inv.children()}
	w.affected = closure(w.next, w.roots(asset))
	w.unknownLineage(asset)
	w.sort(asset)
	w.credentials()
	w.regimes()
	return w.out, nil
}

type walk struct {
	inv      *Inventory
	env      string
	next     map[string][]string
	affected []string
	out      incident.Radius
}

// roots turns the named asset into the dataset versions and checkpoints at which the closure starts.
func (w *walk) roots(asset string) []string {
	var roots []string
	for _, v := range w.inv.DatasetVersions {
		if v.ID == asset || v.Dataset == asset {
			roots = append(roots, v.ID)
		}
	}
	if w.inv.Checkpoint(asset) != nil {
		roots = append(roots, asset)
	}
	model := asset
	if e := w.inv.Endpoint(asset); e != nil {
		model = e.Model
	}
	for i := range w.inv.Checkpoints {
		if c := &w.inv.Checkpoints[i]; c.Model == model && (c.serving() || !w.inv.anyServing(model)) {
			roots = append(roots, c.ID)
		}
	}
	return roots
}

// unknownLineage adds the checkpoints of the environment that name no training data, when the incident is about data.
func (w *walk) unknownLineage(asset string) {
	if w.inv.Dataset(asset) == nil && w.inv.DatasetVersion(asset) == nil {
		return
	}
	back := reverse(w.next)
	for _, c := range w.inv.Checkpoints {
		if w.inv.Env(c.ID) != w.env || len(back[c.ID]) > 0 || slices.Contains(w.affected, c.ID) {
			continue
		}
		w.out.Unknown = append(w.out.Unknown, c.ID)
		w.affected = append(w.affected, closure(w.next, []string{c.ID})...)
	}
	slices.Sort(w.affected)
	w.affected = slices.Compact(w.affected)
}

// sort splits the affected assets by section and adds the models and endpoints they reach.
func (w *walk) sort(asset string) {
	for _, id := range w.affected {
		if w.inv.Env(id) != w.env {
			continue
		}
		if c := w.inv.Checkpoint(id); c != nil {
			w.out.Checkpoints = append(w.out.Checkpoints, id)
			w.out.Models = appendNew(w.out.Models, c.Model)
		} else {
			w.out.DatasetVersions = append(w.out.DatasetVersions, id)
		}
	}
	if w.inv.Endpoint(asset) != nil {
		w.out.Endpoints = []string{asset}
		return
	}
	for i := range w.inv.Endpoints {
		if e := &w.inv.Endpoints[i]; e.Env == w.env && w.serves(e) {
			w.out.Endpoints = append(w.out.Endpoints, e.ID)
		}
	}
}

// serves reports whether the endpoint answers with an affected checkpoint, or may do so because nothing says which one
// it serves.
func (w *walk) serves(e *Endpoint) bool {
	if !slices.Contains(w.out.Models, e.Model) {
		return false
	}
	if !w.inv.anyServing(e.Model) {
		return true
	}
	return slices.ContainsFunc(w.out.Checkpoints, func(id string) bool {
		c := w.inv.Checkpoint(id)
		return c.Model == e.Model && c.serving()
	})
}

// credentials finds who can write the affected data and models and who can call the affected endpoints. Protected
// credentials (the engine's own and break-glass) are never among them (V11).
func (w *walk) credentials() {
	writable := slices.Concat(w.out.DatasetVersions, w.out.Checkpoints, w.out.Models)
	for _, id := range w.out.DatasetVersions {
		writable = appendNew(writable, w.inv.DatasetVersion(id).Dataset)
	}
	for _, id := range w.out.Models {
		writable = appendNew(writable, "registry/"+w.inv.Model(id).Family)
	}
	for _, c := range w.inv.Credentials {
		if c.Env != w.env || c.Protected {
			continue
		}
		writes, calls := c.can("write", writable), c.can("invoke", w.out.Endpoints)
		if writes {
			w.out.Writers = append(w.out.Writers, c.ID)
		}
		if calls {
			w.out.Callers = append(w.out.Callers, c.ID)
		}
		w.out.SharedCredentials = w.out.SharedCredentials || c.Shared && (writes || calls)
	}
}

// regimes looks at the data that the affected models were trained on and at the systems they serve.
func (w *walk) regimes() {
	w.out.PersonalData = len(w.inv.DataOf(w.out)) > 0
	for _, id := range w.out.Models {
		s := w.inv.System(w.inv.Model(id).System)
		if s == nil {
			continue
		}
		w.out.Criticality = appendNew(w.out.Criticality, s.Criticality)
		if p := w.inv.Profile(s.Profile); p != nil && p.AIAct.Class == "high" {
			w.out.HighRisk = true
		}
	}
	for _, id := range w.out.Endpoints {
		w.out.Exposure = appendNew(w.out.Exposure, w.inv.Endpoint(id).Exposure)
	}
	w.out.Environment = w.env
}

// serving reports whether the checkpoint is in production now.
func (c *Checkpoint) serving() bool {
	return slices.ContainsFunc(c.Served, func(s Served) bool { return s.To == nil || *s.To == "" })
}

func (inv *Inventory) anyServing(model string) bool {
	return slices.ContainsFunc(inv.Checkpoints, func(c Checkpoint) bool { return c.Model == model && c.serving() })
}

func (c *Credential) can(verb string, assets []string) bool {
	return slices.ContainsFunc(c.Grants, func(g Grant) bool {
		return slices.Contains(g.Verbs, verb) && slices.Contains(assets, g.Asset)
	})
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// DataOf returns the datasets with personal data that the radius touches: the affected ones and those that the affected
// checkpoints descend from.
func (inv *Inventory) DataOf(r incident.Radius) []string {
	var out []string
	for _, id := range closure(reverse(inv.children()), slices.Concat(r.DatasetVersions, r.Checkpoints)) {
		if v := inv.DatasetVersion(id); v != nil {
			if d := inv.Dataset(v.Dataset); d != nil && sensitive(d.Sensitivity) {
				out = appendNew(out, d.ID)
			}
		}
	}
	return out
}
