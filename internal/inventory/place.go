package inventory

import (
	"strconv"

	"gopkg.in/yaml.v3"
)

// place is where something stands in an inventory: a section, the position of an entry in it (-1 for the section itself) and
// the keys below it.
type place struct {
	section string
	index   int
	keys    []string
}

// of is the place of a field of an entry. A key that is a number is a position in a list.
func of(section string, index int, keys ...string) place { return place{section, index, keys} }

// whole is the place of a section.
func whole(section string) place { return place{section: section, index: -1} }

// find returns the line and column of a place, or of the nearest thing around it that the document has.
func (p place) find(doc *yaml.Node) (line, column int) {
	if doc == nil || p.section == "" {
		return 0, 0
	}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		doc = doc.Content[0]
	}
	path := []string{p.section}
	if p.index >= 0 {
		path = append(path, strconv.Itoa(p.index))
	}
	for _, key := range append(path, p.keys...) {
		next := child(doc, key)
		if next == nil {
			break
		}
		doc = next
	}
	return doc.Line, doc.Column
}

// child is the value of a key of a mapping, or an entry of a list; nil if there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i]
		}
	default:
	}
	return nil
}
