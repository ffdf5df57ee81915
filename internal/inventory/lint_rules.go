package inventory

import (
	"slices"
	"strings"
)

// environments holds N6: every asset has exactly one environment that an incident or a drill can be in.
func (l *linter) environments() {
	for i := range l.inv.Models {
		l.environment(of("models", i, "env"), l.inv.Models[i].ID, l.inv.Models[i].Env)
	}
	for i := range l.inv.Datasets {
		l.environment(of("datasets", i, "env"), l.inv.Datasets[i].ID, l.inv.Datasets[i].Env)
	}
	for i := range l.inv.Endpoints {
		e := &l.inv.Endpoints[i]
		l.environment(of("endpoints", i, "env"), e.ID, e.Env)
		if m := l.inv.Model(e.Model); m != nil && m.Env != e.Env {
			l.add(of("endpoints", i, "env"), "N6", "endpoint %s is in %q, but its model %s in %q", e.ID, e.Env, m.ID, m.Env)
		}
	}
	for i := range l.inv.Credentials {
		l.environment(of("credentials", i, "env"), l.inv.Credentials[i].ID, l.inv.Credentials[i].Env)
	}
	for i := range l.inv.Stores {
		l.environment(of("stores", i, "env"), l.inv.Stores[i].ID, l.inv.Stores[i].Env)
	}
	l.channels()
}

func (l *linter) environment(at place, id, env string) {
	if !slices.Contains([]string{"prod", "staging", "drill"}, env) {
		l.add(at, "N6", "%s is in environment %q, want prod, staging or drill", id, env)
	}
}

// channels holds what of N12 a document can break: a drill must not post where production is told.
func (l *linter) channels() {
	production := map[string]string{}
	for _, s := range l.inv.Stakeholders {
		if l.inv.Env(s.Asset) == "prod" && s.Channel != "" {
			production[s.Channel] = s.Asset
		}
	}
	for i, s := range l.inv.Stakeholders {
		asset, shared := production[s.Channel]
		if env := l.inv.Env(s.Asset); shared && (env == "staging" || env == "drill") {
			l.add(of("stakeholders", i, "channel"), "N12", "%s is in %s but tells %s, which is for %s in production: a drill would post there", s.Asset, env, s.Channel, asset)
		}
	}
}

// production holds N1 and N2.
func (l *linter) production() {
	for i := range l.inv.Endpoints {
		e := &l.inv.Endpoints[i]
		if e.Env != "prod" {
			continue
		}
		if e.Probe.URL == "" || e.Probe.ExpectDigestHeader == "" {
			l.add(of("endpoints", i, "probe"), "N1", "production endpoint %s has no probe with a digest header", e.ID)
		}
		if m := l.inv.Model(e.Model); m != nil {
			if m.Fallback.Strategy == "" {
				l.add(of("endpoints", i, "model"), "N1", "production endpoint %s: model %s has no fallback strategy", e.ID, m.ID)
			}
			l.owned(of("endpoints", i, "model"), e, m)
		}
	}
	for i := range l.inv.Checkpoints {
		c := &l.inv.Checkpoints[i]
		if l.inv.Env(c.ID) == "prod" && (c.RootDigest == "" || c.OMSBundle == "" || len(c.Built.Datasets) == 0) {
			l.add(of("checkpoints", i), "N2", "production checkpoint %s lacks a root digest, a signature or its datasets", c.ID)
		}
	}
}

// owned checks that somebody answers for an endpoint, and somebody else while that person is away.
func (l *linter) owned(at place, e *Endpoint, m *Model) {
	s := l.inv.System(m.System)
	switch {
	case s == nil && m.System != "":
		return // said as N11
	case s == nil || s.Owner == "" || s.Owner == "none":
		l.add(at, "N1", "production endpoint %s has no owner: the system of its model %s names none", e.ID, m.ID)
	default:
		if p := l.inv.Person(s.Owner); p != nil && (p.Deputy == "" || p.Deputy == "none") {
			l.add(at, "N1", "production endpoint %s: its owner %s has no deputy", e.ID, p.ID)
		}
	}
}

// data holds N3.
func (l *linter) data() {
	for i := range l.inv.Datasets {
		d := &l.inv.Datasets[i]
		if sensitive(d.Sensitivity) && (d.ControllerRole == "" || len(d.Subjects.ByJurisdiction) == 0 || d.Subjects.Estimate == 0) {
			l.add(of("datasets", i), "N3", "dataset %s holds personal data but lacks controller role, jurisdictions or subject estimate", d.ID)
		}
	}
}

// credentials holds N4, N5 and N10.
func (l *linter) credentials() {
	for i := range l.inv.Credentials {
		c := &l.inv.Credentials[i]
		if len(c.Revoke.Order) == 0 || c.Reissue.Owner == "" {
			l.add(of("credentials", i), "N4", "credential %s has no revoke order or no re-issue owner", c.ID)
		}
		if !c.Protected && c.ours() {
			l.add(of("credentials", i), "N5", "credential %s is held by firebreak itself and must be protected: true, or an incident would revoke it", c.ID)
		}
	}
	for i, s := range l.inv.Stores {
		if slices.Contains(l.inv.Accounts.Assets, s.Account) || slices.Contains(l.inv.Accounts.Staging, s.Account) {
			l.add(of("stores", i, "account"), "N10", "evidence store %s is in the account %s of the assets", s.ID, s.Account)
		}
	}
}

// ours reports whether firebreak itself holds the credential: a holder is named firebreak or firebreak-something.
func (c *Credential) ours() bool {
	return slices.ContainsFunc(c.Holders, func(h string) bool { return h == "firebreak" || strings.HasPrefix(h, "firebreak-") })
}
