package discovery

import (
	"bytes"
	"encoding/json"
	"fmt"

	"gopkg.in/yaml.v3"
)

// YAML writes a document as people read it, comments and all.
func YAML(doc *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("write the inventory: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("write the inventory: %w", err)
	}
	return b.Bytes(), nil
}

// JSON writes a document in the form that is fast to load, with its keys in their order. JSON has no comments.
func JSON(doc *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	if err := appendJSON(&b, doc); err != nil {
		return nil, fmt.Errorf("write the inventory: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b.Bytes(), "", " "); err != nil {
		return nil, fmt.Errorf("write the inventory: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func appendJSON(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.DocumentNode:
		return appendJSON(b, n.Content[0])
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := appendString(b, n.Content[i].Value); err != nil {
				return err
			}
			b.WriteByte(':')
			if err := appendJSON(b, n.Content[i+1]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, c := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := appendJSON(b, c); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case yaml.ScalarNode:
		return appendScalar(b, n)
	}
	return fmt.Errorf("line %d: anchors and aliases are not allowed", n.Line)
}

func appendScalar(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Tag {
	case "!!null":
		b.WriteString("null")
		return nil
	case "!!bool", "!!int", "!!float":
		if json.Valid([]byte(n.Value)) { // 0x10 and True are YAML's alone
			b.WriteString(n.Value)
			return nil
		}
		var v any
		if err := n.Decode(&v); err != nil {
			return err
		}
		raw, err := json.Marshal(v)
		b.Write(raw)
		return err
	}
	return appendString(b, n.Value)
}

func appendString(b *bytes.Buffer, s string) error {
	raw, err := json.Marshal(s)
	b.Write(raw)
	return err
}
