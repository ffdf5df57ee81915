package inventory

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"
)

// MaxBytes is the largest YAML document that is loaded. It is a limit against mistakes and abuse, not a design size: 100,000
// assets in few words are 12 MiB, and while they are loaded they take 50 times that in memory. MaxJSONBytes is the largest
// document in JSON, which is read as it comes.
const (
	MaxBytes     = 64 << 20
	MaxJSONBytes = 256 << 20
)

// Load reads, checks and indexes the document at path. Every error names the file, and where YAML knows it the line.
func Load(path string) (*Inventory, error) {
	raw, err := Read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, raw)
}

// Read reads the bytes of the document at path, and no more of them than Parse takes.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open inventory: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, MaxJSONBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read inventory %s: %w", path, err)
	}
	return raw, nil
}

// Parse decodes and checks one document in YAML or JSON. The name is used in errors only. The error has every fault that
// refuses the document, with its place; see Faults.
func Parse(name string, raw []byte) (*Inventory, error) {
	if f := tooLarge(raw); f != nil {
		f.File = name
		return nil, *f
	}
	inv, doc, faults := decode(raw)
	if len(faults) == 0 {
		inv.digest = digest(raw)
		inv.index = newIndex(inv)
		faults = inv.lint()
	}
	if joined(faults) == nil {
		return inv, nil
	}
	return nil, joined(located(name, raw, doc, faults))
}

// Check finds everything that can be said about a document at a time: what refuses it, what is unknown of its lineage (N8)
// and how old its sources are (N9). The inventory is nil if the document is refused.
func Check(name string, raw []byte, now time.Time) (*Inventory, []Fault) {
	if f := tooLarge(raw); f != nil {
		f.File = name
		return nil, []Fault{*f}
	}
	inv, doc, faults := decode(raw)
	// What could be decoded is checked too, so that a misspelt key hides nothing.
	if inv != nil {
		inv.digest = digest(raw)
		inv.index = newIndex(inv)
		faults = append(faults, inv.lint()...)
		faults = append(faults, inv.notices(now)...)
	}
	faults = located(name, raw, doc, faults)
	if joined(faults) != nil {
		return nil, faults
	}
	return inv, faults
}

func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func tooLarge(raw []byte) *Fault {
	limit := MaxBytes
	if isJSON(raw) {
		limit = MaxJSONBytes
	}
	if len(raw) <= limit {
		return nil
	}
	return &Fault{Rule: "size", Level: Refused, Message: fmt.Sprintf("the inventory is larger than %d bytes", limit)}
}

// decode reads one document strictly. Faults are of its form; the inventory is then what could be decoded, and nil if nothing
// could. The document is there only if it was needed.
func decode(raw []byte) (*Inventory, *yaml.Node, []Fault) {
	if isJSON(raw) {
		// What JSON's decoder does not take is left to that of YAML, which also says what is wrong with it.
		if inv, err := decodeJSON(raw); err == nil {
			return inv, nil, nil
		}
		if len(raw) > MaxBytes {
			return nil, nil, []Fault{{Rule: "yaml", Level: Refused, Message: fmt.Sprintf("the document is not in the strict form of JSON that may be larger than %d bytes", MaxBytes)}}
		}
	}
	inv := &Inventory{}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	err := dec.Decode(inv)
	if err == nil && !bytes.ContainsAny(raw, "&*<!") { // without one of these there is no anchor, alias or merge key
		if err := dec.Decode(new(yaml.Node)); errors.Is(err, io.EOF) {
			return inv, nil, nil
		}
	}
	return diagnose(raw, inv, err)
}

// diagnose reads a document that the decoder did not take, or that may hold what it takes but is not allowed, and names the
// places.
func diagnose(raw []byte, inv *Inventory, refusal error) (*Inventory, *yaml.Node, []Fault) {
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	doc := &yaml.Node{}
	switch err := dec.Decode(doc); {
	case errors.Is(err, io.EOF):
		return nil, nil, []Fault{{Rule: "yaml", Level: Refused, Message: "the document is empty"}}
	case err != nil:
		return nil, nil, []Fault{syntax(err)}
	}
	s := &shape{}
	s.refuseAliases(doc)
	if len(s.faults) > 0 || len(doc.Content) != 1 {
		return nil, doc, s.faults
	}
	s.value(doc.Content[0], reflect.TypeFor[Inventory](), "the inventory")
	if len(s.faults) > 0 {
		inv = &Inventory{}
		if err := doc.Decode(inv); err != nil {
			return nil, doc, append(s.faults, syntax(err))
		}
	}
	if refusal != nil && len(s.faults) == 0 {
		s.faults = append(s.faults, syntax(refusal))
	}
	second := &yaml.Node{}
	if err := dec.Decode(second); !errors.Is(err, io.EOF) {
		s.faults = append(s.faults, Fault{Line: second.Line, Column: second.Column, Rule: "yaml", Level: Refused,
			Message: "a second YAML document follows the inventory; keep one document a file"})
	}
	return inv, doc, s.faults
}

// yamlLine finds the line in an error of the YAML parser, which knows no column.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

func syntax(err error) Fault {
	f := Fault{Rule: "yaml", Level: Refused, Message: err.Error()}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		f.Message = m[2]
		if line, err := strconv.Atoi(m[1]); err == nil {
			f.Line, f.Column = line, 1
		}
	}
	return f
}

// located gives each fault its file, and its line and column where they are not known yet.
func located(name string, raw []byte, doc *yaml.Node, faults []Fault) []Fault {
	for i := range faults {
		f := &faults[i]
		f.File = name
		if f.Line > 0 || f.at.section == "" {
			continue
		}
		if doc == nil {
			doc = &yaml.Node{}
			if len(raw) > MaxBytes || yaml.Unmarshal(raw, doc) != nil {
				// The place is a help, not the fault: a JSON document beyond YAML's limit goes without.
				doc = &yaml.Node{Kind: yaml.DocumentNode}
			}
		}
		f.Line, f.Column = f.at.find(doc)
	}
	inOrder(faults)
	return faults
}

// Draft decodes a document whatever its rules say, for tools that complete one. The error has every fault of its form.
func Draft(name string, raw []byte) (*Inventory, error) {
	if f := tooLarge(raw); f != nil {
		f.File = name
		return nil, *f
	}
	inv, doc, faults := decode(raw)
	if joined(faults) != nil {
		return nil, joined(located(name, raw, doc, faults))
	}
	inv.digest = digest(raw)
	inv.index = newIndex(inv)
	return inv, nil
}
