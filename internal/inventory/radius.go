package inventory

import (
	"slices"

	"firebreak/internal/incident"
)

// BlastRadius follows a compromised asset to everything that descends from it: dataset versions, the checkpoints
// trained on them, the endpoints that serve those, and the credentials that can write or call them. Assets whose
// lineage is unknown count as affected (playbook invariant V9) and are listed as such; see Explain.
func (inv *Inventory) BlastRadius(asset string) (incident.Radius, error) {
	if err := inv.CheckAsset(asset); err != nil {
		return incident.Radius{}, err
	}
	w := &walk{inv: inv, index: inv.indexed(), env: inv.Env(asset)}
	w.affected = w.index.descendants(w.roots(asset))
	w.unknownLineage(asset)
	w.sort(asset)
	w.credentials()
	w.communications()
	w.regimes()
	return w.out, nil
}

type walk struct {
	inv      *Inventory
	index    *index
	env      string
	affected []string
	out      incident.Radius
}

// roots turns the named asset into the dataset versions and checkpoints at which the closure starts.
func (w *walk) roots(asset string) []string {
	var roots []string
	if w.inv.DatasetVersion(asset) != nil || w.inv.Checkpoint(asset) != nil {
		roots = append(roots, asset)
	}
	for _, i := range w.index.versionsOf[asset] {
		roots = append(roots, w.inv.DatasetVersions[i].ID)
	}
	model := asset
	if e := w.inv.Endpoint(asset); e != nil {
		model = e.Model
	}
	serving := w.serving(model)
	for _, i := range w.index.checkpointsOf[model] {
		if c := &w.inv.Checkpoints[i]; c.serving() || !serving {
			roots = append(roots, c.ID)
		}
	}
	return roots
}

// unknownLineage adds what may descend from the affected data for all that is known: the checkpoints of the environment that
// name no origin, when the incident is about data, and what was made from an affected dataset of which no version is named.
func (w *walk) unknownLineage(asset string) {
	affected := setOf(w.affected)
	add := func(id string) {
		if !affected[id] && w.inv.Env(id) == w.env {
			affected[id] = true
			w.out.Unknown = append(w.out.Unknown, id)
		}
	}
	about := w.inv.Dataset(asset) != nil
	if about || w.inv.DatasetVersion(asset) != nil {
		for _, i := range w.index.orphans {
			add(w.inv.Checkpoints[i].ID)
		}
	}
	if about {
		w.index.each(asset, add)
	}
	// What is added may lead to further data, and that to more of unknown origin.
	for looked := map[string]bool{}; ; {
		before := len(w.out.Unknown)
		w.affected = w.index.descendants(slices.Concat(w.affected, w.out.Unknown))
		for _, id := range w.affected {
			affected[id] = true
		}
		for _, id := range w.affected {
			if v := w.inv.DatasetVersion(id); v != nil && !looked[v.Dataset] {
				looked[v.Dataset] = true
				w.index.each(v.Dataset, add)
			}
		}
		if len(w.out.Unknown) == before {
			slices.Sort(w.out.Unknown)
			return
		}
	}
}

// sort splits the affected assets by section and adds the models and endpoints they reach.
func (w *walk) sort(asset string) {
	models := map[string]bool{}
	for _, id := range w.affected {
		if w.inv.Env(id) != w.env {
			continue
		}
		c := w.inv.Checkpoint(id)
		if c == nil {
			w.out.DatasetVersions = append(w.out.DatasetVersions, id)
			continue
		}
		w.out.Checkpoints = append(w.out.Checkpoints, id)
		if !models[c.Model] {
			models[c.Model] = true
			w.out.Models = append(w.out.Models, c.Model)
		}
	}
	if w.inv.Endpoint(asset) != nil {
		w.out.Endpoints = []string{asset}
		return
	}
	answers := w.answering()
	for _, i := range members(w.index.endpointsOf, w.out.Models) {
		if e := &w.inv.Endpoints[i]; e.Env == w.env && answers[e.Model] {
			w.out.Endpoints = append(w.out.Endpoints, e.ID)
		}
	}
}

// answering are the affected models whose endpoints answer with an affected checkpoint, or may do so because nothing says
// which one they serve.
func (w *walk) answering() map[string]bool {
	out := map[string]bool{}
	for _, model := range w.out.Models {
		out[model] = !w.serving(model)
	}
	for _, id := range w.out.Checkpoints {
		if c := w.inv.Checkpoint(id); c.serving() {
			out[c.Model] = true
		}
	}
	return out
}

// serving reports whether a checkpoint of the model is known to be in production.
func (w *walk) serving(model string) bool {
	return slices.ContainsFunc(w.index.checkpointsOf[model], func(i int) bool { return w.inv.Checkpoints[i].serving() })
}

// credentials finds who can write the affected data and models and who can call the affected endpoints. Protected
// credentials (the engine's own and break-glass) are never among them (V11).
func (w *walk) credentials() {
	writable := w.inv.holdings(w.out)
	data, endpoints := setOf(writable), setOf(w.out.Endpoints)
	for _, i := range members(w.index.grantedOn, slices.Concat(writable, w.out.Endpoints)) {
		c := &w.inv.Credentials[i]
		if c.Env != w.env || c.Protected {
			continue
		}
		writes, calls := c.can("write", data), c.can("invoke", endpoints)
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
		if policy := w.inv.Model(id).ContainPolicy.OnTimeout; policy != "" {
			w.out.ContainOnTimeout = appendNew(w.out.ContainOnTimeout, policy)
		}
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

func (c *Credential) can(verb string, assets map[string]bool) bool {
	return slices.ContainsFunc(c.Grants, func(g Grant) bool { return assets[g.Asset] && slices.Contains(g.Verbs, verb) })
}

func setOf(list []string) map[string]bool {
	out := make(map[string]bool, len(list))
	for _, s := range list {
		out[s] = true
	}
	return out
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
	x := inv.indexed()
	var out []string
	seen := make([]bool, len(inv.Datasets))
	note := func(i int32) {
		if i < 0 || seen[i] {
			return
		}
		seen[i] = true
		if d := &inv.Datasets[i]; sensitive(d.Sensitivity) {
			out = append(out, d.ID)
		}
	}
	nodes, alone := x.lineage.numbers(slices.Concat(r.DatasetVersions, r.Checkpoints))
	for _, n := range x.lineage.reached(&x.lineage.back, nodes) {
		note(x.dataAt[n])
	}
	for _, id := range alone {
		note(x.dataset(inv, id))
	}
	return out
}
