package playbooks

import (
	"slices"

	"gopkg.in/yaml.v3"

	"firebreak/internal/incident"
)

// lesserExists checks that an approval that yields to a lesser step has one.
func (p *parser) lesserExists(pb *Playbook) {
	has := map[string]bool{}
	pb.Walk(func(_ string, s *Step) { has[s.LesserOf] = true })
	pb.Walk(func(_ string, s *Step) {
		if s.Approval != nil && s.Approval.OnTimeout == ProceedWithLesser && !has[s.ID] {
			p.fault(p.value(s.Approval, "on_timeout"), codeLesser, "add a step with lesser_of", "no step is the lesser of approval %q", s.ID)
		}
	})
}

// notification is the action that tells legal.
const notification = "legal.notify"

// mustTellLegal keeps design rule 6: a playbook that could skip telling legal is a fault. A notification is certain if
// nothing that the file says can keep it from running.
func (p *parser) mustTellLegal(pb *Playbook) {
	var end, in *yaml.Node
	certain, found := false, false
	pb.Walk(func(phase string, s *Step) {
		if s.Action == notification && !certain {
			in, found = p.inTheWay(s, end), true
			if i := slices.IndexFunc(pb.Phases, func(ph Phase) bool { return ph.ID == phase && ph.Aside }); i >= 0 && in == nil {
				in = p.key(&pb.Phases[i], "aside")
			}
			certain = in == nil
		}
		if at := p.endsEarly(s); end == nil {
			end = at
		}
	})
	switch {
	case certain:
	case found:
		p.fault(in, codeLegal, "tell legal without conditions and before anything that can end the playbook", "this can keep legal from being told")
	default:
		p.fault(p.key(pb, "phases"), codeLegal, "add a step with action: legal.notify and no needs", "no step tells legal")
	}
}

// inTheWay returns what can keep the step from running: a key of its own, or an earlier step that can end the playbook.
func (p *parser) inTheWay(s *Step, end *yaml.Node) *yaml.Node {
	for _, key := range []string{"when", "needs", "lesser_of"} {
		if p.has(s, key) {
			return p.key(s, key)
		}
	}
	return end
}

// endsEarly returns the key that lets the step end the playbook, or nil.
func (p *parser) endsEarly(s *Step) *yaml.Node {
	switch {
	case s.OnFailure == Stop || s.OnFailure == Abort:
		return p.key(s, "on_failure")
	case s.Approval != nil && s.Approval.OnTimeout == AbortOnTimeout:
		return p.key(s.Approval, "on_timeout")
	}
	return nil
}

// mustContain refuses a playbook that can prove no containment. A team's own kind may leave it to people.
func (p *parser) mustContain(pb *Playbook) {
	custom := !slices.Contains(incident.Kinds(), pb.Kind)
	contains := false
	pb.Walk(func(phase string, s *Step) {
		a := p.actions[s.Action]
		contains = contains || !pb.Aside(phase) && (a.Role == incident.RoleContainment || custom && s.Task != nil)
	})
	if !contains {
		p.fault(p.key(pb, "phases"), codeContainment, "add a containment action", "no step contains anything")
	}
}

// requiredPhases lists the phases that a kind's playbook must have, in this order. Nothing stands before the first:
// evidence is taken before anything changes (V1). An extraction has no recovery: nothing is wrong with the model (V6).
func requiredPhases(kind incident.Kind) []string {
	switch kind {
	case incident.BackdoorDiscovery, incident.DatasetCompromise:
		return []string{"preserve", "contain", "recover"}
	case incident.ExtractionEvent:
		return []string{"preserve", "contain"}
	}
	return nil
}

func (p *parser) requiredPhases(pb *Playbook) {
	want := requiredPhases(pb.Kind)
	if len(want) > 0 && pb.Phases[0].ID != want[0] {
		p.fault(p.value(&pb.Phases[0], "id"), codePhases, "in this order: "+commas(want), "the first phase of %s is %s", pb.Kind, want[0])
	}
	last := -1
	for _, id := range want {
		i := slices.IndexFunc(pb.Phases, func(ph Phase) bool { return ph.ID == id })
		switch {
		case i < 0:
			p.fault(p.key(pb, "phases"), codePhases, "in this order: "+commas(want), "a playbook of %s has no phase %q", pb.Kind, id)
		case i < last:
			p.fault(p.value(&pb.Phases[i], "id"), codePhases, "in this order: "+commas(want), "phase %q stands too early", id)
		case pb.Phases[i].Aside:
			p.fault(p.key(&pb.Phases[i], "aside"), codeAside, "drop aside", "the verdict of %s waits for phase %q", pb.Kind, id)
		default:
			last = i
		}
	}
}
