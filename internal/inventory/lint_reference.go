package inventory

import (
	"strconv"
	"strings"
)

// references holds N11: what an entry names is there.
func (l *linter) references() {
	for i := range l.inv.RegulatoryProfiles {
		p := &l.inv.RegulatoryProfiles[i]
		l.want(of("regulatory_profiles", i, "counsel_owner"), p.ID, "counsel_owner", p.CounselOwner, "people")
	}
	for i := range l.inv.People {
		p := &l.inv.People[i]
		l.want(of("people", i, "deputy"), p.ID, "deputy", p.Deputy, "people")
	}
	for i := range l.inv.Systems {
		s := &l.inv.Systems[i]
		l.want(of("systems", i, "owner"), s.ID, "owner", s.Owner, "people")
		l.want(of("systems", i, "data_owner"), s.ID, "data_owner", s.DataOwner, "people")
		l.want(of("systems", i, "profile"), s.ID, "profile", s.Profile, "regulatory_profiles")
		for j, b := range s.Boundaries {
			l.want(of("systems", i, "boundaries", strconv.Itoa(j)), s.ID, "boundary", b, "trust_boundaries")
		}
	}
	for i := range l.inv.Models {
		m := &l.inv.Models[i]
		l.want(of("models", i, "system"), m.ID, "system", m.System, "systems")
		for j, u := range m.Upstream {
			l.want(of("models", i, "upstream", strconv.Itoa(j), "boundary"), m.ID, "boundary", u.Boundary, "trust_boundaries")
		}
	}
	l.checkpointReferences()
	l.dataReferences()
	l.servingReferences()
	l.lineageReferences()
}

func (l *linter) checkpointReferences() {
	for i := range l.inv.Checkpoints {
		c := &l.inv.Checkpoints[i]
		l.need(of("checkpoints", i, "model"), c.ID, "model", c.Model, "models")
		for j, p := range c.Parents {
			l.want(of("checkpoints", i, "parents", strconv.Itoa(j)), c.ID, "parent", p, "checkpoints")
		}
		for j, d := range c.Derived {
			l.want(of("checkpoints", i, "derived", strconv.Itoa(j)), c.ID, "derived", d, "checkpoints")
		}
		for j, d := range c.Built.Datasets {
			id, _, _ := strings.Cut(d, "#")
			l.want(of("checkpoints", i, "built", "datasets", strconv.Itoa(j)), c.ID, "dataset", id, "dataset_versions", "datasets")
		}
	}
}

func (l *linter) dataReferences() {
	for i := range l.inv.Datasets {
		d := &l.inv.Datasets[i]
		l.want(of("datasets", i, "owner"), d.ID, "owner", d.Owner, "people")
		for j, s := range d.Sources {
			l.want(of("datasets", i, "sources", strconv.Itoa(j), "boundary"), d.ID, "boundary", s.Boundary, "trust_boundaries")
		}
	}
	for i := range l.inv.DatasetVersions {
		v := &l.inv.DatasetVersions[i]
		l.need(of("dataset_versions", i, "dataset"), v.ID, "dataset", v.Dataset, "datasets")
		for j, p := range v.Parents {
			l.want(of("dataset_versions", i, "parents", strconv.Itoa(j)), v.ID, "parent", p, "dataset_versions")
		}
	}
}

func (l *linter) servingReferences() {
	for i := range l.inv.Endpoints {
		e := &l.inv.Endpoints[i]
		l.need(of("endpoints", i, "model"), e.ID, "model", e.Model, "models")
		for j, t := range e.Tenants {
			l.want(of("endpoints", i, "tenants", strconv.Itoa(j), "account_owner"), e.ID, "account_owner", t.AccountOwner, "people")
		}
	}
	for i := range l.inv.Credentials {
		c := &l.inv.Credentials[i]
		l.want(of("credentials", i, "reissue", "owner"), c.ID, "reissue owner", c.Reissue.Owner, "people")
	}
	for i := range l.inv.Pipelines {
		p := &l.inv.Pipelines[i]
		for j, id := range p.Reads {
			l.want(of("pipelines", i, "reads", strconv.Itoa(j)), p.ID, "reads", id, "datasets", "models")
		}
		for j, id := range p.Writes {
			l.want(of("pipelines", i, "writes", strconv.Itoa(j)), p.ID, "writes", id, "models", "datasets")
		}
	}
	for i := range l.inv.Stakeholders {
		s := &l.inv.Stakeholders[i]
		if _, ok := l.ids[s.Asset]; !ok {
			l.add(of("stakeholders", i, "asset"), "N11", "stakeholders: asset %q is not in the inventory", s.Asset)
		}
	}
}

func (l *linter) lineageReferences() {
	for i := range l.inv.Lineage {
		e := &l.inv.Lineage[i]
		for _, x := range [2][2]string{{"from", e.From}, {"to", e.To}} {
			field, end := x[0], x[1]
			switch s := l.ids[end]; {
			case s == "checkpoints" || s == "dataset_versions":
			case s == "datasets" && field == "from": // a version of it, nobody knows which
			default:
				l.add(of("lineage", i, field), "N11", "lineage %s -> %s: %q is neither a checkpoint nor a dataset version", e.From, e.To, end)
			}
		}
	}
}
