package legal

import (
	"slices"
	"strings"
)

// manyResidents is the figure of the US rules that begin with "500 or more" or "more than 500".
const manyResidents = 500

// condition is one fact of a profile and its data. It is true if the fact is plausible: what is not known holds.
type condition struct {
	name  string
	holds func(p *Profile, d *Data) bool
}

func conditions() []condition {
	return []condition{
		{"personal_data", func(_ *Profile, d *Data) bool { return len(d.Categories) > 0 }},
		// Special categories may be data about health.
		{"health_data", func(_ *Profile, d *Data) bool {
			return slices.Contains(d.Categories, CategoryPHI) || slices.Contains(d.Categories, CategorySpecial)
		}},
		{"gdpr_controller", func(p *Profile, d *Data) bool { return gdpr(p, d, "controller") }},
		{"gdpr_processor", func(p *Profile, d *Data) bool { return gdpr(p, d, "processor") }},
		{"ai_high_risk", func(p *Profile, _ *Data) bool { return p.AIActHighRisk }},
		{"ai_deployer", func(p *Profile, _ *Data) bool { return slices.Contains(p.AIActRoles, "deployer") }},
		{"gpai_systemic", func(p *Profile, _ *Data) bool { return p.GPAISystemic }},
		{"nis2_entity", func(p *Profile, _ *Data) bool { return p.NIS2 }},
		{"financial_entity", func(p *Profile, _ *Data) bool { return p.FinancialEntity }},
		{"public_company", func(p *Profile, _ *Data) bool { return p.PublicCompany }},
		{"hipaa_covered_entity", func(p *Profile, _ *Data) bool {
			return slices.ContainsFunc(p.HIPAA, func(role string) bool { return !associate(role) })
		}},
		{"hipaa_business_associate", func(p *Profile, _ *Data) bool { return slices.ContainsFunc(p.HIPAA, associate) }},
		{"frontier_developer", func(p *Profile, _ *Data) bool { return p.Frontier }},
		{"subjects_500", func(_ *Profile, d *Data) bool { return d.Subjects == 0 || d.Subjects >= manyResidents }},
		{"subjects_under_500", func(_ *Profile, d *Data) bool { return d.Subjects > 0 && d.Subjects < manyResidents }},
		{"us_consumers_500", func(p *Profile, d *Data) bool {
			return usSubjects(d) >= manyResidents || len(d.Residents) == 0 && len(p.USStates) > 0
		}},
		{"us_state_over_500", func(_ *Profile, d *Data) bool {
			return len(d.Residents) == 0 || slices.ContainsFunc(d.Residents, func(r Residents) bool {
				return american(r.Jurisdiction) && (r.Count == 0 || r.Count > manyResidents)
			})
		}},
		// The State's own residents are counted where the row is expanded.
		{stateOver500, func(*Profile, *Data) bool { return true }},
	}
}

// stateOver500 holds if the State that a row is opened for may have more than 500 residents concerned.
const stateOver500 = "state_over_500"

func conditionNames() []string {
	all := conditions()
	names := make([]string, 0, len(all))
	for _, c := range all {
		names = append(names, c.name)
	}
	return names
}

// plausible reports whether every condition of the row holds.
func (r *row) plausible(p *Profile, d *Data) bool {
	for _, c := range conditions() {
		if slices.Contains(r.applies, c.name) && !c.holds(p, d) {
			return false
		}
	}
	return true
}

// gdpr reports whether we may have the role: the profile or a dataset says so, and the GDPR applies at all.
func gdpr(p *Profile, d *Data, role string) bool {
	named := func(s string) bool { return strings.Contains(strings.ToLower(s), role) }
	return slices.ContainsFunc(p.GDPRRoles, named) || len(p.GDPRRoles) > 0 && slices.ContainsFunc(d.Roles, named)
}

func associate(role string) bool { return strings.Contains(strings.ToLower(role), "associate") }

func american(jurisdiction string) bool {
	return jurisdiction == "US" || strings.HasPrefix(jurisdiction, usPrefix)
}

// usPrefix tells a State of the US (US-DE, Delaware) from a country (DE, Germany).
const usPrefix = "US-"

func usSubjects(d *Data) int {
	n := 0
	for _, r := range d.Residents {
		if american(r.Jurisdiction) {
			n += r.Count
		}
	}
	return n
}

// statesOf lists the States whose residents may be concerned: those of the data and those of the profile.
func statesOf(p *Profile, d *Data) []string {
	var out []string
	for _, r := range d.Residents {
		if state, ok := strings.CutPrefix(r.Jurisdiction, usPrefix); ok {
			out = appendNew(out, state)
		}
	}
	for _, s := range p.USStates {
		out = appendNew(out, strings.TrimPrefix(s, usPrefix))
	}
	slices.Sort(out)
	return out
}

// residents counts the subjects in a State; zero is unknown.
func residents(d *Data, state string) int {
	for _, r := range d.Residents {
		if r.Jurisdiction == usPrefix+state {
			return r.Count
		}
	}
	return 0
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
