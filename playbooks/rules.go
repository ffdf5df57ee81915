package playbooks

import (
	"regexp"
	"slices"

	"firebreak/internal/incident"
)

// rules checks what must hold in every playbook, whatever its steps. Each rule names the playbook invariant it keeps.
func (p *parser) rules(pb *Playbook) {
	p.ids(pb)
	p.kinds(pb)
	seen := map[string]*Step{}
	walkOrdered(pb, func(s *Step, earlier map[string]*Step) {
		p.action(s)
		p.needs(s, earlier)
		p.replacesState(s, earlier)
		seen[s.ID] = s
	})
	p.mustTellLegal(seen)
	p.mustContain(seen)
}

// walkOrdered visits every step with the steps that stand before it in the file. A step may need any of them: inside a
// parallel set it waits for the siblings it needs.
func walkOrdered(pb *Playbook, visit func(s *Step, earlier map[string]*Step)) {
	earlier := map[string]*Step{}
	pb.Walk(func(_ string, s *Step) {
		visit(s, earlier)
		earlier[s.ID] = s
	})
}

// ids checks that every step and phase has a well-formed id of its own: ids are parts of idempotency keys and paths.
func (p *parser) ids(pb *Playbook) {
	valid := regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	used := map[string]bool{}
	check := func(s *Step, id string) {
		n := p.root
		if s != nil {
			n = p.where[s]
		}
		if !valid.MatchString(id) {
			p.fault(n, "id", "lower-case letters, digits and dashes, at most 63", "id %q is not valid", id)
		}
		if used[id] {
			p.fault(n, "duplicate-id", "", "id %q is used twice", id)
		}
		used[id] = true
	}
	for _, ph := range pb.Phases {
		check(nil, ph.ID)
	}
	pb.Walk(func(_ string, s *Step) { check(s, s.ID) })
}

// kinds checks that each step is exactly one kind of step and has only the keys of that kind. Nothing may be skipped
// silently because two kinds were written in one step.
func (p *parser) kinds(pb *Playbook) {
	var check func(list []Step, nested bool)
	check = func(list []Step, nested bool) {
		for i := range list {
			s := &list[i]
			n := p.where[s]
			count := 0
			for _, is := range []bool{s.Action != "", s.Approval != nil, s.Parallel != nil} {
				if is {
					count++
				}
			}
			if count != 1 {
				p.fault(n, "step-kind", "", "a step is exactly one of action, approval or parallel")
			}
			if s.Action == "" && (s.Targets != "" || s.With != nil || s.Timeout != 0) {
				p.fault(n, "step-kind", "", "targets, with and timeout belong to actions only")
			}
			if s.Parallel != nil && nested {
				p.fault(n, "step-kind", "list the steps side by side", "parallel inside parallel is not allowed")
			}
			if s.Parallel != nil && (s.ID != "" || len(s.Needs) > 0) {
				p.fault(n, "step-kind", "put id and needs on the steps inside", "parallel has no id and no needs of its own")
			}
			check(s.Parallel, true)
		}
	}
	for i := range pb.Phases {
		check(pb.Phases[i].Steps, false)
	}
}

// action checks an action step against the catalogue and fills in the defaults of its parameters.
func (p *parser) action(s *Step) {
	if s.Action == "" {
		return
	}
	n := p.where[s]
	a, ok := FindAction(s.Action)
	if !ok {
		var names []string
		for _, x := range Catalogue() {
			names = append(names, x.Name)
		}
		p.fault(n, "unknown-action", "known: "+commas(names), "unknown action %q", s.Action)
		return
	}
	if s.Targets == "" {
		p.fault(n, "missing-key", "", "action %s has no %q", s.Action, "targets")
	} else if k := s.Targets.Kind(); k != "" && k != a.Targets {
		p.fault(n, "target-kind", "", "action %s takes targets of kind %s; %s yields %s", s.Action, a.Targets, s.Targets, k)
	}
	filled := map[string]string{}
	for _, param := range a.Params {
		filled[param.Name] = param.Default
	}
	for name, value := range s.With {
		i := slices.IndexFunc(a.Params, func(x Param) bool { return x.Name == name })
		if i < 0 {
			p.fault(n, "unknown-parameter", "", "action %s has no parameter %q", s.Action, name)
			continue
		}
		if err := a.Params[i].Check(value); err != nil {
			p.fault(n, "parameter", a.Params[i].Doc, "parameter %s: %v", name, err)
		}
		filled[name] = value
	}
	if len(filled) > 0 {
		s.With = filled
	}
	if s.Timeout == 0 {
		s.Timeout = a.Timeout
	}
}

func (p *parser) needs(s *Step, earlier map[string]*Step) {
	for _, id := range s.Needs {
		if earlier[id] == nil {
			p.fault(p.where[s], "unknown-step", "name a step that stands earlier in the file", "step %q needs %q, which is not an earlier step", s.ID, id)
		}
	}
}

// replacesState keeps V1 and design rule 3: state is replaced only after proved evidence and an approval.
func (p *parser) replacesState(s *Step, earlier map[string]*Step) {
	a, ok := FindAction(s.Action)
	if !ok || a.Effect != ReplacesState {
		return
	}
	evidence, approval := false, false
	for _, id := range s.Needs {
		e := earlier[id]
		if e == nil {
			continue
		}
		approval = approval || e.Approval != nil
		if ea, ok := FindAction(e.Action); ok && ea.Role == incident.RoleEvidence {
			evidence = true
		}
	}
	if !evidence {
		p.fault(p.where[s], "evidence-first", "add the snapshot's id to needs", "step %q replaces state but needs no evidence step", s.ID)
	}
	if !approval {
		p.fault(p.where[s], "approval-first", "add the approval's id to needs", "step %q replaces state but needs no approval", s.ID)
	}
}

// mustTellLegal keeps design rule 6: a playbook that could skip telling legal is a fault.
func (p *parser) mustTellLegal(steps map[string]*Step) {
	for _, s := range steps {
		if s.Action == "legal.notify" && len(s.Needs) == 0 {
			return
		}
	}
	p.fault(p.root, "legal", "add a step with action: legal.notify and no needs", "no step is certain to tell legal")
}

// mustContain refuses a playbook that can prove no containment.
func (p *parser) mustContain(steps map[string]*Step) {
	for _, s := range steps {
		if a, ok := FindAction(s.Action); ok && a.Role == incident.RoleContainment {
			return
		}
	}
	p.fault(p.root, "containment", "", "no step contains anything")
}
