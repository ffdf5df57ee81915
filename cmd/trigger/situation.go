package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"firebreak/internal/alert"
	"firebreak/internal/incident"
)

// situation is what decides how much a playbook does without asking.
type situation struct {
	severity, facet, cluster string
	confidence               float64
	since                    string
}

func (s *situation) flags(flags *pflag.FlagSet) {
	flags.StringVar(&s.severity, "severity", "", strings.Join(alert.Severities(), ", ")+"; critical, warning and info are known too")
	flags.Float64Var(&s.confidence, "confidence", 0, "how sure it is, from 0 to 1")
	flags.StringVar(&s.since, "compromised-since", "", "when the compromise began at the earliest, e.g. 2026-08-29T20:00:00Z (default: when the oldest suspect was made)")
	flags.StringVar(&s.cluster, "cluster", "", "SHA-256 of the gateway keys that act together, separated by commas")
	flags.StringVar(&s.facet, "facet", "", "what narrows the kind: "+strings.Join(alert.Facets(), ", "))
}

// fill checks the flags and puts them into the request.
func (s *situation) fill(r *incident.Request) error {
	if s.severity != "" {
		severity, ok := alert.Severity(s.severity)
		if !ok {
			return usage("--severity %q: want one of %s", s.severity, strings.Join(alert.Severities(), ", "))
		}
		r.Severity = severity
	}
	confidence, ok := alert.Confidence(fmt.Sprint(s.confidence))
	if !ok {
		return usage("--confidence %g: want a number from 0 to 1", s.confidence)
	}
	if s.facet != "" && !slices.Contains(alert.Facets(), s.facet) {
		return usage("--facet %q: want one of %s", s.facet, strings.Join(alert.Facets(), ", "))
	}
	if s.since != "" {
		since, err := time.Parse(time.RFC3339, s.since)
		if err != nil {
			return usage("--compromised-since %q: want a time such as 2026-08-29T20:00:00Z", s.since)
		}
		r.CompromisedSince = since.UTC()
	}
	keys, malformed := incident.ParseCluster(s.cluster)
	if malformed > 0 {
		return usage("--cluster: %d of the keys are no SHA-256 in 64 hexadecimal digits; never give a key itself", malformed)
	}
	r.Confidence, r.Facet, r.Cluster = confidence, s.facet, keys
	return nil
}
