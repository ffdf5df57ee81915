package inventory

import "gopkg.in/yaml.v3"

// BothDecoders reads a document with the decoder of JSON and with that of YAML; ok if both take it.
func BothDecoders(doc []byte) (fast, slow *Inventory, ok bool) {
	fast, err := decodeJSON(doc)
	if err != nil {
		return nil, nil, false
	}
	slow = &Inventory{}
	return fast, slow, yaml.Unmarshal(doc, slow) == nil
}

// Cycle returns a cycle in edges, and Descendants what they lead to.
func Cycle(edges [][2]string) []string { return graphOf(edges).cycle() }

func Descendants(edges [][2]string, roots []string) []string {
	g := graphOf(edges)
	return g.closure(&g.next, roots)
}

func graphOf(edges [][2]string) *graph {
	b := newGraphBuilder(0, 0)
	for _, e := range edges {
		b.edge(e[0], e[1])
	}
	g := b.build()
	return &g
}
