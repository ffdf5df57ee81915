package inventory

import (
	"slices"
	"strings"
)

// index finds assets by id and by what they belong to, without a look through the whole inventory: a company can have
// hundreds of thousands of assets, and a plan looks each target up. It holds positions, and Parse builds it once.
type index struct {
	models, systems, checkpoints, datasets, versions, endpoints, profiles, credentials map[string]int

	// The positions of the checkpoints and endpoints of a model, of the versions of a dataset, of the credentials that are
	// granted something on an asset, and of the stakeholders of an asset.
	checkpointsOf, endpointsOf, versionsOf, grantedOn, stakeholdersOf map[string][]int

	// lineage leads from an asset to what was made from it, and back.
	lineage graph
	// dataAt is for each node of the lineage the position of the dataset that it is or is a version of, or -1.
	dataAt []int32
	// orphans are the checkpoints of which nothing is known that they were made from.
	orphans []int
}

// indexed returns the index that Parse built. An inventory that was put together in Go has none and gets one for the
// moment.
func (inv *Inventory) indexed() *index {
	if inv.index != nil {
		return inv.index
	}
	return newIndex(inv)
}

func newIndex(inv *Inventory) *index {
	x := &index{
		models:      positions(inv.Models, func(m *Model) string { return m.ID }),
		systems:     positions(inv.Systems, func(s *System) string { return s.ID }),
		checkpoints: positions(inv.Checkpoints, func(c *Checkpoint) string { return c.ID }),
		datasets:    positions(inv.Datasets, func(d *Dataset) string { return d.ID }),
		versions:    positions(inv.DatasetVersions, func(v *DatasetVersion) string { return v.ID }),
		endpoints:   positions(inv.Endpoints, func(e *Endpoint) string { return e.ID }),
		profiles:    positions(inv.RegulatoryProfiles, func(p *RegulatoryProfile) string { return p.ID }),
		credentials: positions(inv.Credentials, func(c *Credential) string { return c.ID }),

		checkpointsOf: groups(inv.Checkpoints, func(c *Checkpoint) []string { return []string{c.Model} }),
		endpointsOf:   groups(inv.Endpoints, func(e *Endpoint) []string { return []string{e.Model} }),
		versionsOf:    groups(inv.DatasetVersions, func(v *DatasetVersion) []string { return []string{v.Dataset} }),
		grantedOn:     groups(inv.Credentials, (*Credential).granted),
		stakeholdersOf: groups(inv.Stakeholders, func(s *Stakeholder) []string {
			return []string{s.Asset}
		}),
	}
	x.connect(inv)
	return x
}

// positions maps the id of each entry to its place; the first of two with one id wins.
func positions[T any](list []T, id func(*T) string) map[string]int {
	out := make(map[string]int, len(list))
	for i := range list {
		if _, taken := out[id(&list[i])]; !taken {
			out[id(&list[i])] = i
		}
	}
	return out
}

// groups maps each key of the entries to the places of the entries that have it, in the order of the list.
func groups[T any](list []T, keys func(*T) []string) map[string][]int {
	out := map[string][]int{}
	for i := range list {
		for _, k := range keys(&list[i]) {
			out[k] = append(out[k], i)
		}
	}
	return out
}

// at returns the entry at the id's place, or nil.
func at[T any](list []T, places map[string]int, id string) *T {
	if i, ok := places[id]; ok && i < len(list) {
		return &list[i]
	}
	return nil
}

// members returns the places that the keys' groups hold, each once, in the order of the inventory.
func members(of map[string][]int, keys []string) []int {
	var out []int
	for _, k := range keys {
		out = append(out, of[k]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c *Credential) granted() []string {
	out := make([]string, 0, len(c.Grants))
	for _, g := range c.Grants {
		out = append(out, g.Asset)
	}
	return out
}

// connect unites the recorded runs with what the assets say of themselves, because either may be missing.
func (x *index) connect(inv *Inventory) {
	b := newGraphBuilder(len(inv.DatasetVersions)+len(inv.Checkpoints), len(inv.Lineage)+2*len(inv.Checkpoints)+len(inv.DatasetVersions))
	for i := range inv.Lineage {
		b.edge(inv.Lineage[i].From, inv.Lineage[i].To)
	}
	for i := range inv.DatasetVersions {
		v := &inv.DatasetVersions[i]
		for _, p := range v.Parents {
			b.edge(p, v.ID)
		}
	}
	for i := range inv.Checkpoints {
		c := &inv.Checkpoints[i]
		for _, p := range c.Parents {
			b.edge(p, c.ID)
		}
		for _, d := range c.Derived {
			b.edge(c.ID, d)
		}
		for _, d := range c.Built.Datasets {
			id, _, _ := strings.Cut(d, "#")
			b.edge(id, c.ID)
		}
	}
	x.lineage = b.build()
	x.dataAt = make([]int32, len(x.lineage.ids))
	for n, id := range x.lineage.ids {
		x.dataAt[n] = x.dataset(inv, id)
	}
	for i := range inv.Checkpoints {
		if n, ok := x.lineage.number[inv.Checkpoints[i].ID]; !ok || len(x.lineage.back.of(n)) == 0 {
			x.orphans = append(x.orphans, i)
		}
	}
}

// dataset is the position of the dataset that an id is or is a version of, or -1.
func (x *index) dataset(inv *Inventory, id string) int32 {
	if v := at(inv.DatasetVersions, x.versions, id); v != nil {
		id = v.Dataset
	}
	if i, ok := x.datasets[id]; ok {
		return int32(i)
	}
	return -1
}

// descendants returns the ids and everything that was made from them, sorted.
func (x *index) descendants(ids []string) []string { return x.lineage.closure(&x.lineage.next, ids) }

// ancestors returns the ids and everything that they were made from, sorted.
func (x *index) ancestors(ids []string) []string { return x.lineage.closure(&x.lineage.back, ids) }

// each calls do with what was made from an asset directly.
func (x *index) each(id string, do func(id string)) {
	if n, ok := x.lineage.number[id]; ok {
		for _, m := range x.lineage.next.once(n) {
			do(x.lineage.ids[m])
		}
	}
}
