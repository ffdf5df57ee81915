package playbooks

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
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
	pb, _, err := parse(file, raw)
	return pb, err
}

func parse(file string, raw []byte) (*Playbook, *parser, error) {
	p := &parser{file: file, places: map[any]place{}, tables: map[string]any{}, actions: map[string]Action{}, taxonomy: Taxonomies()}
	for _, a := range Catalogue() {
		p.actions[a.Name] = a
	}
	root := p.document(raw)
	pb := &Playbook{}
	if root != nil {
		mapping(p, root, "playbook", playbookFields(), pb)
		p.rules(pb)
	}
	if len(p.faults) > 0 {
		return nil, p, join(p.faults)
	}
	return pb, p, nil
}

// parser walks the YAML nodes itself instead of decoding into structs, because only the nodes know line and column, and
// because every unknown key must be a fault at any depth.
type parser struct {
	file   string
	faults []Fault
	// places says where each part was written, by the pointer to the part.
	places map[any]place
	// tables holds the fields of each mapping, by its name, so that they are put together once a file.
	tables   map[string]any
	actions  map[string]Action
	taxonomy Taxonomy
}

// place is where a mapping was written. A comparison of a condition is a mapping of one key.
type place struct {
	node         *yaml.Node
	keys, values map[string]*yaml.Node
}

func (p *parser) fault(n *yaml.Node, c code, hint, format string, args ...any) {
	f := Fault{File: p.file, Line: 1, Column: 1, Code: string(c), Message: fmt.Sprintf(format, args...), Hint: hint}
	if n != nil && n.Line > 0 {
		f.Line, f.Column = n.Line, n.Column
	}
	p.faults = append(p.faults, f)
}

// has reports whether the part was written with the key, whatever its value.
func (p *parser) has(part any, key string) bool { return p.places[part].keys[key] != nil }

// key returns the node of a key of the part, or of the part itself if it lacks the key.
func (p *parser) key(part any, key string) *yaml.Node {
	at := p.places[part]
	if n := at.keys[key]; n != nil {
		return n
	}
	return at.node
}

// value returns the node of a key's value, or of the part itself if it lacks the key.
func (p *parser) value(part any, key string) *yaml.Node {
	at := p.places[part]
	if n := at.values[key]; n != nil {
		return n
	}
	return at.node
}

// item returns the node of the i-th item of the list under a key.
func (p *parser) item(part any, key string, i int) *yaml.Node {
	n := p.value(part, key)
	if n != nil && n.Kind == yaml.SequenceNode && i < len(n.Content) {
		return n.Content[i]
	}
	return n
}

// document decodes the one YAML document and returns its root, or nil if there is nothing to look at.
func (p *parser) document(raw []byte) *yaml.Node {
	if len(raw) > MaxBytes {
		p.fault(nil, codeTooLarge, "split it", "the playbook is larger than %d bytes", MaxBytes)
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		p.fault(nil, codeEmpty, "begin with version: 1", "the file is empty")
		return nil
	}
	if err != nil {
		p.syntax(err)
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		p.fault(&second, codeSecondDocument, "keep one document a file", "a second YAML document follows")
	} else if !errors.Is(err, io.EOF) {
		p.syntax(err)
	}
	p.plain(doc.Content[0])
	return doc.Content[0]
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// syntax reports an error of the YAML decoder, which knows a line at best.
func (p *parser) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	at := &yaml.Node{Line: 1, Column: 1}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil {
			at.Line = line
		}
		text = strings.TrimPrefix(text, m[0])
	}
	p.fault(at, codeYAML, "", "%s", text)
}

// plain refuses anchors, aliases and merge keys, which let a small file mean a large or surprising one, and explicit tags,
// which let a value mean something else than it shows.
func (p *parser) plain(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "" || n.Tag == "!!merge":
		p.fault(n, codeAlias, "write it out", "anchors, aliases and merge keys are not allowed")
	case n.Style&yaml.TaggedStyle != 0:
		p.fault(n, codeTag, "leave the tag out", "tags such as %s are not allowed", n.Tag)
	}
	for _, c := range n.Content {
		p.plain(c)
	}
}
