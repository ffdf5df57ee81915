package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"firebreak/internal/incident"
)

// Selector chooses what to roll back to for the models of one blast radius. What it has to know of the whole radius it looks up
// once: a radius can have thousands of endpoints, each of which asks. It is not for several goroutines at once.
type Selector struct {
	inv    *Inventory
	index  *index
	radius incident.Radius
	// affected are the checkpoints in the radius, suspect everything in it that something can have been made from.
	affected, suspect map[string]bool
	since             time.Time
	// replaced maps a model to the affected checkpoint that a selection stands in for.
	replaced map[string]*Checkpoint
	// looked counts the lineages that were followed back, and tainted are the nodes with something suspect before them, once
	// there were so many of those that it is cheaper to know them all.
	looked  int
	tainted []int32
	// common finds the affected checkpoints, by their places in the radius, that share something; nil before it is asked for.
	common map[sharing][]int
}

// sharing is something that checkpoints may have in common.
type sharing struct{ what, value string }

// fewLineages is how many lineages are followed back one by one.
const fewLineages = 8

// selection is the choice for one model.
type selection struct {
	*Selector
	replaced *Checkpoint
	fit      []*Checkpoint
	rejected []string
}

// Selector prepares the choices for a radius.
func (inv *Inventory) Selector(r incident.Radius) *Selector {
	s := &Selector{inv: inv, index: inv.indexed(), radius: r, since: inv.since(r), replaced: map[string]*Checkpoint{}}
	s.affected, s.suspect = setOf(r.Checkpoints), setOf(slices.Concat(r.Checkpoints, r.DatasetVersions, r.Unknown))
	for _, id := range r.Checkpoints {
		if c := inv.Checkpoint(id); c != nil && stands(c, s.replaced[c.Model]) {
			s.replaced[c.Model] = c
		}
	}
	return s
}

// stands reports whether a selection stands in for a checkpoint rather than for another one: for the one in production, or
// else for the newest.
func stands(c, other *Checkpoint) bool {
	return other == nil || c.serving() && !other.serving() || c.serving() == other.serving() && promoted(c).After(promoted(other))
}

// Select chooses for a model, as Inventory.Select does.
func (s *Selector) Select(model string) Selection {
	x := &selection{Selector: s, replaced: s.replaced[model]}
	x.look(model)
	if m := s.inv.Model(model); len(x.fit) == 0 && m != nil && m.Fallback.Strategy == "model" && m.Fallback.Ref != model {
		x.look(m.Fallback.Ref)
	}
	x.rank()
	out := Selection{Rejected: append(x.rejected, s.inv.findings.Notes...)}
	if len(x.fit) > 0 {
		out.Checkpoint, out.Review = x.fit[0], x.review(x.fit[0])
	}
	return out
}

// suspectsOf returns what a checkpoint was made from, or nothing of it where there is nothing suspect in it. known is false if
// nothing is recorded. What it says of itself is asked too: the inventory's lineage has no candidate that only a registry
// knows.
func (s *Selector) suspectsOf(c *Checkpoint) (from []string, known bool) {
	said := slices.Concat(c.Parents, c.datasets())
	if s.looked++; s.looked > fewLineages && !s.mayBeTainted(c, said) {
		n, in := s.index.lineage.number[c.ID]
		return nil, slices.ContainsFunc(said, func(id string) bool { return id != c.ID }) ||
			in && slices.ContainsFunc(s.index.lineage.back.of(n), func(m int32) bool { return m != n })
	}
	from = slices.DeleteFunc(s.index.ancestors(append([]string{c.ID}, said...)), func(id string) bool { return id == c.ID })
	return from, len(from) > 0
}

// mayBeTainted reports whether something suspect comes before a checkpoint, or is it.
func (s *Selector) mayBeTainted(c *Checkpoint, said []string) bool {
	g := &s.index.lineage
	if s.tainted == nil {
		var bad []int32
		for n, id := range g.ids {
			if s.ancestor(id) != "" {
				bad = append(bad, int32(n))
			}
		}
		s.tainted, _ = g.next.reach(bad)
	}
	if n, in := g.number[c.ID]; in && s.tainted[n] >= 0 {
		return true
	}
	return slices.ContainsFunc(said, func(id string) bool {
		n, in := g.number[id]
		return !in || s.tainted[n] >= 0
	})
}

// made are the things that a checkpoint was made with and may share with another one.
func (c *Checkpoint) made() [3]sharing {
	return [3]sharing{{"base model", c.Built.Base}, {"training image", c.Built.ImageDigest}, {"code", c.Built.CodeCommit}}
}

// shared says what a checkpoint has in common with the affected ones, one after the other.
func (s *Selector) shared(c *Checkpoint) []string {
	if s.common == nil {
		s.common = map[sharing][]int{}
		for i, id := range s.radius.Checkpoints {
			if x := s.inv.Checkpoint(id); x != nil {
				for _, m := range x.made() {
					s.common[m] = append(s.common[m], i)
				}
			}
		}
	}
	type found struct {
		at   int
		text string
	}
	var all []found
	for _, m := range c.made() {
		if m.value == "" || m.value == "none" {
			continue
		}
		for _, i := range s.common[m] {
			all = append(all, found{i, fmt.Sprintf("%s has the %s of %s: %s", c.ID, m.what, s.radius.Checkpoints[i], m.value)})
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(a.at, b.at) })
	var out []string
	for _, f := range all {
		out = append(out, f.text)
	}
	return out
}
