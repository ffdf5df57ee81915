package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// sensitive are the sensitivities that count as personal data (reference order: personal and above).
func sensitive(s string) bool {
	return slices.Contains([]string{"personal", "special", "phi", "children", "payment"}, s)
}

// Lint checks the invariants N1-N7, N10, N11 and what of N12 a document can break, and the addresses of people. It returns all
// violations, each with its rule's id or its section.
func (inv *Inventory) Lint() error {
	var all []error
	for _, f := range inv.lint() {
		all = append(all, fmt.Errorf("%s: %s", f.Rule, f.Message))
	}
	return errors.Join(all...)
}

func (inv *Inventory) lint() []Fault {
	l := &linter{inv: inv, ids: map[string]string{}}
	if inv.Schema != Schema {
		l.add(whole("schema"), "schema", "schema is %q, want %q", inv.Schema, Schema)
	}
	l.unique()
	l.references()
	l.environments()
	l.production()
	l.data()
	l.credentials()
	l.gateways()
	l.acyclic()
	l.contacts()
	l.trust()
	return l.faults
}

type linter struct {
	inv    *Inventory
	ids    map[string]string // id -> section
	faults []Fault
}

func (l *linter) add(at place, rule, format string, args ...any) {
	l.say(at, rule, Refused, format, args...)
}

func (l *linter) say(at place, rule string, level Level, format string, args ...any) {
	l.faults = append(l.faults, Fault{Rule: rule, Level: level, Message: fmt.Sprintf(format, args...), at: at})
}

// note checks that an id is there and used once: a target must be unambiguous.
func (l *linter) note(section string, index int, id string) {
	if id == "" {
		l.add(of(section, index), "N11", "%s: an entry has no id", section)
		return
	}
	if other, dup := l.ids[id]; dup {
		l.add(of(section, index, "id"), "N6", "id %q is used in %s and in %s", id, other, section)
	}
	l.ids[id] = section
}

func (l *linter) unique() {
	inv := l.inv
	size := len(inv.Checkpoints) + len(inv.DatasetVersions) + len(inv.Datasets) + len(inv.Models) + len(inv.Endpoints) + len(inv.Credentials)
	l.ids = make(map[string]string, size)
	noteAll(l, "regulatory_profiles", inv.RegulatoryProfiles, func(x *RegulatoryProfile) string { return x.ID })
	noteAll(l, "people", inv.People, func(x *Person) string { return x.ID })
	noteAll(l, "trust_boundaries", inv.TrustBoundaries, func(x *TrustBoundary) string { return x.ID })
	noteAll(l, "systems", inv.Systems, func(x *System) string { return x.ID })
	noteAll(l, "models", inv.Models, func(x *Model) string { return x.ID })
	noteAll(l, "checkpoints", inv.Checkpoints, func(x *Checkpoint) string { return x.ID })
	noteAll(l, "datasets", inv.Datasets, func(x *Dataset) string { return x.ID })
	noteAll(l, "dataset_versions", inv.DatasetVersions, func(x *DatasetVersion) string { return x.ID })
	noteAll(l, "endpoints", inv.Endpoints, func(x *Endpoint) string { return x.ID })
	noteAll(l, "credentials", inv.Credentials, func(x *Credential) string { return x.ID })
	noteAll(l, "gateways", inv.Gateways, func(x *Gateway) string { return x.ID })
	noteAll(l, "pipelines", inv.Pipelines, func(x *Pipeline) string { return x.ID })
	noteAll(l, "stores", inv.Stores, func(x *Store) string { return x.ID })
}

func noteAll[T any](l *linter, section string, list []T, id func(*T) string) {
	for i := range list {
		l.note(section, i, id(&list[i]))
	}
}

// want reports a reference that does not resolve to an entry of one of the sections.
func (l *linter) want(at place, from, field, id string, sections ...string) {
	if id == "" || id == "none" || slices.Contains(sections, l.ids[id]) {
		return
	}
	l.add(at, "N11", "%s: %s %q is not in %s", from, field, id, strings.Join(sections, " or "))
}

// need reports a reference without which an asset belongs to nothing.
func (l *linter) need(at place, from, field, id, section string) {
	if id == "" {
		l.add(at, "N11", "%s: names no %s of %s", from, field, section)
		return
	}
	l.want(at, from, field, id, section)
}

// acyclic holds N7.
func (l *linter) acyclic() {
	cycle := l.inv.indexed().lineage.cycle()
	if cycle == nil {
		return
	}
	at := whole("lineage")
	for i := range l.inv.Lineage {
		e := &l.inv.Lineage[i]
		if j := slices.Index(cycle, e.From); j >= 0 && j+1 < len(cycle) && cycle[j+1] == e.To {
			at = of("lineage", i)
			break
		}
	}
	l.add(at, "N7", "lineage has a cycle: %s", strings.Join(shortened(cycle), " -> "))
}

// shortened keeps a list readable: the first few, how many there are between, and the last.
func shortened(ids []string) []string {
	const most = 12
	if len(ids) <= most {
		return ids
	}
	return slices.Concat(ids[:most-2], []string{fmt.Sprintf("(%d more)", len(ids)-most+1)}, ids[len(ids)-1:])
}
