package legal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// MaxBytes is the largest table that is read.
const MaxBytes = 256 << 10

// Parse reads a table strictly. The error joins all faults, each a Fault with its place.
func Parse(name string, raw []byte) (*Table, error) {
	p := &parser{file: name, table: &Table{}}
	if len(raw) > MaxBytes {
		p.fault(nil, "too-large", "the table is larger than %d bytes", MaxBytes)
		return nil, errors.Join(p.faults...)
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		p.fault(nil, "yaml", "%s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil, errors.Join(p.faults...)
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		p.fault(&second, "second-document", "keep one document a file")
	}
	p.mapping(doc.Content[0], "the table", keys{
		{"business_days", func(n *yaml.Node) { p.businessDays(n) }},
		{"regimes", func(n *yaml.Node) { p.sequence(n, "regimes", p.row) }},
	}, nil)
	p.check()
	if len(p.faults) > 0 {
		return nil, errors.Join(p.faults...)
	}
	return p.table, nil
}

// parser walks the YAML nodes itself: only the nodes know their place, and an unknown key must be a fault at any depth.
type parser struct {
	file   string
	table  *Table
	faults []error
}

func (p *parser) fault(n *yaml.Node, code, format string, args ...any) {
	f := Fault{File: p.file, Line: 1, Column: 1, Code: code, Message: fmt.Sprintf(format, args...)}
	if n != nil && n.Line > 0 {
		f.Line, f.Column = n.Line, n.Column
	}
	p.faults = append(p.faults, f)
}

// keys are the keys that a mapping may have, each with what reads its value.
type keys []struct {
	name string
	read func(*yaml.Node)
}

// mapping reads the keys of n. Unknown and repeated keys are faults; so is a missing one unless it is optional.
func (p *parser) mapping(n *yaml.Node, what string, known keys, optional []string) {
	if n.Kind != yaml.MappingNode {
		p.fault(n, "type", "%s must be a mapping", what)
		return
	}
	names := make([]string, 0, len(known))
	for _, k := range known {
		names = append(names, k.name)
	}
	var seen []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		place := slices.Index(names, key.Value)
		switch {
		case place < 0:
			p.fault(key, "unknown-key", "unknown key %q in %s (known: %s)", key.Value, what, strings.Join(names, ", "))
		case slices.Contains(seen, key.Value):
			p.fault(key, "duplicate-key", "key %q is given twice in %s", key.Value, what)
		case value.Kind == yaml.AliasNode || value.Anchor != "":
			p.fault(value, "alias", "anchors and aliases are not allowed")
		default:
			known[place].read(value)
		}
		seen = append(seen, key.Value)
	}
	for _, name := range names {
		if !slices.Contains(seen, name) && !slices.Contains(optional, name) {
			p.fault(n, "missing-key", "key %q is missing in %s", name, what)
		}
	}
}

func (p *parser) sequence(n *yaml.Node, what string, each func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		p.fault(n, "type", "%s must be a list", what)
		return
	}
	for _, c := range n.Content {
		each(c)
	}
}

func (p *parser) text(into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" {
			p.fault(n, "type", "a text is needed here")
			return
		}
		*into = n.Value
	}
}

// texts reads a list of texts, or one text as a list of one. Null is an empty list.
func (p *parser) texts(into *[]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			if n.Tag != "!!null" {
				*into = []string{n.Value}
			}
			return
		}
		p.sequence(n, "this", func(c *yaml.Node) {
			var one string
			p.text(&one)(c)
			*into = append(*into, one)
		})
	}
}

func (p *parser) boolean(into *bool) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Tag != "!!bool" || n.Decode(into) != nil {
			p.fault(n, "type", "true or false is needed here")
		}
	}
}

func (p *parser) integer(into *int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		v, err := strconv.Atoi(n.Value)
		if err != nil || v < 0 {
			p.fault(n, "type", "a number is needed here")
			return
		}
		*into = v
	}
}

// one reads a text that must be one of the given.
func (p *parser) one(into *string, code string, of ...string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if !slices.Contains(of, n.Value) {
			p.fault(n, code, "%q is not one of %s", n.Value, strings.Join(of, ", "))
			return
		}
		*into = n.Value
	}
}
