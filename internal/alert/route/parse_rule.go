package route

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"firebreak/internal/alert"
	"firebreak/internal/incident"
)

// ruleName is how a rule may be named.
var ruleName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// routes reads the root of the file.
func (p *parser) routes(root *yaml.Node, r *Routes) {
	p.mapping(root, "a routing file", []string{"version", "rules", "default"}, map[string]func(*yaml.Node){
		"version": func(n *yaml.Node) {
			if n.Kind != yaml.ScalarNode || n.Value != "1" {
				p.fault(n, "version", "write version: 1", "the version must be 1")
			}
		},
		"default": func(n *yaml.Node) {
			if n.Kind != yaml.ScalarNode || n.Value != "triage" {
				p.fault(n, "default", "write default: triage", "what fits no rule can only go to triage: it is kept and a person is paged")
			}
		},
		"rules": func(n *yaml.Node) { p.rules(n, r) },
	})
}

func (p *parser) rules(n *yaml.Node, r *Routes) {
	if n.Kind != yaml.SequenceNode {
		p.fault(n, "type", "begin each rule with -", "rules must be a list")
		return
	}
	if len(n.Content) > MaxRules {
		p.fault(n, "too-many", "take the asset from a field, or match lists of values", "%d rules, at most %d", len(n.Content), MaxRules)
		return
	}
	names := map[string]int{}
	all := ""
	for _, item := range n.Content {
		if all != "" {
			p.fault(item, "unreachable", "put it before "+all, "the rule %s before it fits everything", all)
		}
		rule := p.rule(item)
		if line, twice := names[rule.Name]; twice && rule.Name != "" {
			p.fault(item, "duplicate-name", "name it otherwise", "a rule named %s is at line %d already", rule.Name, line)
		}
		names[rule.Name] = rule.Line
		if all == "" && len(rule.Match.Sources) == 0 && len(rule.Match.Fields) == 0 && rule.Name != "" {
			all = rule.Name
		}
		r.Rules = append(r.Rules, rule)
	}
}

func (p *parser) rule(n *yaml.Node) Rule {
	rule := Rule{Line: n.Line}
	ok := p.mapping(n, "a rule", []string{"name", "match"}, map[string]func(*yaml.Node){
		"name": func(v *yaml.Node) {
			if rule.Name = p.text(v, "name"); rule.Name != "" && !ruleName.MatchString(rule.Name) {
				p.fault(v, "name", "for instance model-drift", "the name %q must have small letters, digits and - only", rule.Name)
			}
		},
		"match":    func(v *yaml.Node) { rule.Match = p.match(v) },
		"incident": func(v *yaml.Node) { rule.Incident = p.incident(v) },
		"triage":   func(v *yaml.Node) { rule.Triage = p.text(v, "triage") },
	})
	has := func(key string) bool { return at(n, key) != nil }
	if ok && has("incident") == has("triage") {
		p.fault(n, "outcome", "triage: followed by the reason that the person who is paged reads", "a rule needs either incident or triage")
	}
	return rule
}

// at returns the value of a key of a mapping, or nil.
func at(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func (p *parser) match(n *yaml.Node) Match {
	var m Match
	p.mapping(n, "match", nil, map[string]func(*yaml.Node){
		"source": func(v *yaml.Node) {
			m.Sources = p.list(v, "source")
			for _, s := range m.Sources {
				if !slices.Contains(alert.Sources(), s) {
					p.fault(v, "unknown-source", "known: "+strings.Join(alert.Sources(), ", "), "there is no source %q", s)
				}
			}
		},
		"fields": func(v *yaml.Node) { m.Fields = p.fields(v) },
	})
	return m
}

// list reads one text or a list of texts.
func (p *parser) list(n *yaml.Node, what string) []string {
	if n.Kind != yaml.SequenceNode {
		if text := p.text(n, what); text != "" {
			return []string{text}
		}
		return nil
	}
	if len(n.Content) == 0 || len(n.Content) > maxList {
		p.fault(n, "list", "", "%s must have 1 to %d values", what, maxList)
		return nil
	}
	var out []string
	for _, item := range n.Content {
		text := p.text(item, what)
		if slices.Contains(out, text) {
			p.fault(item, "duplicate-value", "keep one", "%q is there twice", text)
		}
		out = append(out, text)
	}
	return out
}

func (p *parser) fields(n *yaml.Node) []FieldTest {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		p.fault(n, "type", "write it as name: value", "fields must be a mapping that is not empty")
		return nil
	}
	var out []FieldTest
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := p.fieldName(key)
		if name == "" {
			continue
		}
		if seen[name] {
			p.fault(key, "duplicate-key", "write a list of values", "the key %q is there twice", name)
			continue
		}
		seen[name] = true
		out = append(out, FieldTest{Name: name, Test: p.test(value, name)})
	}
	return out
}

// fieldName reads the name of a field. A longer name than a signal can have would never fit.
func (p *parser) fieldName(n *yaml.Node) string {
	name := p.text(n, "the name of a field")
	if len(name) > alert.MaxNameBytes {
		p.fault(n, "too-long", "", "the name of a field has at most %d bytes", alert.MaxNameBytes)
		return ""
	}
	return name
}

// test reads a text, a list of texts, or one of prefix, glob and present.
func (p *parser) test(n *yaml.Node, name string) Test {
	var t Test
	if n.Kind != yaml.MappingNode {
		t.Any = p.list(n, name)
		p.long(n, t.Any...)
		return t
	}
	if len(n.Content) != 2 {
		p.fault(n, "test", "prefix, glob, or present: true", "a test of field %s needs one of these", name)
		return t
	}
	p.mapping(n, "a test", nil, map[string]func(*yaml.Node){
		"prefix": func(v *yaml.Node) { t.Prefix = p.text(v, "prefix") },
		"glob":   func(v *yaml.Node) { t.Glob = p.text(v, "glob") },
		"present": func(v *yaml.Node) {
			if v.Kind != yaml.ScalarNode || v.Value != "true" {
				p.fault(v, "test", "write present: true; for signals without a field, put a rule for those with it first", "present can only be true")
			}
		},
	})
	p.long(n, t.Prefix, t.Glob)
	return t
}

// long reports a value that no field can have.
func (p *parser) long(n *yaml.Node, values ...string) {
	for _, v := range values {
		if len(v) > alert.MaxValueBytes {
			p.fault(n, "too-long", "use prefix", "the value of a field has at most %d bytes", alert.MaxValueBytes)
		}
	}
}

func (p *parser) incident(n *yaml.Node) *Incident {
	i := &Incident{}
	value := func(to *Value, what string, check func(string) error) func(*yaml.Node) {
		return func(v *yaml.Node) { *to = p.value(v, what, check) }
	}
	p.mapping(n, "incident", []string{"kind", "asset"}, map[string]func(*yaml.Node){
		"kind": value(&i.Kind, "kind", func(s string) error {
			if !slices.Contains(p.kinds, incident.Kind(s)) {
				return fmt.Errorf("there is no playbook of kind %q (known: %s)", s, known(p.kinds))
			}
			return nil
		}),
		"asset":      value(&i.Asset, "asset", func(string) error { return nil }),
		"severity":   value(&i.Severity, "severity", oneOf("severity", alert.Severities())),
		"confidence": value(&i.Confidence, "confidence", confidence),
		"facet":      value(&i.Facet, "facet", oneOf("facet", alert.Facets())),
		"mode": func(v *yaml.Node) {
			i.Mode = incident.Mode(p.text(v, "mode"))
			if i.Mode != "" && i.Mode != incident.Live && i.Mode != incident.Drill {
				p.fault(v, "value", "live or drill", "the mode is %q", i.Mode)
			}
		},
	})
	return i
}

func oneOf(what string, allowed []string) func(string) error {
	return func(s string) error {
		if !slices.Contains(allowed, s) {
			return fmt.Errorf("the %s is %q (known: %s)", what, s, strings.Join(allowed, ", "))
		}
		return nil
	}
}

func confidence(s string) error {
	if _, ok := alert.Confidence(s); !ok {
		return fmt.Errorf("the confidence is %q, want a number from 0 to 1", s)
	}
	return nil
}

// value reads a text or {field: name}.
func (p *parser) value(n *yaml.Node, what string, check func(string) error) Value {
	var v Value
	if n.Kind == yaml.MappingNode {
		p.mapping(n, what, []string{"field"}, map[string]func(*yaml.Node){
			"field": func(f *yaml.Node) { v.Field = p.fieldName(f) },
		})
		return v
	}
	if v.Literal = p.text(n, what); v.Literal != "" {
		if err := check(v.Literal); err != nil {
			p.fault(n, "value", "or {field: NAME}", "%v", err)
		}
	}
	return v
}
