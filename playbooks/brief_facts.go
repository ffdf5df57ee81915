package playbooks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/internal/legal"
)

// brief collects the facts for legal. It draws no conclusions and sets no anchor of a clock: the clocks that it opens are
// provisional.
func brief(p *Plan, inv *inventory.Inventory, req incident.Request) (Brief, error) {
	b := Brief{
		Kind: req.Kind, Mode: req.Mode, Title: p.Playbook.Title, Asset: req.Asset, Summary: req.Summary,
		DetectedAt: req.DetectedAt, Radius: p.Radius, Severity: req.Severity, Playbook: p.File + " " + p.PlaybookDigest,
		ATLAS: p.Playbook.Threat.ATLAS,
	}
	b.describeData(inv)
	b.describeModels(inv)
	p.Playbook.Walk(func(_ string, s *Step) {
		if a, ok := FindAction(s.Action); ok && a.Role == incident.RoleContainment {
			for _, t := range p.Targets[s.ID] {
				b.Actions = append(b.Actions, s.Action+" on "+t.ID)
			}
		}
	})
	b.Profile.Drill = req.Mode == incident.Drill
	table, err := legal.Shipped()
	if err != nil {
		return Brief{}, fmt.Errorf("read legal regimes: %w", err)
	}
	b.Clocks = table.Open(b.Profile, b.Subjects, req.DetectedAt)
	b.NextBriefAt = b.nextAt(req.DetectedAt)
	return b, nil
}

// describeData describes the personal data and counts their subjects. The same people may be in two datasets: the counts are
// an upper bound.
func (b *Brief) describeData(inv *inventory.Inventory) {
	counts := map[string]int{}
	for _, id := range inv.DataOf(b.Radius) {
		d := inv.Dataset(id)
		b.Data = append(b.Data, fmt.Sprintf("%s: %s, about %d persons (%s), we are %s, legal basis %s",
			d.ID, d.Sensitivity, d.Subjects.Estimate, jurisdictions(d.Subjects.ByJurisdiction), d.ControllerRole, d.LegalBasis))
		b.Subjects.Categories = appendNew(b.Subjects.Categories, d.Sensitivity)
		b.Subjects.Roles = appendNew(b.Subjects.Roles, d.ControllerRole)
		b.Subjects.Subjects += d.Subjects.Estimate
		for k, n := range d.Subjects.ByJurisdiction {
			counts[k] += n
		}
		for _, s := range d.Sources {
			b.ThirdParties = addLine(b.ThirdParties, fmt.Sprintf("source of %s: %s (%s)", d.ID, s.Ref, s.Kind))
		}
		if d.Encrypted.KMS != "" {
			b.Data = append(b.Data, fmt.Sprintf("%s is encrypted with %s; whether the key was exposed is unknown", d.ID, d.Encrypted.KMS))
		}
	}
	for k, n := range counts {
		b.Subjects.Residents = append(b.Subjects.Residents, legal.Residents{Jurisdiction: k, Count: n})
	}
	slices.SortFunc(b.Subjects.Residents, func(x, y legal.Residents) int { return strings.Compare(x.Jurisdiction, y.Jurisdiction) })
}

// describeModels describes the affected systems and what they are subject to.
func (b *Brief) describeModels(inv *inventory.Inventory) {
	for _, id := range b.Radius.Models {
		m := inv.Model(id)
		for _, u := range m.Upstream {
			b.ThirdParties = addLine(b.ThirdParties, fmt.Sprintf("base of %s: %s", id, u.Ref))
		}
		if len(b.Data) > 0 {
			b.ModelExposure = addLine(b.ModelExposure, "[suspected] Weights or outputs of "+id+" could reveal training data: personal data are in its lineage or in the blast radius.")
		}
		s := inv.System(m.System)
		if s == nil {
			continue
		}
		p := inv.Profile(s.Profile)
		b.Systems = addLine(b.Systems, systemLine(id, s, p))
		for _, r := range regimes(p) {
			b.Regimes = appendNew(b.Regimes, r)
		}
		if p != nil {
			addProfile(&b.Profile, p, inv)
		}
	}
	if len(b.Systems) == 0 && len(b.Data) > 0 {
		b.assumeProfiles(inv)
	}
	for _, id := range b.Radius.Endpoints {
		for _, t := range inv.Endpoint(id).Tenants {
			b.ThirdParties = addLine(b.ThirdParties, fmt.Sprintf("customer of %s: %s (%s)", id, t.ID, t.Tier))
		}
	}
	for _, c := range b.Profile.Contracts {
		b.ThirdParties = addLine(b.ThirdParties, fmt.Sprintf("contract with %s: notice within %d h", c.Party, c.NotifyHours))
	}
}

// assumeProfiles takes the profiles of every system of the environment, the worst case for personal data that no affected
// system uses.
func (b *Brief) assumeProfiles(inv *inventory.Inventory) {
	b.Systems = append(b.Systems, "no affected system: the clocks assume the regulatory profiles of every system of the environment")
	for i := range inv.Systems {
		s := &inv.Systems[i]
		p := inv.Profile(s.Profile)
		if s.Env != b.Radius.Environment || p == nil {
			continue
		}
		addProfile(&b.Profile, p, inv)
		for _, r := range regimes(p) {
			b.Regimes = appendNew(b.Regimes, r)
		}
	}
}

func systemLine(model string, s *inventory.System, p *inventory.RegulatoryProfile) string {
	line := fmt.Sprintf("%s in %s: %s; criticality %s", model, s.ID, s.Purpose, s.Criticality)
	if p == nil {
		return line + "; no regulatory profile"
	}
	line += fmt.Sprintf("; EU AI Act %s, class %s", p.AIAct.Role, p.AIAct.Class)
	if p.AIAct.AnnexIII != "" {
		line += ", Annex III " + p.AIAct.AnnexIII
	}
	return line
}

// addProfile adds one regulatory profile to the union of them.
func addProfile(to *legal.Profile, p *inventory.RegulatoryProfile, inv *inventory.Inventory) {
	if given(p.AIAct.Role) {
		to.AIActRoles = appendNew(to.AIActRoles, p.AIAct.Role)
	}
	if given(p.GDPR.Role) {
		to.GDPRRoles = appendNew(to.GDPRRoles, p.GDPR.Role)
	}
	if to.LeadAuthority == "" {
		to.LeadAuthority = p.GDPR.LeadSA
	}
	if given(p.HIPAA) {
		to.HIPAA = appendNew(to.HIPAA, p.HIPAA)
	}
	to.AIActHighRisk = to.AIActHighRisk || p.AIAct.Class == "high"
	to.NIS2 = to.NIS2 || given(p.NIS2)
	to.FinancialEntity = to.FinancialEntity || p.DORA
	to.PublicCompany = to.PublicCompany || p.SEC
	to.GPAISystemic = to.GPAISystemic || p.GPAISystemic
	to.Frontier = to.Frontier || p.CASB53
	for _, s := range p.USStates {
		to.USStates = appendNew(to.USStates, s)
	}
	for _, c := range p.Contracts {
		addContract(to, legal.Contract{Party: c.Party, NotifyHours: c.NotifyHours})
	}
	for _, o := range owners(p.CounselOwner, inv) {
		to.Owners = appendNew(to.Owners, o)
	}
}

// addContract keeps the shortest notice that a party was promised.
func addContract(to *legal.Profile, c legal.Contract) {
	i := slices.IndexFunc(to.Contracts, func(o legal.Contract) bool { return o.Party == c.Party })
	if i < 0 {
		to.Contracts = append(to.Contracts, c)
		return
	}
	to.Contracts[i].NotifyHours = min(to.Contracts[i].NotifyHours, c.NotifyHours)
}

// owners are the named legal owner, the deputy, and who comes after both: another person of legal, else an executive.
func owners(owner string, inv *inventory.Inventory) []string {
	p := inv.Person(owner)
	if p == nil {
		return nil
	}
	out := []string{p.ID}
	if d := inv.Person(p.Deputy); d != nil {
		out = appendNew(out, d.ID)
	}
	for _, role := range []string{legal.RoleLegal, "EXE"} {
		i := slices.IndexFunc(inv.People, func(x inventory.Person) bool { return x.Role == role && !slices.Contains(out, x.ID) })
		if i >= 0 {
			return append(out, inv.People[i].ID)
		}
	}
	return out
}

func jurisdictions(by map[string]int) string {
	var out []string
	for k, n := range by {
		out = append(out, fmt.Sprintf("%s %d", k, n))
	}
	slices.Sort(out)
	return commas(out)
}

// regimes names the regimes that a profile is subject to. Which of them apply is counsel's decision.
func regimes(p *inventory.RegulatoryProfile) []string {
	if p == nil {
		return nil
	}
	var out []string
	add := func(applies bool, name string) {
		if applies {
			out = append(out, name)
		}
	}
	add(given(p.GDPR.Role), "GDPR Art. 33 ("+p.GDPR.Role+", lead authority "+p.GDPR.LeadSA+")")
	add(p.AIAct.Class == "high", "EU AI Act Art. 73 ("+p.AIAct.Role+" of a high-risk system)")
	add(given(p.NIS2), "NIS2 Art. 23 ("+p.NIS2+" entity)")
	add(p.DORA, "DORA (RTS 2025/301)")
	add(p.SEC, "SEC Form 8-K Item 1.05")
	add(given(p.HIPAA), "HIPAA 45 CFR 164.404")
	add(p.GPAISystemic, "EU AI Act Art. 55 (general-purpose AI with systemic risk)")
	add(p.CASB53, "California SB 53")
	for _, s := range p.USStates {
		out = append(out, "US state law: "+s)
	}
	for _, c := range p.Contracts {
		out = append(out, fmt.Sprintf("contract with %s: %d h", c.Party, c.NotifyHours))
	}
	return out
}

// given reports whether a profile states a role at all.
func given(s string) bool { return s != "" && s != "none" }

// mostBriefLines bounds each list of a brief: it travels in workflow history and is read by people.
const mostBriefLines = 100

// addLine adds a line that is not there yet, and in the place of the last one says that there are more.
func addLine(list []string, line string) []string {
	if len(list) >= mostBriefLines {
		list[mostBriefLines-1] = "(and more; see the inventory)"
		return list
	}
	return appendNew(list, line)
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// nextAt is when the version after this one is due. Version 1 is due 60 minutes after the declaration, or for a dataset with
// personal data after 30 minutes; without personal data an extraction or a dataset has 4 hours. From then on there is one a
// day.
func (b *Brief) nextAt(from time.Time) time.Time {
	switch {
	case from.IsZero():
		return time.Time{}
	case b.Version > 0:
		return from.Add(24 * time.Hour)
	case b.Kind == incident.BackdoorDiscovery:
		return from.Add(time.Hour)
	case !b.Radius.PersonalData:
		return from.Add(4 * time.Hour)
	case b.Kind == incident.DatasetCompromise:
		return from.Add(30 * time.Minute)
	}
	return from.Add(time.Hour)
}
