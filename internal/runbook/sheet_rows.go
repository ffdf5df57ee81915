package runbook

import "strings"

// Row is a name and a text.
type Row struct {
	Name string
	Text string
}

// ThreatRows are the parts of the threat that the playbook gives, besides its scenario.
func (s *Sheet) ThreatRows() []Row {
	t := &s.Threat
	var out []Row
	for _, r := range []Row{
		{"Goal", t.Goal}, {"Capabilities", strings.Join(t.Capabilities, "; ")}, {"Assets", strings.Join(t.Assets, "; ")}, {"Impact", t.Impact},
		{"Indicators", strings.Join(t.Indicators, "; ")}, {"Rating", s.Rating}, {"MITRE ATLAS", strings.Join(t.ATLAS, ", ")},
		{"OWASP", strings.Join(t.OWASP, ", ")}, {"NIST AI RMF", strings.Join(t.RMF, ", ")}, {"NIST CSF", strings.Join(t.CSF, ", ")},
	} {
		if r.Text != "" {
			out = append(out, r)
		}
	}
	return out
}

// Last is what remains when every step is ticked.
func (s *Sheet) Last() []string {
	out := []string{
		"Every containment step has its proof written down. What is not proved is not contained: list it here as a gap.",
		"This page, the outputs of the commands and their SHA-256 are in the evidence bucket under lock.",
		"Counsel has the times: first signal, containment proved, who decided what.",
	}
	if s.Watch != "" {
		out = append([]string{s.Watch}, out...)
	}
	return out
}
