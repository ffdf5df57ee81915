package alert

import (
	"slices"
	"strconv"
	"strings"
)

// Severities lists the severities of incidents, the highest first.
func Severities() []string { return []string{"SEV1", "SEV2", "SEV3", "SEV4"} }

// Facets lists what can narrow an incident's kind: which side of a dataset or a backdoor is concerned, how a model is being
// extracted, or that code came with it.
func Facets() []string {
	return []string{"integrity", "confidentiality", "both", "api", "membership", "weights", "stolen_credential", "malware"}
}

// Severity turns a sender's word into one of Severities. The words of Alertmanager's own examples are critical, warning
// and info. It reports false for a word that it does not know.
func Severity(word string) (string, bool) {
	switch word = strings.ToUpper(strings.TrimSpace(word)); word {
	case "CRITICAL":
		return "SEV1", true
	case "WARNING":
		return "SEV2", true
	case "INFO":
		return "SEV3", true
	}
	return word, slices.Contains(Severities(), word)
}

// Confidence reads how sure a detector is, from 0 to 1. It reports false for anything else.
func Confidence(text string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	// A comparison with NaN is false.
	return n, err == nil && n >= 0 && n <= 1
}

// Situation is what the sender says of an alert besides what it is about. It decides what a playbook does on its own and
// what it asks people for.
type Situation struct {
	Severity   string
	Confidence float64
	Facet      string
	// Ignored names the labels whose value cannot be used. They count as not given, so that the alert is still taken in: the
	// playbook then asks where it might have acted.
	Ignored []string
}

// situation reads the labels that say how bad it is and how sure.
func (l Labels) situation(labels map[string]string) Situation {
	var s Situation
	ignore := func(label string) { s.Ignored = append(s.Ignored, label) }
	if word := clean(labels[l.Severity]); word != "" {
		severity, ok := Severity(word)
		if s.Severity = severity; !ok {
			s.Severity = ""
			ignore(l.Severity)
		}
	}
	if text := clean(labels[l.Confidence]); text != "" {
		confidence, ok := Confidence(text)
		if s.Confidence = confidence; !ok {
			s.Confidence = 0
			ignore(l.Confidence)
		}
	}
	if facet := strings.ToLower(clean(labels[l.Facet])); facet != "" {
		if s.Facet = facet; !slices.Contains(Facets(), facet) {
			s.Facet = ""
			ignore(l.Facet)
		}
	}
	return s
}
