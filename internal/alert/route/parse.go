package route

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"firebreak/internal/incident"
)

// Limits of a routing file.
const (
	MaxBytes = 256 << 10
	MaxRules = 500
	maxList  = 100
	maxText  = 512
)

// Parse reads one routing file. The error joins all faults, each a Fault with its place in the file. Kinds are those of
// which there is a playbook; a rule may name no other.
func Parse(file string, raw []byte, kinds []incident.Kind) (*Routes, error) {
	p := &parser{file: file, kinds: kinds}
	sum := sha256.Sum256(raw)
	r := &Routes{File: file, Digest: "sha256:" + hex.EncodeToString(sum[:])}
	if root := p.document(raw); root != nil {
		p.routes(root, r)
	}
	if len(p.faults) > 0 {
		return nil, join(p.faults)
	}
	return r, nil
}

// parser walks the YAML nodes itself instead of decoding into structs, because only the nodes know line and column, and
// because every unknown key must be a fault at any depth.
type parser struct {
	file   string
	kinds  []incident.Kind
	faults []Fault
}

func (p *parser) fault(n *yaml.Node, code, hint, format string, args ...any) {
	f := Fault{File: p.file, Line: 1, Column: 1, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
	if n != nil && n.Line > 0 {
		f.Line, f.Column = n.Line, n.Column
	}
	p.faults = append(p.faults, f)
}

// document decodes the one YAML document and returns its root, or nil if there is nothing to look at.
func (p *parser) document(raw []byte) *yaml.Node {
	if len(raw) > MaxBytes {
		p.fault(nil, "too-large", "a routing file is short: match by prefix, or take the asset from a field", "the file is larger than %d bytes", MaxBytes)
		return nil
	}
	if !utf8.Valid(raw) {
		p.fault(nil, "yaml", "", "the file is not UTF-8")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		p.fault(nil, "empty", "begin with version: 1", "the file is empty")
		return nil
	}
	if err != nil {
		p.syntax(err)
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		p.fault(&second, "second-document", "keep one document a file", "a second YAML document follows")
	} else if !errors.Is(err, io.EOF) {
		p.syntax(err)
	}
	if !p.plain(doc.Content[0]) {
		return nil
	}
	return doc.Content[0]
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// syntax reports an error of the YAML decoder, which knows a line at best.
func (p *parser) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	at := &yaml.Node{Line: 1, Column: 1}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil && line > 0 {
			at.Line = line
		}
		text = strings.TrimPrefix(text, m[0])
	}
	p.fault(at, "yaml", "", "%s", text)
}

// plain refuses anchors, aliases and merge keys, which let a small file mean a large or surprising one, and explicit tags,
// which let a value mean something else than it shows.
func (p *parser) plain(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "" || n.Tag == "!!merge":
		p.fault(n, "alias", "write it out", "anchors, aliases and merge keys are not allowed")
		return false
	case n.Style&yaml.TaggedStyle != 0:
		p.fault(n, "tag", "leave it out", "explicit tags are not allowed")
		return false
	}
	good := true
	for _, c := range n.Content {
		good = p.plain(c) && good
	}
	return good
}

// mapping calls the function of each key with its value. Unknown keys, keys that are there twice and those of required that
// are missing are faults.
func (p *parser) mapping(n *yaml.Node, what string, required []string, keys map[string]func(*yaml.Node)) bool {
	if n.Kind != yaml.MappingNode {
		p.fault(n, "type", "write it as key: value", "%s must be a mapping", what)
		return false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read, ok := keys[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || !ok:
			p.fault(key, "unknown-key", "known: "+strings.Join(sorted(keys), ", "), "%s has no key %q", what, key.Value)
		case seen[key.Value]:
			p.fault(key, "duplicate-key", "keep one", "the key %q is there twice", key.Value)
		default:
			seen[key.Value] = true
			read(value)
		}
	}
	good := true
	for _, name := range required {
		if !seen[name] {
			p.fault(n, "missing-key", "add "+name+":", "%s lacks the key %q", what, name)
			good = false
		}
	}
	return good
}

// text reads a scalar as it is written, whatever YAML would make of it.
func (p *parser) text(n *yaml.Node, what string) string {
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "":
		p.fault(n, "type", "write it as text", "%s must be text that is not empty", what)
		return ""
	case len(n.Value) > maxText:
		p.fault(n, "too-long", "", "%s is longer than %d bytes", what, maxText)
		return ""
	}
	return n.Value
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
