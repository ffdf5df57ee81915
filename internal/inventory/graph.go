package inventory

import (
	"slices"
	"strings"
)

// graph is the lineage between dataset versions and checkpoints. Ids are numbered, so that a million edges are followed without
// a look into a map.
type graph struct {
	ids    []string
	number map[string]int32
	// next leads to what was made from something; back to what it was made from.
	next, back adjacency
	// byID are the nodes in the order of their ids.
	byID []int32
}

// adjacency holds the neighbours of n in to[start[n]:start[n+1]], in the order in which the edges were added.
type adjacency struct {
	start []int32
	to    []int32
}

func (a *adjacency) of(n int32) []int32 { return a.to[a.start[n]:a.start[n+1]] }

// once are the neighbours of n, each once: a run and the asset itself may both say what something was made from.
func (a *adjacency) once(n int32) []int32 {
	all := a.of(n)
	if len(all) < 2 {
		return all
	}
	out, seen := make([]int32, 0, len(all)), make(map[int32]bool, len(all))
	for _, m := range all {
		if !seen[m] {
			seen[m] = true
			out = append(out, m)
		}
	}
	return out
}

// graphBuilder collects edges as pairs of numbers.
type graphBuilder struct {
	ids      []string
	number   map[string]int32
	from, to []int32
}

func newGraphBuilder(nodes, edges int) *graphBuilder {
	return &graphBuilder{
		ids: make([]string, 0, nodes), number: make(map[string]int32, nodes),
		from: make([]int32, 0, edges), to: make([]int32, 0, edges),
	}
}

func (b *graphBuilder) node(id string) int32 {
	n, ok := b.number[id]
	if !ok {
		n = int32(len(b.ids))
		b.ids = append(b.ids, id)
		b.number[id] = n
	}
	return n
}

// edge says that to was made from from. An end that is not named makes none.
func (b *graphBuilder) edge(from, to string) {
	if from != "" && to != "" {
		b.from, b.to = append(b.from, b.node(from)), append(b.to, b.node(to))
	}
}

func (b *graphBuilder) build() graph {
	g := graph{ids: b.ids, number: b.number, next: neighbours(len(b.ids), b.from, b.to), back: neighbours(len(b.ids), b.to, b.from)}
	g.byID = make([]int32, len(b.ids))
	for n := range g.byID {
		g.byID[n] = int32(n)
	}
	slices.SortFunc(g.byID, func(x, y int32) int { return strings.Compare(b.ids[x], b.ids[y]) })
	return g
}

// neighbours sorts the edges by where they start, keeping their order.
func neighbours(nodes int, from, to []int32) adjacency {
	a := adjacency{start: make([]int32, nodes+1), to: make([]int32, len(to))}
	for _, f := range from {
		a.start[f+1]++
	}
	for i := range nodes {
		a.start[i+1] += a.start[i]
	}
	free := slices.Clone(a.start[:nodes])
	for i, f := range from {
		a.to[free[f]] = to[i]
		free[f]++
	}
	return a
}

// numbers are the nodes of the ids. An id without a node has no lineage and leads to itself alone.
func (g *graph) numbers(ids []string) (nodes []int32, alone []string) {
	for _, id := range ids {
		if n, ok := g.number[id]; ok {
			nodes = append(nodes, n)
		} else {
			alone = append(alone, id)
		}
	}
	return nodes, alone
}

// reach follows the edges from the roots. via says for each node from where it was reached first, itself for a root and -1 if
// it was not reached; the roots are followed in breadth, so that each path is one of the shortest.
func (a *adjacency) reach(roots []int32) (via []int32, order []int32) {
	via = make([]int32, len(a.start)-1)
	for i := range via {
		via[i] = -1
	}
	for _, r := range roots {
		if via[r] < 0 {
			via[r] = r
			order = append(order, r)
		}
	}
	for i := 0; i < len(order); i++ {
		for _, n := range a.of(order[i]) {
			if via[n] < 0 {
				via[n] = order[i]
				order = append(order, n)
			}
		}
	}
	return via, order
}

// reached are the nodes that can be reached from the roots, the roots included, in the order of their ids.
func (g *graph) reached(a *adjacency, roots []int32) []int32 {
	via, order := a.reach(roots)
	const many = 16 // from this share of all nodes on, looking at each is faster than sorting
	if len(order)*many < len(via) {
		slices.SortFunc(order, func(x, y int32) int { return strings.Compare(g.ids[x], g.ids[y]) })
		return order
	}
	order = order[:0]
	for _, n := range g.byID {
		if via[n] >= 0 {
			order = append(order, n)
		}
	}
	return order
}

// closure returns the ids that can be reached from the roots, the roots included, sorted.
func (g *graph) closure(a *adjacency, roots []string) []string {
	nodes, alone := g.numbers(roots)
	order := g.reached(a, nodes)
	out := make([]string, 0, len(order)+len(alone))
	for _, n := range order {
		out = append(out, g.ids[n])
	}
	if len(alone) == 0 {
		return out
	}
	out = append(out, alone...)
	slices.Sort(out)
	return slices.Compact(out)
}

// cycle returns the ids of a cycle, its first repeated at the end; nil if there is none.
func (g *graph) cycle() []string {
	// Nodes that nothing leads to are taken away until none is left; what remains is on a cycle or behind one.
	into := make([]int32, len(g.ids))
	for _, n := range g.next.to {
		into[n]++
	}
	var free []int32
	for n := range into {
		if into[n] == 0 {
			free = append(free, int32(n))
		}
	}
	left := len(g.ids)
	for len(free) > 0 {
		n := free[len(free)-1]
		free = free[:len(free)-1]
		left--
		for _, m := range g.next.of(n) {
			if into[m]--; into[m] == 0 {
				free = append(free, m)
			}
		}
	}
	if left == 0 {
		return nil
	}
	return g.walkBack(into)
}

// walkBack goes from what remains to what it was made from, of which something remains too, until it meets itself.
func (g *graph) walkBack(into []int32) []string {
	n := int32(slices.IndexFunc(into, func(k int32) bool { return k > 0 }))
	at := map[int32]int{}
	var trail []int32
	for {
		if i, met := at[n]; met {
			trail = trail[i:]
			break
		}
		at[n] = len(trail)
		trail = append(trail, n)
		for _, m := range g.back.of(n) {
			if into[m] > 0 {
				n = m
				break
			}
		}
	}
	var out []string
	for _, n := range slices.Backward(trail) {
		out = append(out, g.ids[n])
	}
	return append(out, out[0])
}
