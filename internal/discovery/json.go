package discovery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"
)

// IsJSON reports whether a document is in the JSON form: the first thing in it opens an object.
func IsJSON(raw []byte) bool { return bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{")) }

// maxNesting bounds how deep a document goes; an inventory needs half a dozen levels.
const maxNesting = 64

// fromJSON reads a document in JSON as nodes. Large inventories are in JSON, and YAML's parser needs minutes for them.
func fromJSON(raw []byte) (*yaml.Node, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	root, err := jsonNode(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the document")
	}
	return &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{root}}, nil
}

func jsonNode(dec *json.Decoder, depth int) (*yaml.Node, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxNesting {
		return nil, fmt.Errorf("it nests deeper than %d levels", maxNesting)
	}
	switch x := tok.(type) {
	case string:
		return text(x), nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(x)}, nil
	case json.Number:
		return jsonNumber(x)
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	}
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	if tok == json.Delim('{') {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	seen := map[string]bool{}
	for dec.More() {
		c, err := jsonNode(dec, depth+1)
		if err != nil {
			return nil, err
		}
		if n.Kind == yaml.MappingNode && len(n.Content)%2 == 0 {
			if seen[c.Value] {
				return nil, fmt.Errorf("the key %q is there twice", c.Value)
			}
			seen[c.Value] = true
		}
		n.Content = append(n.Content, c)
	}
	_, err = dec.Token()
	return n, err
}

func jsonNumber(x json.Number) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: x.String()}
	if _, err := x.Int64(); err != nil {
		n.Tag = "!!float"
		_, err = x.Float64()
		return n, err
	}
	return n, nil
}
