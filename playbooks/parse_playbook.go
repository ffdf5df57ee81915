package playbooks

import (
	"time"

	"gopkg.in/yaml.v3"

	"firebreak/internal/incident"
)

// Roles lists the roles that the inventory's people can have: incident commander, security, model owner, data owner, site
// reliability, privacy, legal, communications and executive.
func Roles() []string {
	return []string{"IC", "SEC", "MLO", "DO", "SRE", "PRIV", "LEG", "COM", "EXE"}
}

func role() shape[string] { return oneOf("role", codeUnknownRole, Roles()) }

func playbookFields() []field[Playbook] {
	return []field[Playbook]{
		key("version", "The version of the language: 1.", version(), func(*Playbook) *struct{} { return &struct{}{} }).must(),
		key("kind", "The kind of incident that the playbook answers. The file is named after it.", id[incident.Kind]("kind", codeKind), func(pb *Playbook) *incident.Kind { return &pb.Kind }).must(),
		key("title", "One line for people.", text("title"), func(pb *Playbook) *string { return &pb.Title }).must(),
		key("threat", "The scenario that the playbook answers.", mappingOf("threat", threatFields), func(pb *Playbook) *Threat { return &pb.Threat }).must(),
		key("rating", "Likelihood times impact.", mappingOf("rating", ratingFields), func(pb *Playbook) *Rating { return &pb.Rating }),
		key("watch", "Proves containment again until the incident is closed.", mappingOf("watch", watchFields), func(pb *Playbook) *Watch { return &pb.Watch }),
		key("phases", "The phases, in the order in which they run.", listOf("phases", mappingOf("phase", phaseFields)), func(pb *Playbook) *[]Phase { return &pb.Phases }).must(),
	}
}

// version is known to the reader of the file only; a parsed playbook is always of this one.
func version() shape[struct{}] {
	return shape[struct{}]{object{"const": 1}, func(p *parser, n *yaml.Node, _ *struct{}) {
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || n.Value != "1" {
			p.fault(n, codeVersion, "write version: 1", "version %q is not known", n.Value)
		}
	}}
}

func threatFields() []field[Threat] {
	texts := func(what string) shape[[]string] { return setOf(what, text("each of the "+what)) }
	ids := func(scheme string) shape[[]string] { return setOf(scheme, taxonomyID(scheme)) }
	return []field[Threat]{
		key("scenario", "Who does what to which asset.", text("scenario"), func(t *Threat) *string { return &t.Scenario }).must(),
		key("goal", "What the attacker wants.", text("goal"), func(t *Threat) *string { return &t.Goal }),
		key("capabilities", "What the attacker must be able to do.", texts("capabilities"), func(t *Threat) *[]string { return &t.Capabilities }),
		key("assets", "What is at stake.", texts("assets"), func(t *Threat) *[]string { return &t.Assets }),
		key("impact", "What happens if it succeeds.", text("impact"), func(t *Threat) *string { return &t.Impact }),
		key("indicators", "What it looks like.", texts("indicators"), func(t *Threat) *[]string { return &t.Indicators }),
		key("atlas", "Ids of MITRE ATLAS, e.g. AML.T0020.", ids("atlas"), func(t *Threat) *[]string { return &t.ATLAS }),
		key("owasp", "Ids of the OWASP lists with their year, e.g. LLM04:2025.", ids("owasp"), func(t *Threat) *[]string { return &t.OWASP }),
		key("nist_ai_rmf", "Subcategories of the NIST AI RMF, e.g. MANAGE 4.1.", ids("nist_ai_rmf"), func(t *Threat) *[]string { return &t.RMF }),
		key("csf", "Subcategories of the NIST Cybersecurity Framework 2.0, e.g. RS.MI-01.", ids("csf"), func(t *Threat) *[]string { return &t.CSF }),
	}
}

// taxonomyID is an id that the scheme's catalogue has.
func taxonomyID(scheme string) shape[string] {
	return checked(text("each id of "+scheme), object{"$ref": "#/$defs/" + scheme}, func(p *parser, n *yaml.Node, v string) {
		if err := p.taxonomy.Check(scheme, v); err != nil {
			p.fault(n, codeTaxonomy, "", "%v", err)
		}
	})
}

func ratingFields() []field[Rating] {
	level := func(what string) shape[Level] { return oneOf(what, codeUnknownValue, []Level{Low, Medium, High}) }
	return []field[Rating]{
		key("likelihood", "How likely the scenario is.", level("likelihood"), func(r *Rating) *Level { return &r.Likelihood }).must(),
		key("impact", "How bad it is.", level("impact"), func(r *Rating) *Level { return &r.Impact }).must(),
	}
}

func watchFields() []field[Watch] {
	return []field[Watch]{
		key("every", "The time between two proofs.", duration("every", 10*time.Second, 24*time.Hour), func(w *Watch) *time.Duration { return &w.Every }).must(),
	}
}

func phaseFields() []field[Phase] {
	return []field[Phase]{
		key("id", "Names the phase.", id[string]("id", codeID), func(ph *Phase) *string { return &ph.ID }).must(),
		key("title", "One line for people.", text("title"), func(ph *Phase) *string { return &ph.Title }).must(),
		key("aside", "Whether the phases after it and the verdict do not wait for the phase.", boolean("aside"), func(ph *Phase) *bool { return &ph.Aside }),
		key("steps", "The steps, in the order in which they run.", listOf("steps", mappingOf("step", stepFields)), func(ph *Phase) *[]Step { return &ph.Steps }).must(),
	}
}
