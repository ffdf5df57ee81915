package page

import (
	"slices"
	"strings"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// drawn bounds the picture: so many assets a column, and so many lines. The table below it has more.
const (
	drawn      = 24
	drawnEdges = 160
)

// node is one asset of the blast radius.
type node struct {
	ID string
	// Kind is a word of the inventory; Shape says how it is drawn.
	Kind, Shape     string
	Origin, Unknown bool
	State           mark
	Proof           string
}

// lane is a column of the picture. More counts the assets that are not drawn.
type lane struct {
	Title string
	Nodes []node
	More  int
}

// edge leads from one drawn node to another: positions of lane and node.
type edge struct {
	From, To [2]int
}

// graph is the blast radius as it is drawn. Note says what is missing of its lines.
type graph struct {
	Lanes []lane
	Edges []edge
	Note  string
}

// newGraph lays the radius of the record into columns. Without an inventory there are no lines.
func newGraph(r *incident.Record, inv *inventory.Inventory) graph {
	x := &r.Radius
	b := builder{record: r, inv: inv, steps: map[string][]*incident.Step{}, place: map[string][2]int{}}
	for i := range r.Steps {
		s := &r.Steps[i]
		b.steps[s.Target] = append(b.steps[s.Target], s)
	}
	b.lane("Can write", "credential", "tag", x.Writers)
	b.lane("Dataset versions", "dataset version", "drum", x.DatasetVersions)
	b.lane("Checkpoints", "checkpoint", "block", appendMissing(x.Checkpoints, x.Unknown))
	b.lane("Endpoints", "endpoint", "pill", x.Endpoints)
	b.lane("Can call", "credential", "tag", x.Callers)
	if inv == nil {
		b.out.Note = "No inventory is at hand: the lineage between these assets is not drawn."
		return b.out
	}
	b.lines()
	if inv.Digest() != r.Playbook.InventoryDigest && r.Playbook.InventoryDigest != "" {
		b.out.Note = "The inventory has changed since the plan was made: the lines show it as it is now."
	}
	return b.out
}

func appendMissing(list, more []string) []string {
	out := slices.Clone(list)
	for _, id := range more {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

type builder struct {
	record *incident.Record
	inv    *inventory.Inventory
	steps  map[string][]*incident.Step
	// place is where an asset is drawn. A credential that both writes and calls is drawn where it comes first.
	place map[string][2]int
	out   graph
}

func (b *builder) lane(title, kind, shape string, ids []string) {
	if len(ids) == 0 {
		return
	}
	l := lane{Title: title}
	for _, id := range ids {
		if len(l.Nodes) == drawn {
			l.More++
			continue
		}
		n := node{ID: id, Kind: kind, Shape: shape, Origin: id == b.record.Asset, Unknown: slices.Contains(b.record.Radius.Unknown, id)}
		n.State, n.Proof = assetState(b.steps[id])
		if _, twice := b.place[id]; !twice {
			b.place[id] = [2]int{len(b.out.Lanes), len(l.Nodes)}
		}
		l.Nodes = append(l.Nodes, n)
	}
	b.out.Lanes = append(b.out.Lanes, l)
}

func (b *builder) line(from, to string) {
	f, okFrom := b.place[from]
	t, okTo := b.place[to]
	if okFrom && okTo && from != to && len(b.out.Edges) < drawnEdges && !slices.Contains(b.out.Edges, edge{f, t}) {
		b.out.Edges = append(b.out.Edges, edge{f, t})
	}
}

// lines follow the inventory: what was made from what, which checkpoint answers where, and what a credential may touch.
func (b *builder) lines() {
	for _, l := range b.out.Lanes {
		for _, n := range l.Nodes {
			switch n.Kind {
			case "endpoint":
				b.served(n.ID)
			case "credential":
				b.granted(n.ID)
			default:
				for _, from := range b.inv.MadeFrom(n.ID) {
					b.line(from, n.ID)
				}
			}
		}
	}
}

// served joins an endpoint to the checkpoints of its model that are in production, or to all of them if none is known to be.
func (b *builder) served(id string) {
	e := b.inv.Endpoint(id)
	if e == nil {
		return
	}
	var all, now []string
	for _, c := range appendMissing(b.record.Radius.Checkpoints, b.record.Radius.Unknown) {
		k := b.inv.Checkpoint(c)
		if k == nil || k.Model != e.Model {
			continue
		}
		all = append(all, c)
		if slices.ContainsFunc(k.Served, func(s inventory.Served) bool { return s.To == nil || *s.To == "" }) {
			now = append(now, c)
		}
	}
	if len(now) > 0 {
		all = now
	}
	for _, c := range all {
		b.line(c, id)
	}
}

func (b *builder) granted(id string) {
	i := slices.IndexFunc(b.inv.Credentials, func(c inventory.Credential) bool { return c.ID == id })
	if i < 0 {
		return
	}
	for _, g := range b.inv.Credentials[i].Grants {
		b.line(id, g.Asset)
		for _, v := range b.record.Radius.DatasetVersions {
			if d := b.inv.DatasetVersion(v); d != nil && d.Dataset == g.Asset {
				b.line(id, v)
			}
		}
		for _, c := range b.record.Radius.Checkpoints {
			k := b.inv.Checkpoint(c)
			if k == nil {
				continue
			}
			m := b.inv.Model(k.Model)
			if k.Model == g.Asset || m != nil && "registry/"+m.Family == g.Asset {
				b.line(id, c)
			}
		}
	}
}

// assetState says what the steps have proved of one asset, worst first: an act without its proof is not containment.
func assetState(steps []*incident.Step) (mark, string) {
	var best *incident.Step
	rank := func(s *incident.Step) int {
		proved := s.Status == incident.Done && s.Verified
		needless := s.Status == incident.Skipped && s.Omitted
		switch {
		case needless:
			return 0
		case s.Role == incident.RoleContainment && !proved:
			return 6
		case s.Role == incident.RoleRecovery && !proved && s.Receipt != nil && s.Receipt.Effect != nil && s.Status != incident.Undone:
			return 5
		case s.Role == incident.RoleRecovery && proved:
			return 4
		case s.Role == incident.RoleContainment:
			return 3
		case s.Role == incident.RoleEradication:
			return 2
		case s.Role == incident.RoleEvidence && !proved:
			return 2
		case s.Role == incident.RoleEvidence:
			return 1
		}
		return 0
	}
	for _, s := range steps {
		if rank(s) > 0 && (best == nil || rank(s) >= rank(best)) {
			best = s
		}
	}
	if best == nil {
		return mark{"no step acts on it", "–", "none"}, ""
	}
	return assetMark(best), proofOf(best)
}

func assetMark(s *incident.Step) mark {
	m := stepMark(s)
	if m.Class == "good" {
		switch s.Role {
		case incident.RoleContainment:
			m.Word = "contained, proved"
		case incident.RoleRecovery:
			m.Word = "recovered, proved"
		case incident.RoleEradication:
			m.Word = "quarantined, proved"
		case incident.RoleEvidence, incident.RoleNotification:
			m.Word = "preserved, proved"
		}
		return m
	}
	switch s.Role {
	case incident.RoleContainment:
		m.Word = "NOT contained: " + m.Word
	case incident.RoleRecovery:
		m.Word = "recovery " + m.Word
	case incident.RoleEradication:
		m.Word = "quarantine " + m.Word
	case incident.RoleEvidence, incident.RoleNotification:
		m.Word = "evidence " + m.Word
	}
	return m
}

// proofOf is how a step was proved, or why it was not.
func proofOf(s *incident.Step) string {
	text := s.Reason
	if text == "" && s.Receipt != nil && s.Receipt.Proof != nil {
		text = s.Receipt.Proof.Method
	}
	return strings.TrimSpace(text)
}
