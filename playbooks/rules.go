package playbooks

import (
	"slices"
	"strings"
)

// rules checks what must hold in every playbook, whatever its steps. Each rule says which invariant it keeps.
func (p *parser) rules(pb *Playbook) {
	p.ids(pb)
	for i := range pb.Phases {
		p.kinds(pb.Phases[i].Steps, false)
	}
	o := &order{p: p, kind: pb.Kind, earlier: map[string]*Step{}, beside: map[string]string{}}
	pb.Walk(func(phase string, s *Step) {
		o.aside = pb.Aside(phase)
		p.action(s)
		p.approval(s)
		p.task(s)
		o.step(s)
		if s.ID != "" && o.earlier[s.ID] == nil {
			o.earlier[s.ID] = s
			if o.aside {
				o.beside[s.ID] = phase
			}
		}
	})
	p.lesserExists(pb)
	if len(pb.Phases) == 0 {
		return // that has been reported, and nothing else can be said of it
	}
	p.mustTellLegal(pb)
	p.mustContain(pb)
	p.requiredPhases(pb)
}

// ids checks that no step and no phase has the id of another: ids are parts of idempotency keys and paths.
func (p *parser) ids(pb *Playbook) {
	used := map[string]bool{}
	check := func(part any, id string) {
		if id != "" && used[id] {
			p.fault(p.value(part, "id"), codeDuplicateID, "give each phase and step an id of its own", "id %q is used twice", id)
		}
		used[id] = true
	}
	for i := range pb.Phases {
		check(&pb.Phases[i], pb.Phases[i].ID)
	}
	pb.Walk(func(_ string, s *Step) { check(s, s.ID) })
}

// kinds checks that each step is exactly one kind of step and has only the keys of that kind. Nothing may be skipped
// silently because two kinds were written in one step.
func (p *parser) kinds(list []Step, nested bool) {
	var known []string
	for _, k := range stepKinds() {
		known = append(known, k.key)
	}
	for i := range list {
		s := &list[i]
		var is []stepKind
		for _, k := range stepKinds() {
			if p.has(s, k.key) {
				is = append(is, k)
			}
		}
		switch {
		case p.places[s].keys == nil: // not a mapping, or an alias: it has been reported
		case len(is) == 0:
			p.fault(p.places[s].node, codeStepKind, "one of "+strings.Join(known, ", "), "the step does nothing")
		case len(is) > 1:
			for _, k := range is[1:] {
				p.fault(p.key(s, k.key), codeStepKind, "make two steps of them", "the step is both %s and %s", is[0].key, k.key)
			}
		default:
			p.keysOf(s, is[0])
		}
		if nested && p.has(s, "parallel") {
			p.fault(p.key(s, "parallel"), codeStepKind, "list the steps side by side", "parallel inside parallel is not allowed")
		}
		p.kinds(s.Parallel, true)
	}
}

// keysOf checks that the step has the keys that its kind must have and none that it may not.
func (p *parser) keysOf(s *Step, k stepKind) {
	for name, n := range p.places[s].keys {
		if name != k.key && !slices.Contains(k.may, name) {
			p.fault(n, codeMisplacedKey, k.key+" can stand with "+strings.Join(k.may, ", "), "%s does not belong to %s", name, k.key)
		}
	}
	for _, key := range k.must {
		if !p.has(s, key) {
			p.fault(p.places[s].node, codeMissingKey, "", "step has no %q", key)
		}
	}
}
