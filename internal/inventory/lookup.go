package inventory

import (
	"fmt"
	"slices"
	"strings"
)

func find[T any](list []T, match func(*T) bool) *T {
	for i := range list {
		if match(&list[i]) {
			return &list[i]
		}
	}
	return nil
}

// Model returns the model with the id, or nil.
func (inv *Inventory) Model(id string) *Model {
	return at(inv.Models, inv.indexed().models, id)
}

// System returns the system with the id, or nil.
func (inv *Inventory) System(id string) *System {
	return at(inv.Systems, inv.indexed().systems, id)
}

// Checkpoint returns the checkpoint with the id, or nil.
func (inv *Inventory) Checkpoint(id string) *Checkpoint {
	return at(inv.Checkpoints, inv.indexed().checkpoints, id)
}

// Dataset returns the dataset with the id, or nil.
func (inv *Inventory) Dataset(id string) *Dataset {
	return at(inv.Datasets, inv.indexed().datasets, id)
}

// DatasetVersion returns the dataset version with the id, or nil.
func (inv *Inventory) DatasetVersion(id string) *DatasetVersion {
	return at(inv.DatasetVersions, inv.indexed().versions, id)
}

// Endpoint returns the endpoint with the id, or nil.
func (inv *Inventory) Endpoint(id string) *Endpoint {
	return at(inv.Endpoints, inv.indexed().endpoints, id)
}

// Profile returns the regulatory profile with the id, or nil.
func (inv *Inventory) Profile(id string) *RegulatoryProfile {
	return at(inv.RegulatoryProfiles, inv.indexed().profiles, id)
}

// EvidenceStore returns the store for evidence of the environment prod (live) or drill.
func (inv *Inventory) EvidenceStore(env string) *Store {
	return find(inv.Stores, func(s *Store) bool { return s.Env == env })
}

// Person finds a person by inventory id, identity-provider name or Slack id, without regard to case.
func (inv *Inventory) Person(name string) *Person {
	return find(inv.People, func(p *Person) bool {
		return strings.EqualFold(p.ID, name) || strings.EqualFold(p.IDP, name) || strings.EqualFold(p.Slack, name)
	})
}

// Env returns the one environment of an asset, its own or its model's or dataset's, or "" if the asset is unknown.
func (inv *Inventory) Env(id string) string {
	x := inv.indexed()
	model, dataset := id, id
	if c := at(inv.Checkpoints, x.checkpoints, id); c != nil {
		model = c.Model
	}
	if v := at(inv.DatasetVersions, x.versions, id); v != nil {
		dataset = v.Dataset
	}
	if m := at(inv.Models, x.models, model); m != nil {
		return m.Env
	}
	if d := at(inv.Datasets, x.datasets, dataset); d != nil {
		return d.Env
	}
	if e := at(inv.Endpoints, x.endpoints, id); e != nil {
		return e.Env
	}
	return ""
}

// MadeFrom returns the ids of what a dataset version or checkpoint was made from, each once, as far as the lineage knows.
func (inv *Inventory) MadeFrom(id string) []string {
	g := &inv.indexed().lineage
	n, ok := g.number[id]
	if !ok {
		return nil
	}
	var out []string
	for _, m := range g.back.once(n) {
		out = append(out, g.ids[m])
	}
	return out
}

// CheckAsset returns an error that a person can act on, if the asset is not one that an incident can be about.
func (inv *Inventory) CheckAsset(id string) error {
	if inv.Env(id) != "" {
		return nil
	}
	if near := inv.nearest(id); near != "" {
		return fmt.Errorf("asset %q is not in the inventory (did you mean %q?)", id, near)
	}
	return fmt.Errorf("asset %q is not in the inventory", id)
}

// nearest returns an asset that differs from id only by its version, case or a missing part.
func (inv *Inventory) nearest(id string) string {
	base, _, _ := strings.Cut(strings.ToLower(id), "@")
	if base == "" {
		return ""
	}
	var all []string
	for _, m := range inv.Models {
		all = append(all, m.ID)
	}
	for _, d := range inv.Datasets {
		all = append(all, d.ID)
	}
	for _, e := range inv.Endpoints {
		all = append(all, e.ID)
	}
	i := slices.IndexFunc(all, func(a string) bool {
		return strings.HasPrefix(a, base) || strings.HasPrefix(base, a)
	})
	if i < 0 {
		return ""
	}
	return all[i]
}
