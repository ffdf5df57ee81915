package runbook

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"firebreak/internal/incident"
)

// writer collects text line by line. Every argument goes through plain.
type writer struct {
	strings.Builder
}

func (w *writer) line(format string, args ...string) {
	clean := make([]any, 0, len(args))
	for _, a := range args {
		clean = append(clean, plain(a))
	}
	fmt.Fprintf(w, format+"\n", clean...)
}

// list writes a name and its values, or nothing if there are none.
func (w *writer) list(name string, values []string) {
	if len(values) > 0 {
		w.line("  %-12s%s", name, strings.Join(values, ", "))
	}
}

// WriteText writes the preview for a terminal.
func (p *Preview) WriteText(out io.Writer) error {
	w := &writer{}
	p.heading(w)
	p.radius(w)
	p.steps(w)
	for i := range p.Approvals {
		p.Approvals[i].write(w)
	}
	p.choices(w)
	p.stays(w)
	p.duties(w)
	_, err := io.WriteString(out, w.String())
	return err
}

func (p *Preview) heading(w *writer) {
	w.line("%s: %s", string(p.Kind), p.Title)
	w.line("  asset       %s, %s", p.Asset, string(p.Mode))
	w.line("  severity    %s, confidence %s%s", cmp.Or(p.Severity, "not given"), fmt.Sprintf("%g", p.Confidence), prefixed(", facet ", p.Facet))
	w.line("  playbook    %s (%s)", p.File, p.PlaybookDigest)
	w.line("  inventory   %s", p.InventoryDigest)
	w.line("  plan        %s", p.PlanDigest)
	if p.Watch != "" {
		w.line("  watch       containment is proved again every %s until the incident is closed", p.Watch)
	}
}

func (p *Preview) radius(w *writer) {
	r := &p.Radius
	var words []string
	for _, x := range []struct {
		is   bool
		word string
	}{{r.PersonalData, "personal data"}, {r.HighRisk, "high-risk system"}, {r.SharedCredentials, "shared credentials"}} {
		if x.is {
			words = append(words, x.word)
		}
	}
	w.line("\nBLAST RADIUS%s", prefixed(": ", strings.Join(words, ", ")))
	w.list("environment", nonEmpty(r.Environment))
	w.list("criticality", r.Criticality)
	w.list("exposure", r.Exposure)
	w.list("datasets", r.DatasetVersions)
	w.list("checkpoints", r.Checkpoints)
	w.list("models", r.Models)
	w.list("endpoints", r.Endpoints)
	w.list("writers", r.Writers)
	w.list("callers", r.Callers)
	w.list("unknown", r.Unknown)
}

func (p *Preview) steps(w *writer) {
	w.line("\nSTEPS")
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	phase := ""
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Phase != phase {
			phase = s.Phase
			fmt.Fprintf(t, "  %s\n", plain(phase))
		}
		fmt.Fprintf(t, "    %s\t%s\t%s\n", plain(s.ID), plain(s.Does), plain(s.summary()))
		for _, without := range s.Without {
			fmt.Fprintf(t, "    \t\tnot on %s\n", plain(without))
		}
	}
	// A strings.Builder takes every write.
	_ = t.Flush()
	for row := range strings.Lines(table.String()) {
		w.WriteString(strings.TrimRight(row, " \n") + "\n")
	}
}

// summary is what there is to say of a step in one line.
func (s *PreviewStep) summary() string {
	if s.Skipped != "" {
		return "skipped: " + s.Skipped
	}
	parts := nonEmpty(strings.Join(s.Targets, ", "), s.Detail, prefixed("if ", s.Depends), prefixed("after ", strings.Join(s.Needs, ", ")))
	if s.LesserOf != "" {
		parts = append(parts, "only if nobody decides on "+s.LesserOf)
	}
	return strings.Join(parts, "; ")
}

func (q *Question) write(w *writer) {
	w.line("\nAPPROVAL %s%s", q.Step, prefixed(": ", q.Title))
	if q.NotAsked != "" {
		w.line("  not asked   %s", q.NotAsked)
		return
	}
	silence := string(q.OnTimeout)
	if len(q.Lesser) > 0 {
		silence += ", which runs " + strings.Join(q.Lesser, ", ")
	}
	if len(q.EscalateTo) > 0 {
		silence += " to " + strings.Join(q.EscalateTo, ", ")
	}
	w.line("  needs       %s of %s within %s%s; silence: %s", fmt.Sprint(q.Quorum), strings.Join(q.Roles, ", "), q.Timeout,
		prefixed(", reminded every ", q.RemindEvery), silence)
	switch {
	case q.Automatic != "":
		w.line("  automatic   granted without asking: %s", q.Automatic)
	case q.Maybe != "":
		w.line("  automatic   if %s", q.Maybe)
	case q.Never != "":
		w.line("  automatic   no, only if %s", q.Never)
	}
	for _, d := range q.Deciders {
		w.line("  may decide  %s", d.describe())
	}
	for _, x := range q.Excluded {
		w.line("  excluded    %s: %s", x.Person, x.Why)
	}
	if q.Problem != "" {
		w.line("  PROBLEM     %s", q.Problem)
	}
	for _, u := range q.Unlocks {
		w.line("  unlocks     %s", u)
	}
}

func (d Decider) describe() string {
	text := d.Role + ": " + d.Person + prefixed(", ", d.Name)
	if d.DeputyOf != "" {
		text += " (deputy of " + d.DeputyOf + ")"
	}
	if d.Escalation {
		text += ", after the first timeout"
	}
	return text
}

func (p *Preview) choices(w *writer) {
	if len(p.KnownGood) > 0 {
		w.line("\nKNOWN-GOOD CHECKPOINTS")
	}
	for _, c := range p.KnownGood {
		w.line("  %s (%s): %s%s", c.Model, strings.Join(c.Endpoints, ", "), cmp.Or(c.Checkpoint, "none, it stays contained"), prefixed(" ", c.Digest))
		for _, r := range c.Rejected {
			w.line("    not %s", r)
		}
		for _, r := range c.Review {
			w.line("    review: %s", r)
		}
	}
}

func (p *Preview) stays(w *writer) {
	if len(p.Stays) > 0 {
		w.line("\nIRREVERSIBLE")
	}
	for _, l := range p.Stays {
		w.line("  %s: %s on %s: %s", l.Step, l.Action, strings.Join(l.Targets, ", "), l.Why)
	}
}

func (p *Preview) duties(w *writer) {
	w.line("\nLEGAL")
	w.line("  told in     %s", cmp.Or(strings.Join(p.Legal.Channels, ", "), "no channel: nobody is told"))
	for _, d := range p.Legal.PersonalData {
		w.line("  data        %s", d)
	}
	if len(p.Legal.PersonalData) == 0 {
		w.line("  data        no personal data in the blast radius")
	}
	for _, r := range p.Legal.Regimes {
		w.line("  regime      %s", r)
	}
	if p.Mode == incident.Drill {
		w.line("  note        this is a drill: its channels and its evidence store are those of drills")
	}
}

// prefixed is the text after the prefix, or nothing if there is no text.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func nonEmpty(texts ...string) []string {
	var out []string
	for _, t := range texts {
		if t != "" {
			out = append(out, t)
		}
	}
	return out
}
