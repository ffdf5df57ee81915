package route

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"

	"firebreak/internal/incident"
)

// Routes is one routing file.
type Routes struct {
	File string
	// Digest identifies the exact bytes, as "sha256:<hex>".
	Digest string
	Rules  []Rule
}

// Rule says what becomes of the signals that fit its match: an incident, or triage for the reason given.
type Rule struct {
	Name string
	// Line is where the rule begins in its file.
	Line     int
	Match    Match
	Incident *Incident
	Triage   string
}

// Match fits a signal that comes from one of the sources, if any are named, and whose fields pass every test.
type Match struct {
	Sources []string
	Fields  []FieldTest
}

// FieldTest is a test of the field of that name. A signal that lacks the field does not pass, whatever the test.
type FieldTest struct {
	Name string
	Test Test
}

// Test passes a value that is one of Any, begins with Prefix or fits Glob; only one of the three is set. Without any, it
// passes every value.
type Test struct {
	Any    []string
	Prefix string
	// Glob is text in which each * stands for any text, none included.
	Glob string
}

// Incident is what a rule starts.
type Incident struct {
	Kind, Asset Value
	// Severity, Confidence and Facet may be empty: the sender's severity counts then, and nothing is said of the others.
	Severity, Confidence, Facet Value
	// Mode may be empty: the mode of the trigger counts then.
	Mode incident.Mode
}

// Value is written out, or taken from a field of the signal.
type Value struct {
	Literal string
	Field   string
}

func (v Value) empty() bool { return v == Value{} }

// Passes reports whether the test passes the value.
func (t Test) Passes(value string) bool {
	switch {
	case len(t.Any) > 0:
		return slices.Contains(t.Any, value)
	case t.Prefix != "":
		return strings.HasPrefix(value, t.Prefix)
	case t.Glob != "":
		return glob(t.Glob, value)
	}
	return true
}

// glob matches each part between the stars at its first place after the one before, and so takes no more than the product
// of the two lengths.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return text == first
	}
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(text, p)
		if i < 0 {
			return false
		}
		text = text[i+len(p):]
	}
	return true
}

// Fields names the fields that the routes look at, so that none of them is lost to the bound on their number.
func (r *Routes) Fields() []string {
	var out []string
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, rule := range r.Rules {
		for _, f := range rule.Match.Fields {
			add(f.Name)
		}
		if i := rule.Incident; i != nil {
			for _, v := range []Value{i.Kind, i.Asset, i.Severity, i.Confidence, i.Facet} {
				add(v.Field)
			}
		}
	}
	return out
}

//go:embed default.yaml
var builtIn string

// fieldName is how a field that is named on the command line may be written.
var fieldName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$`)

// BuiltIn returns the routes that count without a file: the signal's own fields name kind and asset. The two names may be
// others than firebreak's; empty means firebreak's.
func BuiltIn(kindField, assetField string, kinds []incident.Kind) (*Routes, error) {
	text := builtIn
	for name, own := range map[string]string{"firebreak_kind": kindField, "firebreak_asset": assetField} {
		if own == "" || own == name {
			continue
		}
		if !fieldName.MatchString(own) {
			return nil, Fault{File: "built-in routes", Line: 1, Column: 1, Code: "field-name", Message: "a field's name has letters, digits and _ . : - only"}
		}
		text = strings.ReplaceAll(text, name, own)
	}
	return Parse("built-in routes", []byte(text), kinds)
}

// BuiltInText is the file of the built-in routes, to be copied and added to.
func BuiltInText() string { return builtIn }
