package playbooks

import (
	"slices"
	"strconv"
	"strings"

	"firebreak/internal/incident"
)

// ReferenceKind is the type of a reference's value.
type ReferenceKind string

// The types. A set reference holds if any of its members is one of the literal's values.
const (
	TextReference   ReferenceKind = "text"
	NumberReference ReferenceKind = "number"
	BoolReference   ReferenceKind = "boolean"
	SetReference    ReferenceKind = "set"
)

// References lists what a condition can compare, with its type. Besides these there is steps.<id>.status, and
// steps.<id>.outcome of a task, an approval or a child playbook; both are texts.
func References() map[Reference]ReferenceKind {
	return map[Reference]ReferenceKind{
		"incident.severity":         TextReference,
		"incident.confidence":       NumberReference,
		"incident.mode":             TextReference,
		"incident.facet":            TextReference,
		"radius.personal_data":      BoolReference,
		"radius.high_risk":          BoolReference,
		"radius.shared_credentials": BoolReference,
		"radius.known_good":         BoolReference,
		"radius.criticality":        SetReference,
		"radius.exposure":           SetReference,
		"radius.contain_on_timeout": SetReference,
		"radius.environment":        TextReference,
	}
}

// Facts are the values of references at one moment.
type Facts map[Reference][]string

// Holds reports whether the condition holds for the facts. A reference that has no value holds for nothing.
func (c Condition) Holds(facts Facts) bool {
	if len(c) == 0 {
		return true
	}
	return slices.ContainsFunc(c, func(alternative []Comparison) bool {
		return !slices.ContainsFunc(alternative, func(x Comparison) bool { return !x.holds(facts[x.Reference]) })
	})
}

func (c Comparison) holds(values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool {
		if c.AtLeast != nil {
			n, err := strconv.ParseFloat(v, 64)
			return err == nil && n >= *c.AtLeast
		}
		return slices.Contains(c.Values, v)
	})
}

// String returns the condition as a person reads it.
func (c Condition) String() string {
	var alternatives []string
	for _, a := range c {
		var parts []string
		for _, x := range a {
			text := string(x.Reference) + " is " + strings.Join(x.Values, " or ")
			if x.AtLeast != nil {
				text = string(x.Reference) + " >= " + strconv.FormatFloat(*x.AtLeast, 'g', -1, 64)
			}
			parts = append(parts, text)
		}
		alternatives = append(alternatives, strings.Join(parts, " and "))
	}
	return strings.Join(alternatives, ", or ")
}

// IncidentFacts are the facts that are fixed when the plan is made.
func (p *Plan) IncidentFacts(req incident.Request) Facts {
	boolean := func(b bool) []string { return []string{strconv.FormatBool(b)} }
	known := false
	p.Playbook.Walk(func(_ string, s *Step) {
		for _, t := range p.Targets[s.ID] {
			known = known || t.KnownGood != nil
		}
	})
	return Facts{
		"incident.severity":         {req.Severity},
		"incident.confidence":       {strconv.FormatFloat(req.Confidence, 'g', -1, 64)},
		"incident.mode":             {string(req.Mode)},
		"incident.facet":            {req.Facet},
		"radius.personal_data":      boolean(p.Radius.PersonalData),
		"radius.high_risk":          boolean(p.Radius.HighRisk),
		"radius.shared_credentials": boolean(p.Radius.SharedCredentials),
		"radius.known_good":         boolean(known),
		"radius.criticality":        p.Radius.Criticality,
		"radius.exposure":           p.Radius.Exposure,
		"radius.contain_on_timeout": p.Radius.ContainOnTimeout,
		"radius.environment":        {p.Radius.Environment},
	}
}
