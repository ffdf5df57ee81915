package playbooks

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// object is a JSON object of the schema.
type object map[string]any

// shape is one way of writing a value. The parser reads it and the schema describes it from the same entry, so that the
// two cannot differ.
type shape[V any] struct {
	schema object
	read   func(p *parser, n *yaml.Node, into *V)
}

// field is one key of a mapping.
type field[T any] struct {
	name, doc string
	required  bool
	schema    object
	read      func(p *parser, n *yaml.Node, into *T)
}

// key declares an optional key whose value is kept in the place that at returns.
func key[T, V any](name, doc string, s shape[V], at func(*T) *V) field[T] {
	return field[T]{name: name, doc: doc, schema: s.schema, read: func(p *parser, n *yaml.Node, into *T) { s.read(p, n, at(into)) }}
}

// must makes the key a required one.
func (f field[T]) must() field[T] {
	f.required = true
	return f
}

// mapping reads the keys of n into a part. Unknown, repeated and missing keys are faults.
func mapping[T any](p *parser, n *yaml.Node, what string, fields []field[T], into *T) {
	p.places[into] = place{node: n}
	if !p.is(n, yaml.MappingNode, what, "a mapping") {
		return
	}
	at := place{node: n, keys: map[string]*yaml.Node{}, values: map[string]*yaml.Node{}}
	p.places[into] = at
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		f := slices.IndexFunc(fields, func(f field[T]) bool { return f.name == k.Value })
		switch {
		case k.Tag == "!!merge": // plain has reported it
		case f < 0:
			p.fault(k, codeUnknownKey, "known: "+strings.Join(names(fields), ", "), "unknown key %q in %s", k.Value, what)
		case at.keys[k.Value] != nil:
			p.fault(k, codeDuplicateKey, "", "key %q is given twice in %s", k.Value, what)
		default:
			at.keys[k.Value], at.values[k.Value] = k, v
			fields[f].read(p, v, into)
		}
	}
	for _, f := range fields {
		if f.required && at.keys[f.name] == nil {
			p.fault(n, codeMissingKey, "", "%s has no %q", what, f.name)
		}
	}
}

func names[T any](fields []field[T]) []string {
	out := make([]string, 0, len(fields))
	for _, f := range fields {
		out = append(out, f.name)
	}
	slices.Sort(out)
	return out
}

// is reports whether n is of the kind; if not, that is a fault, save for an alias, which has been reported as such.
func (p *parser) is(n *yaml.Node, kind yaml.Kind, what, want string) bool {
	if n.Kind != kind && n.Kind != yaml.AliasNode {
		p.fault(n, codeType, "", "%s must be %s", what, want)
	}
	return n.Kind == kind
}

// mappingOf is a mapping that the schema defines under its name.
func mappingOf[V any](what string, fields func() []field[V]) shape[V] {
	return shape[V]{object{"$ref": "#/$defs/" + what}, func(p *parser, n *yaml.Node, into *V) {
		table, built := p.tables[what].([]field[V])
		if !built {
			table = fields()
			p.tables[what] = table
		}
		mapping(p, n, what, table, into)
	}}
}

// pointerTo is a part that is nil if its key is not written.
func pointerTo[V any](s shape[V]) shape[*V] {
	return shape[*V]{s.schema, func(p *parser, n *yaml.Node, into **V) {
		*into = new(V)
		s.read(p, n, *into)
	}}
}

// listOf is a list of at least one item.
func listOf[V any](what string, s shape[V]) shape[[]V] {
	return shape[[]V]{object{"type": "array", "minItems": 1, "items": s.schema}, func(p *parser, n *yaml.Node, into *[]V) {
		if !p.is(n, yaml.SequenceNode, what, "a list") {
			return
		}
		if len(n.Content) == 0 {
			p.fault(n, codeEmpty, "name at least one", "%s is empty", what)
		}
		*into = make([]V, len(n.Content))
		for i, c := range n.Content {
			s.read(p, c, &(*into)[i])
		}
	}}
}

// setOf is a list of texts of which none is written twice.
func setOf(what string, s shape[string]) shape[[]string] {
	list := listOf(what, s)
	list.schema["uniqueItems"] = true
	return shape[[]string]{list.schema, func(p *parser, n *yaml.Node, into *[]string) {
		list.read(p, n, into)
		for i, text := range *into {
			if text != "" && slices.Index(*into, text) < i {
				p.fault(n.Content[i], codeDuplicateItem, "name it once", "%q is named twice in %s", text, what)
			}
		}
	}}
}

// text is a string that is not blank.
func text(what string) shape[string] {
	return shape[string]{object{"type": "string", "pattern": `\S`}, func(p *parser, n *yaml.Node, into *string) {
		if !p.is(n, yaml.ScalarNode, what, "a text") {
			return
		}
		if n.ShortTag() != "!!str" || strings.TrimSpace(n.Value) == "" {
			p.fault(n, codeType, "put it in quotes if it looks like a number, a boolean or a date", "%s must be a text", what)
			return
		}
		*into = n.Value
	}}
}

// checked is a text that must pass the check as well.
func checked(s shape[string], schema object, check func(p *parser, n *yaml.Node, value string)) shape[string] {
	return shape[string]{schema, func(p *parser, n *yaml.Node, into *string) {
		s.read(p, n, into)
		if *into != "" {
			check(p, n, *into)
		}
	}}
}

// idPattern is what ids and kinds look like: they are parts of idempotency keys, workflow ids and paths.
const idPattern = `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`

// maxID bounds an id's length, so that the keys built from it stay below every server's limit.
const maxID = 63

var kebab = regexp.MustCompile(idPattern)

func validID(s string) bool { return len(s) <= maxID && kebab.MatchString(s) }

func id[S ~string](what string, c code) shape[S] {
	inner := checked(text(what), nil, func(p *parser, n *yaml.Node, v string) {
		if !validID(v) {
			p.fault(n, c, "lower-case letters, digits and single dashes, beginning with a letter, at most 63", "%s %q is not valid", what, v)
		}
	})
	return shape[S]{object{"type": "string", "pattern": idPattern, "maxLength": maxID}, func(p *parser, n *yaml.Node, into *S) {
		var s string
		inner.read(p, n, &s)
		*into = S(s)
	}}
}

// oneOf is one of the listed words.
func oneOf[S ~string](what string, c code, words []S) shape[S] {
	word := text(what)
	return shape[S]{object{"type": "string", "enum": words}, func(p *parser, n *yaml.Node, into *S) {
		var s string
		word.read(p, n, &s)
		if s != "" && !slices.Contains(words, S(s)) {
			p.fault(n, c, "known: "+commas(words), "unknown %s %q", what, s)
			return
		}
		*into = S(s)
	}}
}

// number is a whole number within bounds.
func number(what string, c code, low, high int) shape[int] {
	return shape[int]{object{"type": "integer", "minimum": low, "maximum": high}, func(p *parser, n *yaml.Node, into *int) {
		i, err := strconv.Atoi(n.Value)
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || err != nil || i < low || i > high {
			p.fault(n, c, "", "%s %q is not a whole number from %d to %d", what, n.Value, low, high)
			return
		}
		*into = i
	}}
}

func boolean(what string) shape[bool] {
	return shape[bool]{object{"type": "boolean"}, func(p *parser, n *yaml.Node, into *bool) {
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
			p.fault(n, codeType, "", "%s must be true or false", what)
			return
		}
		*into = n.Value == "true" || n.Value == "True" || n.Value == "TRUE"
	}}
}

// durationPattern is what time.ParseDuration takes, without a sign.
const durationPattern = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`

var written = regexp.MustCompile(durationPattern)

// duration is a time within bounds, as Go writes it.
func duration(what string, low, high time.Duration) shape[time.Duration] {
	bounds := fmt.Sprintf("from %s to %s", short(low), short(high))
	if low == positive {
		bounds = "above zero and at most " + short(high)
	}
	return shape[time.Duration]{object{"type": "string", "pattern": durationPattern}, func(p *parser, n *yaml.Node, into *time.Duration) {
		d, err := time.ParseDuration(n.Value)
		if n.Kind != yaml.ScalarNode || !written.MatchString(n.Value) || err != nil || d < low || d > high {
			p.fault(n, codeDuration, "write e.g. 90s, 30m or 24h", "%s %q is not a duration %s", what, n.Value, bounds)
			return
		}
		*into = d
	}}
}

// short writes a duration without its zero parts: 24h instead of 24h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func commas[T ~string](list []T) string {
	out := make([]string, 0, len(list))
	for _, x := range list {
		out = append(out, string(x))
	}
	return strings.Join(out, ", ")
}
