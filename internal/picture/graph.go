package picture

import (
	"slices"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// drawn bounds the picture: so many assets a column, and so many lines. The table below it has more.
const (
	drawn      = 24
	drawnEdges = 160
)

// Mark is a state in a word, a sign and a class (good, bad, warn, wait or none): no reader depends on colour.
type Mark struct {
	Word, Sign, Class string
}

// Node is one asset of the blast radius.
type Node struct {
	ID string
	// Kind is a word of the inventory; Shape says how it is drawn.
	Kind, Shape     string
	Origin, Unknown bool
	State           Mark
	Proof           string
}

// Lane is a column of the picture. More counts the assets that are not drawn.
type Lane struct {
	Title string
	Nodes []Node
	More  int
}

// Edge leads from one drawn node to another: positions of lane and node.
type Edge struct {
	From, To [2]int
}

// Graph is the blast radius as it is drawn. Whole is the word for where everything is that the picture has no room for.
type Graph struct {
	Lanes []Lane
	Edges []Edge
	Whole string
}

// Subject is what is drawn. Inventory is nil where none is at hand: there are no lines then. State says of an asset in which
// state it is and how that was proved; it may be nil.
type Subject struct {
	Asset     string
	Radius    incident.Radius
	Inventory *inventory.Inventory
	State     func(id string) (Mark, string)
	Whole     string
}

// New lays a radius into columns.
func New(s Subject) Graph {
	x := &s.Radius
	b := builder{subject: s, inv: s.Inventory, checkpoints: affected(x), place: map[string][2]int{}, out: Graph{Whole: s.Whole}}
	b.lane("Can write", "credential", "tag", x.Writers)
	b.lane("Dataset versions", "dataset version", "drum", x.DatasetVersions)
	b.lane("Checkpoints", "checkpoint", "block", b.checkpoints)
	b.lane("Endpoints", "endpoint", "pill", x.Endpoints)
	b.lane("Can call", "credential", "tag", x.Callers)
	if b.inv != nil {
		b.lines()
	}
	return b.out
}

// affected are the checkpoints of the radius, and those of unknown lineage, which count as affected.
func affected(x *incident.Radius) []string {
	out, known := slices.Clone(x.Checkpoints), map[string]bool{}
	for _, id := range slices.Concat(x.Checkpoints, x.DatasetVersions) {
		known[id] = true
	}
	for _, id := range x.Unknown {
		if !known[id] {
			out = append(out, id)
		}
	}
	return out
}

type builder struct {
	subject Subject
	inv     *inventory.Inventory
	// checkpoints are all that count as affected.
	checkpoints []string
	// place is where an asset is drawn. A credential that both writes and calls is drawn where it comes first.
	place map[string][2]int
	out   Graph
}

func (b *builder) lane(title, kind, shape string, ids []string) {
	if len(ids) == 0 {
		return
	}
	l := Lane{Title: title}
	for _, id := range ids {
		if len(l.Nodes) == drawn {
			l.More++
			continue
		}
		n := Node{ID: id, Kind: kind, Shape: shape, Origin: id == b.subject.Asset, Unknown: slices.Contains(b.subject.Radius.Unknown, id)}
		if b.subject.State != nil {
			n.State, n.Proof = b.subject.State(id)
		}
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
	if okFrom && okTo && from != to && len(b.out.Edges) < drawnEdges && !slices.Contains(b.out.Edges, Edge{f, t}) {
		b.out.Edges = append(b.out.Edges, Edge{f, t})
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
	for _, c := range b.checkpoints {
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
		for _, v := range b.subject.Radius.DatasetVersions {
			if d := b.inv.DatasetVersion(v); d != nil && d.Dataset == g.Asset {
				b.line(id, v)
			}
		}
		for _, c := range b.subject.Radius.Checkpoints {
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
