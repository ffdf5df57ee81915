package playbooks

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
)

// MaxBytes is the largest playbook that is read.
const MaxBytes = 256 << 10

// Digest identifies the exact bytes of a playbook, as "sha256:<hex>".
func Digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Parse decodes one playbook and checks every rule. The error joins all faults, each a Fault with its place in the file.
func Parse(file string, raw []byte) (*Playbook, error) {
	p := &parser{file: file, where: map[*Step]*yaml.Node{}}
	pb := p.document(raw)
	if pb == nil {
		return nil, join(p.faults)
	}
	p.rules(pb)
	if len(p.faults) > 0 {
		return nil, join(p.faults)
	}
	return pb, nil
}

// parser walks the YAML nodes itself instead of decoding into structs, because only the nodes know line and column, and
// because every unknown key must be a fault at any depth.
type parser struct {
	file   string
	faults []Fault
	where  map[*Step]*yaml.Node
	root   *yaml.Node
}

func (p *parser) fault(n *yaml.Node, code, hint, format string, args ...any) {
	f := Fault{File: p.file, Line: 1, Column: 1, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
	if n != nil {
		f.Line, f.Column = n.Line, n.Column
	}
	p.faults = append(p.faults, f)
}

func (p *parser) document(raw []byte) *Playbook {
	if len(raw) > MaxBytes {
		p.fault(nil, "too-large", "split it", "the playbook is larger than %d bytes", MaxBytes)
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		p.fault(nil, "yaml", "", "%s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		p.fault(&second, "second-document", "keep one document a file", "a second YAML document follows")
		return nil
	}
	p.root = doc.Content[0]
	pb := &Playbook{}
	version := ""
	p.mapping(p.root, "playbook", fields{
		"version": p.text(&version),
		"kind":    func(n *yaml.Node) { p.kind(n, &pb.Kind) },
		"title":   p.text(&pb.Title),
		"threat": func(n *yaml.Node) {
			p.mapping(n, "threat", fields{"scenario": p.text(&pb.Threat.Scenario), "atlas": p.texts(&pb.Threat.ATLAS)})
		},
		"phases": func(n *yaml.Node) {
			p.sequence(n, "phases", func(c *yaml.Node) { pb.Phases = append(pb.Phases, p.phase(c)) })
		},
	}, "version", "kind", "title", "threat", "phases")
	if version != "" && version != "1" {
		p.fault(p.root, "version", "write version: 1", "version %q is not known", version)
	}
	return pb
}

type fields map[string]func(*yaml.Node)

// mapping calls the field functions for the keys of n. Unknown, repeated and missing keys are faults.
func (p *parser) mapping(n *yaml.Node, what string, known fields, required ...string) {
	if n.Kind != yaml.MappingNode {
		p.fault(n, "type", "", "%s must be a mapping", what)
		return
	}
	p.plain(n)
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		set, ok := known[key.Value]
		switch {
		case !ok:
			p.fault(key, "unknown-key", "known: "+strings.Join(sortedKeys(known), ", "), "unknown key %q in %s", key.Value, what)
		case seen[key.Value]:
			p.fault(key, "duplicate-key", "", "key %q is given twice in %s", key.Value, what)
		default:
			set(value)
		}
		seen[key.Value] = true
	}
	for _, r := range required {
		if !seen[r] {
			p.fault(n, "missing-key", "", "%s has no %q", what, r)
		}
	}
}

// plain refuses anchors, aliases and merge keys, which let a small file mean a large or surprising one.
func (p *parser) plain(n *yaml.Node) {
	for _, c := range append([]*yaml.Node{n}, n.Content...) {
		if c.Kind == yaml.AliasNode || c.Anchor != "" || c.Tag == "!!merge" {
			p.fault(c, "alias", "write it out", "anchors, aliases and merge keys are not allowed")
		}
	}
}

func (p *parser) sequence(n *yaml.Node, what string, each func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		p.fault(n, "type", "", "%s must be a list", what)
		return
	}
	p.plain(n)
	if len(n.Content) == 0 {
		p.fault(n, "empty", "", "%s is empty", what)
	}
	for _, c := range n.Content {
		each(c)
	}
}

func (p *parser) text(into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.Value == "" {
			p.fault(n, "type", "", "expected a text")
			return
		}
		*into = n.Value
	}
}

func (p *parser) texts(into *[]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		p.sequence(n, "the list", func(c *yaml.Node) {
			var s string
			p.text(&s)(c)
			*into = append(*into, s)
		})
	}
}

func (p *parser) duration(into *time.Duration, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		d, err := time.ParseDuration(n.Value)
		if err != nil || d <= 0 {
			p.fault(n, "duration", "write e.g. 90s or 30m", "%s %q is not a duration above zero", what, n.Value)
			return
		}
		*into = d
	}
}

func (p *parser) kind(n *yaml.Node, into *incident.Kind) {
	k, err := incident.ParseKind(n.Value)
	if err != nil {
		p.fault(n, "kind", "", "%v", err)
		return
	}
	*into = k
}

func (p *parser) phase(n *yaml.Node) Phase {
	var ph Phase
	p.mapping(n, "phase", fields{
		"id":    p.text(&ph.ID),
		"title": p.text(&ph.Title),
		"steps": func(n *yaml.Node) { ph.Steps = p.steps(n, "steps") },
	}, "id", "title", "steps")
	return ph
}

func (p *parser) steps(n *yaml.Node, what string) []Step {
	var out []Step
	var nodes []*yaml.Node
	p.sequence(n, what, func(c *yaml.Node) {
		out = append(out, p.step(c))
		nodes = append(nodes, c)
	})
	for i := range out {
		p.where[&out[i]] = nodes[i]
	}
	return out
}

func (p *parser) step(n *yaml.Node) Step {
	var s Step
	var query string
	p.mapping(n, "step", fields{
		"id":     p.text(&s.ID),
		"title":  p.text(&s.Title),
		"action": p.text(&s.Action),
		"targets": func(n *yaml.Node) {
			p.text(&query)(n)
			s.Targets = inventory.Query(query)
			if !slices.Contains(inventory.Queries(), s.Targets) {
				p.fault(n, "unknown-query", "known: "+commas(inventory.Queries()), "unknown target query %q", query)
			}
		},
		"with":     func(n *yaml.Node) { s.With = p.with(n) },
		"needs":    p.texts(&s.Needs),
		"timeout":  p.duration(&s.Timeout, "timeout"),
		"approval": func(n *yaml.Node) { s.Approval = p.approval(n) },
		"parallel": func(n *yaml.Node) { s.Parallel = p.steps(n, "parallel") },
	})
	return s
}

func (p *parser) with(n *yaml.Node) map[string]string {
	if n.Kind != yaml.MappingNode {
		p.fault(n, "type", "", "with must be a mapping")
		return nil
	}
	p.plain(n)
	out := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		var v string
		p.text(&v)(n.Content[i+1])
		if _, dup := out[n.Content[i].Value]; dup {
			p.fault(n.Content[i], "duplicate-key", "", "parameter %q is given twice", n.Content[i].Value)
		}
		out[n.Content[i].Value] = v
	}
	return out
}

// roles are the roles that the inventory's people can have.
func roles() []string {
	return []string{"IC", "SEC", "MLO", "DO", "SRE", "PRIV", "LEG", "COM", "EXE"}
}

func (p *parser) approval(n *yaml.Node) *Approval {
	a := &Approval{}
	p.mapping(n, "approval", fields{
		"roles": p.texts(&a.Roles),
		"quorum": func(n *yaml.Node) {
			q, err := strconv.Atoi(n.Value)
			if err != nil || q < 1 {
				p.fault(n, "quorum", "", "quorum %q is not a whole number above zero", n.Value)
				return
			}
			a.Quorum = q
		},
		"timeout": p.duration(&a.Timeout, "timeout"),
		"on_timeout": func(n *yaml.Node) {
			if n.Value != "stay" {
				p.fault(n, "on-timeout", "write on_timeout: stay", "on_timeout %q is not known; silence never approves", n.Value)
			}
		},
	}, "roles", "quorum", "timeout", "on_timeout")
	for _, r := range a.Roles {
		if !slices.Contains(roles(), r) {
			p.fault(n, "unknown-role", "known: "+strings.Join(roles(), ", "), "unknown role %q", r)
		}
	}
	if a.Quorum > len(a.Roles) {
		p.fault(n, "quorum", "name as many roles, or lower the quorum", "quorum %d needs as many roles; there are %d", a.Quorum, len(a.Roles))
	}
	return a
}

func sortedKeys(f fields) []string {
	out := make([]string, 0, len(f))
	for k := range f {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func commas[T ~string](list []T) string {
	out := make([]string, 0, len(list))
	for _, x := range list {
		out = append(out, string(x))
	}
	return strings.Join(out, ", ")
}
