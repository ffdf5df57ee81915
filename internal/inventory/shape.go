package inventory

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// shape compares a document with the schema, which is the Go types and their yaml tags, and finds everything that the decoder
// would refuse, with its place. The decoder itself names lines alone. It takes out of the document what it finds, so that the
// rest can be decoded and checked: the decoder leaves out a whole entry for one key that is there twice.
type shape struct {
	faults []Fault
}

func (s *shape) add(n *yaml.Node, rule, format string, args ...any) {
	s.faults = append(s.faults, Fault{Line: n.Line, Column: n.Column, Rule: rule, Level: Refused, Message: fmt.Sprintf(format, args...)})
}

// without reports a value and empties it.
func (s *shape) without(n *yaml.Node, format string, args ...any) {
	s.add(n, "type", format, args...)
	*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null", Line: n.Line, Column: n.Column}
}

// refuseAliases finds anchors, aliases and merge keys: they let a small file mean a large or surprising document.
func (s *shape) refuseAliases(n *yaml.Node) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" || n.Tag == "!!merge" {
		s.add(n, "yaml", "anchors, aliases and merge keys are not allowed; write the value out")
	}
	for _, c := range n.Content {
		s.refuseAliases(c)
	}
}

// value checks a node against the type that it is decoded into.
func (s *shape) value(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind == yaml.AliasNode || n.Tag == "!!null" {
		return
	}
	switch {
	case t.Kind() == reflect.Pointer:
		s.value(n, t.Elem(), path)
	case t.Kind() == reflect.Struct:
		s.mapping(n, path, fieldsOf(t))
	case t.Kind() == reflect.Map:
		s.mapping(n, path, func(string) reflect.Type { return t.Elem() })
	case t.Kind() == reflect.Slice:
		s.list(n, t.Elem(), path)
	default:
		s.scalar(n, t, path)
	}
}

func (s *shape) mapping(n *yaml.Node, path string, field func(key string) reflect.Type) {
	if n.Kind != yaml.MappingNode {
		s.without(n, "%s is %s, want a mapping of keys", path, kindOf(n))
		return
	}
	seen := map[string]int{}
	kept := n.Content[:0]
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if line, twice := seen[key.Value]; twice {
			s.add(key, "key", "%s has the key %q twice; the first is in line %d", path, key.Value, line)
			continue
		}
		seen[key.Value] = key.Line
		t := field(key.Value)
		if key.Kind != yaml.ScalarNode || t == nil {
			s.add(key, "key", "%s has no key %q", path, key.Value)
			continue
		}
		s.value(value, t, strings.TrimPrefix(path+"."+key.Value, "the inventory."))
		kept = append(kept, key, value)
	}
	n.Content = kept
}

func (s *shape) list(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.SequenceNode {
		s.without(n, "%s is %s, want a list", path, kindOf(n))
		return
	}
	for i, c := range n.Content {
		s.value(c, t, fmt.Sprintf("%s[%d]", path, i))
	}
}

// scalar asks the decoder itself, which knows what it takes.
func (s *shape) scalar(n *yaml.Node, t reflect.Type, path string) {
	err := n.Decode(reflect.New(t).Interface())
	if err == nil {
		return
	}
	var te *yaml.TypeError
	if n.Kind != yaml.ScalarNode || !errors.As(err, &te) {
		s.without(n, "%s is %s, want %s", path, kindOf(n), t.Kind())
		return
	}
	s.without(n, "%s: %q is no %s", path, n.Value, t.Kind())
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return fmt.Sprintf("%q", n.Value)
	}
}

// fieldsOf returns the type of a struct's field by its yaml key; nil for a key that it has not.
func fieldsOf(t reflect.Type) func(key string) reflect.Type {
	fields := keysOf(t)
	return func(key string) reflect.Type {
		if i, ok := fields[key]; ok {
			return t.Field(i).Type
		}
		return nil
	}
}

// keysOf maps the yaml keys of a struct to its fields.
func keysOf(t reflect.Type) map[string]int {
	fields := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		if tag, ok := t.Field(i).Tag.Lookup("yaml"); ok {
			name, _, _ := strings.Cut(tag, ",")
			fields[name] = i
		}
	}
	return fields
}
