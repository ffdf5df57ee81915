package inventory

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"gopkg.in/yaml.v3"
)

// MaxBytes is the largest document that is loaded. It is a limit against mistakes and abuse, not a design size: 100,000
// assets in few words are 12 MiB, and while they are loaded they take 50 times that in memory.
const MaxBytes = 64 << 20

// Load reads, checks and indexes the document at path. Every error names the file, and where YAML knows it the line.
func Load(path string) (*Inventory, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open inventory: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read inventory %s: %w", path, err)
	}
	return Parse(path, raw)
}

// Parse decodes and checks one document. The name is used in errors only.
func Parse(name string, raw []byte) (*Inventory, error) {
	if len(raw) > MaxBytes {
		return nil, fmt.Errorf("%s: the inventory is larger than %d bytes", name, MaxBytes)
	}
	if err := refuseAliases(name, raw); err != nil {
		return nil, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	inv := &Inventory{}
	if err := dec.Decode(inv); err != nil {
		return nil, decodeError(name, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: a second YAML document follows the inventory; keep one document a file", name)
	}
	sum := sha256.Sum256(raw)
	inv.digest = "sha256:" + hex.EncodeToString(sum[:])
	inv.index = newIndex(inv)
	if err := inv.Lint(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return inv, nil
}

// decodeError names the file on each line of what the YAML decoder found.
func decodeError(name string, err error) error {
	var te *yaml.TypeError
	if !errors.As(err, &te) {
		return fmt.Errorf("%s: %w", name, err)
	}
	lines := make([]string, 0, len(te.Errors))
	for _, e := range te.Errors {
		lines = append(lines, name+": "+e)
	}
	return errors.New(strings.Join(lines, "\n"))
}

// refuseAliases rejects anchors, aliases and merge keys: they let a small file mean a large or surprising document. None
// can be written without one of four characters; a large inventory without them need not be decoded twice.
func refuseAliases(name string, raw []byte) error {
	if !bytes.ContainsAny(raw, "&*<!") {
		return nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var walk func(n *yaml.Node) error
	walk = func(n *yaml.Node) error {
		if n.Kind == yaml.AliasNode || n.Anchor != "" || n.Tag == "!!merge" {
			return fmt.Errorf("%s:%d:%d: anchors, aliases and merge keys are not allowed", name, n.Line, n.Column)
		}
		for _, c := range n.Content {
			if err := walk(c); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(&doc)
}
