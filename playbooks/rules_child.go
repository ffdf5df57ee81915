package playbooks

import (
	"slices"

	"firebreak/internal/incident"
)

// children checks the playbooks of one source against one another: each child is there, and none comes to run its parent
// again, which would never end.
type children struct {
	kinds []incident.Kind
	runs  map[incident.Kind][]incident.Kind
	calls []call
}

// call is one step that runs a child.
type call struct {
	parent incident.Kind
	child  *Child
	p      *parser
}

func (c *children) add(pb *Playbook, p *parser) {
	pb.Walk(func(_ string, s *Step) {
		if s.Child != nil {
			c.calls = append(c.calls, call{pb.Kind, s.Child, p})
			c.runs[pb.Kind] = append(c.runs[pb.Kind], s.Child.Kind)
		}
	})
}

func (c *children) check() []error {
	var errs []error
	for _, x := range c.calls {
		switch at := x.p.value(x.child, "kind"); {
		case !slices.Contains(c.kinds, x.child.Kind):
			x.p.fault(at, codeChild, "known: "+commas(c.kinds), "there is no playbook of %q", x.child.Kind)
		case c.reaches(x.child.Kind, x.parent, map[incident.Kind]bool{}):
			x.p.fault(at, codeChildCycle, "take one of them out", "playbook %q would run %q again", x.child.Kind, x.parent)
		default:
			continue
		}
		errs = append(errs, x.p.faults[len(x.p.faults)-1])
	}
	return errs
}

// reaches reports whether running from comes to run to.
func (c *children) reaches(from, to incident.Kind, seen map[incident.Kind]bool) bool {
	if seen[from] {
		return false
	}
	seen[from] = true
	return slices.ContainsFunc(c.runs[from], func(next incident.Kind) bool { return next == to || c.reaches(next, to, seen) })
}
