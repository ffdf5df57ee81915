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

// Lint checks the invariants N1-N8, N10 and N11, and the addresses of people, and returns all violations, each with its rule's
// id or its section.
func (inv *Inventory) Lint() error {
	l := &linter{inv: inv, ids: map[string]string{}}
	if inv.Schema != Schema {
		l.add("schema", "schema is %q, want %q", inv.Schema, Schema)
	}
	l.unique()
	l.references()
	l.production()
	l.data()
	l.credentials()
	l.gateways()
	l.acyclic()
	l.contacts()
	l.trust()
	return errors.Join(l.faults...)
}

type linter struct {
	inv    *Inventory
	ids    map[string]string // id -> section
	faults []error
}

func (l *linter) add(rule, format string, args ...any) {
	l.faults = append(l.faults, fmt.Errorf("%s: %s", rule, fmt.Sprintf(format, args...)))
}

// unique checks that no id is used twice: a target must be unambiguous.
func (l *linter) unique() {
	note := func(section, id string) {
		if id == "" {
			l.add("N11", "%s: an entry has no id", section)
			return
		}
		if other, dup := l.ids[id]; dup {
			l.add("N6", "id %q is used in %s and in %s", id, other, section)
		}
		l.ids[id] = section
	}
	for _, x := range l.inv.People {
		note("people", x.ID)
	}
	for _, x := range l.inv.Systems {
		note("systems", x.ID)
	}
	for _, x := range l.inv.Models {
		note("models", x.ID)
	}
	for _, x := range l.inv.Checkpoints {
		note("checkpoints", x.ID)
	}
	for _, x := range l.inv.Datasets {
		note("datasets", x.ID)
	}
	for _, x := range l.inv.DatasetVersions {
		note("dataset_versions", x.ID)
	}
	for _, x := range l.inv.Endpoints {
		note("endpoints", x.ID)
	}
	for _, x := range l.inv.Credentials {
		note("credentials", x.ID)
	}
	for _, x := range l.inv.Gateways {
		note("gateways", x.ID)
	}
	for _, x := range l.inv.Stores {
		note("stores", x.ID)
	}
}

// want reports a reference that does not resolve to an entry of the section.
func (l *linter) want(from, field, id, section string) {
	if id == "" || id == "none" {
		return
	}
	if l.ids[id] != section {
		l.add("N11", "%s: %s %q is not in %s", from, field, id, section)
	}
}

func (l *linter) references() {
	for _, p := range l.inv.People {
		l.want(p.ID, "deputy", p.Deputy, "people")
	}
	for _, s := range l.inv.Systems {
		l.want(s.ID, "owner", s.Owner, "people")
		l.want(s.ID, "data_owner", s.DataOwner, "people")
	}
	for _, m := range l.inv.Models {
		l.want(m.ID, "system", m.System, "systems")
	}
	for _, c := range l.inv.Checkpoints {
		l.want(c.ID, "model", c.Model, "models")
		for _, p := range c.Parents {
			l.want(c.ID, "parent", p, "checkpoints")
		}
		for _, d := range c.Built.Datasets {
			id, _, _ := strings.Cut(d, "#")
			l.want(c.ID, "dataset", id, "dataset_versions")
		}
	}
	for _, d := range l.inv.Datasets {
		l.want(d.ID, "owner", d.Owner, "people")
	}
	for _, v := range l.inv.DatasetVersions {
		l.want(v.ID, "dataset", v.Dataset, "datasets")
		for _, p := range v.Parents {
			l.want(v.ID, "parent", p, "dataset_versions")
		}
	}
	for _, e := range l.inv.Endpoints {
		l.want(e.ID, "model", e.Model, "models")
	}
	for _, e := range l.inv.Lineage {
		for _, end := range []string{e.From, e.To} {
			if s := l.ids[end]; s != "checkpoints" && s != "dataset_versions" {
				l.add("N11", "lineage %s -> %s: %q is neither a checkpoint nor a dataset version", e.From, e.To, end)
			}
		}
	}
}

// production holds N1 and N2.
func (l *linter) production() {
	for _, e := range l.inv.Endpoints {
		if e.Env != "prod" {
			continue
		}
		if e.Probe.URL == "" || e.Probe.ExpectDigestHeader == "" {
			l.add("N1", "production endpoint %s has no probe with a digest header", e.ID)
		}
		if m := l.inv.Model(e.Model); m != nil && m.Fallback.Strategy == "" {
			l.add("N1", "production endpoint %s: model %s has no fallback strategy", e.ID, m.ID)
		}
	}
	for _, c := range l.inv.Checkpoints {
		if l.inv.Env(c.ID) == "prod" && (c.RootDigest == "" || c.OMSBundle == "" || len(c.Built.Datasets) == 0) {
			l.add("N2", "production checkpoint %s lacks a root digest, a signature or its datasets", c.ID)
		}
	}
}

// data holds N3.
func (l *linter) data() {
	for _, d := range l.inv.Datasets {
		if sensitive(d.Sensitivity) && (d.ControllerRole == "" || len(d.Subjects.ByJurisdiction) == 0 || d.Subjects.Estimate == 0) {
			l.add("N3", "dataset %s holds personal data but lacks controller role, jurisdictions or subject estimate", d.ID)
		}
	}
}

// credentials holds N4 and N10.
func (l *linter) credentials() {
	for _, c := range l.inv.Credentials {
		if len(c.Revoke.Order) == 0 || c.Reissue.Owner == "" {
			l.add("N4", "credential %s has no revoke order or no re-issue owner", c.ID)
		}
		l.want(c.ID, "reissue owner", c.Reissue.Owner, "people")
	}
	for _, s := range l.inv.Stores {
		if slices.Contains(l.inv.Accounts.Assets, s.Account) {
			l.add("N10", "evidence store %s is in the account %s of the assets", s.ID, s.Account)
		}
	}
}

// acyclic holds N7.
func (l *linter) acyclic() {
	const visiting, visited = 1, 2
	state := map[string]int{}
	next := l.inv.indexed().next
	var visit func(id string) bool
	visit = func(id string) bool {
		state[id] = visiting
		for _, n := range next[id] {
			if state[n] == visiting || state[n] == 0 && !visit(n) {
				return false
			}
		}
		state[id] = visited
		return true
	}
	for _, e := range l.inv.Lineage {
		if state[e.From] == 0 && !visit(e.From) {
			l.add("N7", "lineage has a cycle through %s", e.From)
			return
		}
	}
}
