package runbook

import (
	"fmt"
	"io"
	"strings"
)

// page collects Markdown. Every argument is escaped.
type page struct {
	strings.Builder
}

func (p *page) line(format string, args ...string) {
	clean := make([]any, 0, len(args))
	for _, a := range args {
		clean = append(clean, markdown(a))
	}
	fmt.Fprintf(p, format+"\n", clean...)
}

// bullets writes a heading and a list, or nothing if the list is empty.
func (p *page) bullets(heading, mark string, list []string) {
	if len(list) == 0 {
		return
	}
	p.line("\n%s\n", heading)
	for _, x := range list {
		p.line(mark+" %s", x)
	}
}

// Markdown writes the sheet as Markdown.
func (s *Sheet) Markdown(out io.Writer) error {
	p := &page{}
	p.line("# %s\n", s.Title)
	p.line("Playbook %s, %s, %s. By hand, without firebreak.", s.Kind, s.File, s.Digest)
	p.bullets("This page is for", "-", s.Scope)
	p.line("\n## Before anything else\n")
	for _, x := range s.First {
		p.line("- [ ] %s", x)
	}
	s.markdownThreat(p)
	s.markdownCalls(p)
	for i := range s.Phases {
		s.Phases[i].markdown(p)
	}
	p.line("\n## At the end\n")
	for _, x := range s.Last() {
		p.line("- [ ] %s", x)
	}
	_, err := io.WriteString(out, p.String())
	return err
}

func (s *Sheet) markdownThreat(p *page) {
	p.line("\n## The threat\n")
	p.line("%s", s.Threat.Scenario)
	for _, row := range s.ThreatRows() {
		p.line("\n%s: %s", row.Name, row.Text)
	}
}

func (s *Sheet) markdownCalls(p *page) {
	p.line("\n## Who to call\n")
	for _, c := range s.Call {
		p.line("- [ ] %s, %s", c.Role, c.Name)
		if len(c.People) == 0 {
			p.line("  - name and phone: ____________________")
		}
		for _, who := range c.People {
			p.line("  - %s", who)
		}
	}
}

func (ph *SheetPhase) markdown(p *page) {
	p.line("\n## %s. %s", fmt.Sprint(ph.Number), stepName(ph.ID, ph.Title))
	for i := range ph.Steps {
		ph.Steps[i].markdown(p)
	}
}

func (st *SheetStep) markdown(p *page) {
	if st.Group != "" {
		p.line("\nSteps %s:", st.Group)
	}
	p.line("\n- [ ] **%s %s** (%s, %s)", st.Number, st.Title, st.ID, st.Does)
	for _, n := range st.Notes {
		p.line("  - %s", n)
	}
	for _, on := range st.On {
		p.line("  - [ ] on %s", on)
	}
	for i, do := range st.Do {
		p.line("  %s. %s", fmt.Sprint(i+1), do)
	}
	for _, proof := range st.Prove {
		p.line("  - [ ] proof: %s", proof)
	}
	if len(st.Outcomes) > 0 {
		p.line("  - outcome, tick one: %s", strings.Join(st.Outcomes, " / "))
	}
	for _, sign := range st.Sign {
		p.line("  - signed (%s): ____________________", sign)
	}
	p.line("  - done by ____________ at ____________ UTC")
}
