package route

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"firebreak/internal/alert"
	"firebreak/internal/incident"
)

// Decision is what becomes of one signal: an incident, or triage.
type Decision struct {
	// Rule is the one that decided; nil if none fitted.
	Rule *Rule
	// Steps are the rules that were looked at, in their order, the one that decided last.
	Steps []Step
	// Triage says why a person must look; empty if an incident is meant.
	Triage string

	Kind       incident.Kind
	Asset      string
	Severity   string
	Confidence float64
	Facet      string
	// Mode is empty if the rule does not say.
	Mode incident.Mode
	// Ignored names the fields that say how bad and how sure it is whose value cannot be used. They count as not given, so
	// that the signal is still taken in: the playbook then asks where it might have acted.
	Ignored []string
}

// Step is one rule that was looked at, and why it did not fit; empty if it did.
type Step struct {
	Rule *Rule
	Why  string
}

// Decide finds the first rule that fits. It never guesses: a rule whose incident cannot be read from the signal means
// triage, not the next rule.
func (r *Routes) Decide(s *alert.Signal, kinds []incident.Kind) Decision {
	var d Decision
	if s.Unroutable != "" {
		d.Triage = s.Unroutable
		return d
	}
	for i := range r.Rules {
		rule := &r.Rules[i]
		why := rule.Match.misfit(s)
		d.Steps = append(d.Steps, Step{Rule: rule, Why: why})
		if why != "" {
			continue
		}
		d.Rule = rule
		if rule.Incident == nil {
			d.Triage = rule.Triage
			return d
		}
		d.fill(rule.Incident, s, kinds)
		return d
	}
	d.Triage = d.none()
	return d
}

// none says why no rule fitted, in short.
func (d *Decision) none() string {
	const shown = 3
	reasons := make([]string, 0, shown+1)
	for i, step := range d.Steps {
		if i == shown {
			reasons = append(reasons, fmt.Sprintf("and %d more", len(d.Steps)-shown))
			break
		}
		reasons = append(reasons, step.Rule.Name+": "+step.Why)
	}
	if len(reasons) == 0 {
		return "no rule fits: the routes have none"
	}
	return "no rule fits (" + strings.Join(reasons, "; ") + ")"
}

// misfit says why the match does not fit the signal; empty if it does.
func (m Match) misfit(s *alert.Signal) string {
	if len(m.Sources) > 0 && !slices.Contains(m.Sources, s.Source) {
		return fmt.Sprintf("the source is %s, not %s", s.Source, strings.Join(m.Sources, " or "))
	}
	for _, f := range m.Fields {
		value := field(s, f.Name)
		if value == "" {
			return fmt.Sprintf("field %s is missing", f.Name)
		}
		if !f.Test.Passes(value) {
			return fmt.Sprintf("field %s is %q, not %s", f.Name, value, f.Test)
		}
	}
	return ""
}

// String says what the test wants.
func (t Test) String() string {
	switch {
	case len(t.Any) > 0:
		quoted := make([]string, 0, len(t.Any))
		for _, v := range t.Any {
			quoted = append(quoted, strconv.Quote(v))
		}
		return strings.Join(quoted, " or ")
	case t.Prefix != "":
		return strconv.Quote(t.Prefix) + " and what follows"
	case t.Glob != "":
		return "like " + strconv.Quote(t.Glob)
	}
	return "any"
}

// field is a field of the signal. Each signal has a title, whatever its sender calls it.
func field(s *alert.Signal, name string) string {
	if v := s.Fields[name]; v != "" || name != "title" {
		return v
	}
	return s.Title
}

func (v Value) of(s *alert.Signal) string {
	if v.Field != "" {
		return field(s, v.Field)
	}
	return v.Literal
}

// fill reads the incident from the signal.
func (d *Decision) fill(i *Incident, s *alert.Signal, kinds []incident.Kind) {
	d.Mode = i.Mode
	d.Asset = i.Asset.of(s)
	kind := i.Kind.of(s)
	switch {
	case kind == "":
		d.Triage = fmt.Sprintf("field %s, which names the kind, is missing", i.Kind.Field)
	case d.Asset == "":
		d.Triage = fmt.Sprintf("field %s, which names the asset, is missing", i.Asset.Field)
	case !slices.Contains(kinds, incident.Kind(kind)):
		d.Triage = fmt.Sprintf("unknown incident kind %q (known: %s)", kind, known(kinds))
	}
	if d.Triage != "" {
		return
	}
	d.Kind = incident.Kind(kind)
	d.situation(i, s)
}

// situation reads how bad it is and how sure.
func (d *Decision) situation(i *Incident, s *alert.Signal) {
	severity, from := i.Severity.of(s), i.Severity.Field
	if i.Severity.empty() {
		severity, from = s.Severity, alert.SeverityField
	}
	read(severity, from, &d.Severity, &d.Ignored, alert.SenderSeverity)
	read(i.Confidence.of(s), i.Confidence.Field, &d.Confidence, &d.Ignored, alert.Confidence)
	read(i.Facet.of(s), i.Facet.Field, &d.Facet, &d.Ignored, alert.Facet)
}

// read sets what the text means, if it means anything.
func read[T any](text, from string, to *T, ignored *[]string, parse func(string) (T, bool)) {
	if text == "" {
		return
	}
	v, ok := parse(text)
	if !ok {
		*ignored = append(*ignored, from)
		return
	}
	*to = v
}

func known(kinds []incident.Kind) string {
	names := make([]string, 0, len(kinds))
	for _, k := range kinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}
