package playbooks

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"firebreak/internal/incident"
)

// atLeastPattern is how a condition on a number is written.
const atLeastPattern = `^>= ?[0-9]+(\.[0-9]+)?$`

var (
	atLeast       = regexp.MustCompile(atLeastPattern)
	stepReference = regexp.MustCompile(stepReferencePattern)
)

// stepReferencePattern is how a condition names a step.
const stepReferencePattern = `^steps\.([a-z0-9-]+)\.(status|outcome)$`

// literals lists the values that a text or a set can have, where they are known.
func literals(r Reference) []string {
	switch r {
	case "incident.severity":
		return []string{"SEV1", "SEV2", "SEV3", "SEV4"}
	case "incident.mode":
		return []string{string(incident.Live), string(incident.Drill)}
	case "incident.facet":
		return []string{"integrity", "confidentiality", "both", "api", "membership", "weights", "stolen_credential", "malware"}
	case "radius.environment":
		return []string{"prod", "staging", "drill"}
	case "radius.criticality":
		return []string{"safety", "business", "internal"}
	case "radius.contain_on_timeout":
		return []string{"disable", "throttle"}
	case "radius.exposure":
		return []string{"public", "partner", "internal"}
	}
	return nil
}

// condition is one mapping of references to values, or a list of such mappings as alternatives.
func condition() shape[Condition] {
	return shape[Condition]{object{"$ref": "#/$defs/condition"}, func(p *parser, n *yaml.Node, into *Condition) {
		alternatives := []*yaml.Node{n}
		if n.Kind == yaml.SequenceNode {
			alternatives = n.Content
		}
		if len(n.Content) == 0 && n.Kind != yaml.ScalarNode && n.Kind != yaml.AliasNode {
			p.fault(n, codeEmpty, "leave the key out if it is to hold always", "the condition is empty")
			return
		}
		*into = make(Condition, len(alternatives))
		for i, c := range alternatives {
			(*into)[i] = p.alternative(c)
		}
	}}
}

func (p *parser) alternative(n *yaml.Node) []Comparison {
	if !p.is(n, yaml.MappingNode, "a condition", "a mapping of references to values, or a list of such mappings") {
		return nil
	}
	if len(n.Content) == 0 {
		p.fault(n, codeEmpty, "leave it out", "an alternative of the condition is empty, so that it always holds")
	}
	out := make([]Comparison, len(n.Content)/2)
	seen := map[string]bool{}
	for i := range out {
		k, v := n.Content[2*i], n.Content[2*i+1]
		if seen[k.Value] {
			p.fault(k, codeDuplicateKey, "list the values", "reference %q is given twice", k.Value)
		}
		seen[k.Value] = true
		c := &out[i]
		c.Reference = Reference(k.Value)
		p.places[c] = place{node: k, values: map[string]*yaml.Node{"": v}}
		kind, known := References()[c.Reference]
		switch {
		case known:
			p.compare(v, c, kind)
		case stepReference.MatchString(k.Value):
			p.values(v, c, nil)
		default:
			p.fault(k, codeUnknownReference, "known: "+strings.Join(referenceNames(), ", "), "unknown reference %q", k.Value)
		}
	}
	return out
}

func referenceNames() []string {
	var out []string
	for r := range References() {
		out = append(out, string(r))
	}
	slices.Sort(out)
	return append(out, "steps.<id>.status", "steps.<id>.outcome")
}

// compare reads the value that a reference of the kind is compared with.
func (p *parser) compare(n *yaml.Node, c *Comparison, kind ReferenceKind) {
	switch kind {
	case NumberReference:
		p.least(n, c)
	case BoolReference:
		p.values(n, c, func(v *yaml.Node) (string, bool) { return "write true or false", v.ShortTag() == "!!bool" })
	case TextReference, SetReference:
		known := literals(c.Reference)
		p.values(n, c, func(v *yaml.Node) (string, bool) {
			return "known: " + strings.Join(known, ", "), known == nil || slices.Contains(known, v.Value)
		})
	}
}

// least reads the number that the reference must at least be.
func (p *parser) least(n *yaml.Node, c *Comparison) {
	number, err := strconv.ParseFloat(strings.TrimLeft(n.Value, ">= "), 64)
	if n.Kind != yaml.ScalarNode || !atLeast.MatchString(n.Value) || err != nil {
		p.fault(n, codeCondition, `write e.g. ">=0.9"`, "%s is a number and can only be compared with at least", c.Reference)
		return
	}
	if c.Reference == "incident.confidence" && number > 1 {
		p.fault(n, codeCondition, "confidence is from 0 to 1", "%s is never %s", c.Reference, n.Value)
	}
	c.AtLeast = &number
}

// values reads one value or a list of values. The check says whether a value fits, with a hint if it does not.
func (p *parser) values(n *yaml.Node, c *Comparison, fits func(*yaml.Node) (string, bool)) {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
		if len(nodes) == 0 {
			p.fault(n, codeEmpty, "name one", "%s is compared with nothing", c.Reference)
		}
	}
	for _, v := range nodes {
		s, ok := p.scalar(v, string(c.Reference))
		if !ok {
			continue
		}
		if strings.HasPrefix(s, ">=") {
			p.fault(v, codeCondition, "name its values", "%s is not a number", c.Reference)
			continue
		}
		if fits != nil {
			if hint, ok := fits(v); !ok {
				p.fault(v, codeCondition, hint, "%s is never %q", c.Reference, s)
			}
		}
		if slices.Contains(c.Values, s) {
			p.fault(v, codeDuplicateItem, "name it once", "%q is named twice for %s", s, c.Reference)
		}
		c.Values = append(c.Values, s)
	}
}
