package runbook

import (
	"slices"
	"strings"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// outlook is what is known of a condition before the incident runs.
type outlook int

const (
	holds outlook = iota
	cannotHold
	// depends means that a step decides it.
	depends
)

// forecast evaluates conditions with the facts that are fixed when a plan is made. What the steps will come to is open,
// except for those that cannot run at all.
type forecast struct {
	facts playbooks.Facts
}

func (f *forecast) condition(c playbooks.Condition) outlook {
	if len(c) == 0 {
		return holds
	}
	out := cannotHold
	for _, alternative := range c {
		switch f.alternative(alternative) {
		case holds:
			return holds
		case depends:
			out = depends
		case cannotHold:
		}
	}
	return out
}

// alternative holds if all its comparisons do, and cannot hold as soon as one of them cannot.
func (f *forecast) alternative(list []playbooks.Comparison) outlook {
	out := holds
	for _, x := range list {
		switch {
		case f.open(x.Reference):
			out = depends
		case !(playbooks.Condition{{x}}).Holds(f.facts):
			return cannotHold
		}
	}
	return out
}

// open reports whether the reference gets its value only when the step that it names has run.
func (f *forecast) open(r playbooks.Reference) bool {
	_, known := f.facts[r]
	return !known && strings.HasPrefix(string(r), "steps.")
}

// skipped fixes the references to a step that will not run: only an action has a status, and an approval that is not
// asked says so.
func (f *forecast) skipped(s *playbooks.Step) {
	var status, outcome []string
	if s.Action != "" {
		status = []string{string(incident.Skipped)}
	}
	if s.Approval != nil {
		outcome = []string{string(incident.ApprovalNotAsked)}
	}
	f.facts[playbooks.Reference("steps."+s.ID+".status")] = status
	f.facts[playbooks.Reference("steps."+s.ID+".outcome")] = outcome
}

// values says what the known references of a condition are, e.g. "incident.severity is SEV3".
func (f *forecast) values(c playbooks.Condition) string {
	var parts []string
	for _, alternative := range c {
		for _, x := range alternative {
			if f.open(x.Reference) {
				continue
			}
			value := strings.Join(slices.DeleteFunc(slices.Clone(f.facts[x.Reference]), func(v string) bool { return v == "" }), ", ")
			if value == "" {
				value = "not known"
			}
			if part := string(x.Reference) + " is " + value; !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
	}
	return strings.Join(parts, ", ")
}
