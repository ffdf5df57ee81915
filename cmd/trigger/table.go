package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"firebreak/internal/incident"
)

// page collects a status as text. Everything from a record goes through plain: some of it was written by strangers.
type page struct {
	strings.Builder
}

func (p *page) line(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = plain(s)
		}
	}
	fmt.Fprintf(p, format+"\n", args...)
}

// plain takes out what a terminal would act on.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// writeStatus writes the record for people: verdict first, then what is missing and what waits for them.
func writeStatus(w io.Writer, r *incident.Record, colour bool, now time.Time) error {
	p := &page{}
	p.heading(r, colour)
	p.gaps(r)
	p.approvals(r)
	p.tasks(r, now)
	p.waits(r, now)
	p.radius(r)
	p.steps(r)
	p.children(r)
	p.outcome(r)
	p.clocks(r, now)
	p.timeline(r)
	_, err := io.WriteString(w, p.String())
	return err
}

func (p *page) heading(r *incident.Record, colour bool) {
	verdict := plain(strings.ToUpper(strings.ReplaceAll(cmp.Or(string(r.Verdict), "unknown"), "_", " ")))
	if colour {
		verdict = paint(r.Verdict) + verdict + "\x1b[0m"
	}
	fmt.Fprintf(p, "%s  %s\n\n", verdict, plain(r.ID))
	p.line("  kind      %s on %s", string(r.Kind), r.Asset)
	if r.Summary != "" {
		p.line("  summary   %s", r.Summary)
	}
	p.line("  progress  %s, %s", progress(r), string(r.Mode))
	if r.Paused && r.Progress != incident.Closed {
		p.line("  resume    %s", commandLine("trigger", "resume", r.ID, "--as", "PERSON"))
	}
	if r.Aborted != "" {
		p.line("  aborted   %s", r.Aborted)
	}
	p.line("  started   %s by %s, detected %s%s", clock(r.OpenedAt), r.Requester, clock(r.DetectedAt), alerts(r.AlertCount))
	if !r.SettledAt.IsZero() {
		p.line("  settled   %s, %s after the start", clock(r.SettledAt), took(r.OpenedAt, r.SettledAt))
	}
	if !r.ClosedAt.IsZero() {
		p.line("  closed    %s", clock(r.ClosedAt))
	}
	if r.Playbook.File != "" {
		p.line("  playbook  %s (%s)", r.Playbook.File, short(r.Playbook.Digest))
	}
	if r.PlanDigest != "" {
		p.line("  plan      %s", r.PlanDigest)
	}
	if x := r.Watched; x.Rounds > 0 {
		p.line("  watched   %s, last at %s; %s", count(x.Rounds, "round"), clock(x.LastAt), count(x.Regressions, "regression"))
	}
}

// progress says how far the incident has come, and whether it is held there.
func progress(r *incident.Record) string {
	if r.Paused && r.Progress != incident.Closed {
		return string(r.Progress) + ", PAUSED"
	}
	return string(r.Progress)
}

// paint is bold green for contained, bold yellow with gaps, bold red otherwise.
func paint(v incident.Verdict) string {
	switch v {
	case incident.Contained, incident.FalsePositive:
		return "\x1b[1;32m"
	case incident.ContainedWithGaps:
		return "\x1b[1;33m"
	case incident.NotContained:
	}
	return "\x1b[1;31m"
}

func alerts(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", 1 alert"
	}
	return fmt.Sprintf(", %d alerts", n)
}

func (p *page) gaps(r *incident.Record) {
	if len(r.Gaps) == 0 {
		return
	}
	p.line("\nGAPS")
	for _, g := range r.Gaps {
		p.line("  - %s", g)
	}
}

func (p *page) radius(r *incident.Record) {
	x := &r.Radius
	rows := []struct {
		name string
		ids  []string
	}{
		{"datasets", x.DatasetVersions}, {"checkpoints", x.Checkpoints}, {"models", x.Models}, {"endpoints", x.Endpoints},
		{"writers", x.Writers}, {"callers", x.Callers}, {"unknown lineage", x.Unknown},
	}
	head := false
	for _, row := range rows {
		if len(row.ids) == 0 {
			continue
		}
		if !head {
			p.line("\nBLAST RADIUS%s", regimes(x))
			head = true
		}
		p.line("  %-16s%s", row.name, strings.Join(row.ids, ", "))
	}
}

func regimes(x *incident.Radius) string {
	var words []string
	if x.PersonalData {
		words = append(words, "personal data")
	}
	if x.HighRisk {
		words = append(words, "high-risk system")
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}

func (p *page) steps(r *incident.Record) {
	if len(r.Steps) == 0 {
		return
	}
	p.line("\nSTEPS")
	// Trailing blanks of short last cells are cut off below.
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  PHASE\tSTEP\tACTION\tTARGET\tSTATUS\tVERIFIED\tTOOK\tWHY")
	for i := range r.Steps {
		s := &r.Steps[i]
		cells := []string{s.Phase, s.ID, s.Action, cmp.Or(s.Target, "-"), string(s.Status), yes(s.Verified), took(s.StartedAt, s.EndedAt), why(s)}
		for j := range cells {
			cells[j] = plain(cells[j])
		}
		fmt.Fprintln(t, "  "+strings.Join(cells, "\t"))
	}
	// A strings.Builder takes every write.
	_ = t.Flush()
	for row := range strings.Lines(table.String()) {
		p.WriteString(strings.TrimRight(row, " \n") + "\n")
	}
}

// why is the step's reason; for a step that was proved, how.
func why(s *incident.Step) string {
	text := cmp.Or(s.HowFar, s.Reason)
	if text == "" && s.Receipt != nil && s.Receipt.Proof != nil {
		text = s.Receipt.Proof.Method
	}
	if s.Attempts > 1 {
		text = strings.TrimSpace(fmt.Sprintf("%s (attempt %d)", text, s.Attempts))
	}
	return text
}

func (p *page) outcome(r *incident.Record) {
	if r.Evidence.Objects > 0 || r.Evidence.Manifest != "" {
		p.line("\nEVIDENCE\n  %s locked object versions, manifest %s", fmt.Sprint(r.Evidence.Objects), cmp.Or(r.Evidence.Manifest, "not sealed yet"))
	}
	if r.Legal.TS != "" {
		p.line("\nLEGAL\n  told %s at %s", r.Legal.Where(), clock(r.Legal.ToldAt))
		if r.Legal.AcknowledgedBy != "" {
			p.line("  acknowledged by %s at %s", r.Legal.AcknowledgedBy, clock(r.Legal.AcknowledgedAt))
		} else if r.Progress != incident.Closed {
			p.line("  not acknowledged yet: %s", commandLine("trigger", "acknowledge", r.ID, "--as", "PERSON"))
		}
	} else if r.Radius.PersonalData {
		p.line("\nLEGAL\n  not told yet")
	}
}

func (p *page) timeline(r *incident.Record) {
	if len(r.Timeline) == 0 {
		return
	}
	p.line("\nTIMELINE")
	for _, e := range r.Timeline {
		where := e.Step
		if e.Target != "" {
			where += " " + e.Target
		}
		if where != "" {
			where += ": "
		}
		p.line("  %s  %s%s", clock(e.At), where, e.What)
	}
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

func took(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return "-"
	}
	d := to.Sub(from)
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// short is a digest as people compare it by eye.
func short(digest string) string {
	algorithm, hex, ok := strings.Cut(digest, ":")
	if !ok || len(hex) <= 12 {
		return digest
	}
	return algorithm + ":" + hex[:12] + "…"
}
