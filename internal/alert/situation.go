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

// Severity turns a word into one of Severities. The words of Alertmanager's own examples are critical, warning and info. It
// reports false for a word that it does not know.
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

// SenderSeverity is Severity for the words of every sender: the priorities of PagerDuty and Datadog and the levels of
// GuardDuty too.
func SenderSeverity(word string) (string, bool) {
	switch strings.ToUpper(strings.TrimSpace(word)) {
	case "P1":
		return "SEV1", true
	case "HIGH", "ERROR", "WARN", "P2":
		return "SEV2", true
	case "MEDIUM", "P3":
		return "SEV3", true
	case "LOW", "P4", "P5":
		return "SEV4", true
	}
	return Severity(word)
}

// Confidence reads how sure a detector is, from 0 to 1. It reports false for anything else.
func Confidence(text string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	// A comparison with NaN is false.
	return n, err == nil && n >= 0 && n <= 1
}

// Facet returns the facet as firebreak writes it. It reports false for one that it does not know.
func Facet(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	return text, slices.Contains(Facets(), text)
}
