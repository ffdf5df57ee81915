package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/legal"
)

// tasks shows what people have to do, with the commands that report it, and what they have reported.
func (p *page) tasks(r *incident.Record, now time.Time) {
	for i := range r.Tasks {
		t := &r.Tasks[i]
		if t.Status != incident.TaskOpen && t.Status != incident.TaskOverdue {
			continue
		}
		p.line("\nTASK  %s", titled(t.Step, t.Title))
		p.line("  for       %s; due %s, %s", strings.Join(t.Reporters(), " and "), clock(t.DueAt), left(t.DueAt, now))
		for _, report := range t.Reports {
			p.line("  says      %s (%s): %s at %s", report.Person, report.Role, report.Outcome, clock(report.At))
		}
		mark := "do"
		for line := range strings.Lines(t.Instructions) {
			if line = strings.TrimSpace(line); line != "" {
				p.line("  %-10s%s", mark, line)
				mark = ""
			}
		}
		mark = "report"
		for _, o := range t.Outcomes {
			p.line("  %-10s%s", mark, commandLine("trigger", "task", r.ID, t.Step, o, "--as", "PERSON"))
			mark = ""
		}
	}
	head := "\nTASKS REPORTED\n"
	for i := range r.Tasks {
		t := &r.Tasks[i]
		if t.Status == incident.TaskDone || t.Status == incident.TaskSkipped {
			p.WriteString(head)
			head = ""
			p.line("  %s  %s", t.Step, reported(t))
		}
	}
}

func titled(step, title string) string {
	if title == "" {
		return step
	}
	return step + ": " + title
}

func reported(t *incident.Task) string {
	if t.Status == incident.TaskSkipped {
		return "skipped: " + t.Reason
	}
	text := fmt.Sprintf("%s, by %s at %s", t.Outcome, t.By, clock(t.DoneAt))
	if t.Comment != "" {
		text += fmt.Sprintf(", saying %q", t.Comment)
	}
	return text
}

// waits shows what the playbook waits for, with the command that ends it.
func (p *page) waits(r *incident.Record, now time.Time) {
	for _, w := range r.Waits {
		if !w.EndedAt.IsZero() || w.EndedBy != "" {
			continue
		}
		p.line("\nWAITING  %s", titled(w.Step, w.Title))
		p.line("  until     %s, %s", clock(w.Until), left(w.Until, now))
		p.line("  end it    %s", commandLine("trigger", "end-wait", r.ID, w.Step, "--as", "PERSON", "--reason", "WHY"))
	}
}

// children shows the incidents that this one's playbook runs.
func (p *page) children(r *incident.Record) {
	if len(r.Children) > 0 {
		p.line("\nCHILDREN")
	}
	for _, c := range r.Children {
		p.line("  %s  %s: %s", c.Step, c.ID, cmp.Or(prefixedError(c.Error), string(c.Verdict), "open"))
	}
}

func prefixedError(text string) string {
	if text == "" {
		return ""
	}
	return "error: " + text
}

// clocks shows the duties to notify: what is left of each, and which instants people have yet to find or to confirm.
func (p *page) clocks(r *incident.Record, now time.Time) {
	if len(r.Clocks) == 0 {
		return
	}
	p.line("\nLEGAL CLOCKS")
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  REGIME\tLEFT\tDUE\tSTATUS\tOWNER\tWHAT")
	wanted := map[string]bool{}
	for i := range r.Clocks {
		c := &r.Clocks[i]
		cells := []string{c.Regime, clockLeft(c, now), clock(c.Due), clockStatus(c), cmp.Or(c.Owner, "-"), clockText(c)}
		for j := range cells {
			cells[j] = plain(cells[j])
		}
		fmt.Fprintln(t, "  "+strings.Join(cells, "\t"))
		wanted[c.Anchor] = wanted[c.Anchor] || (c.AnchorMissing || c.Provisional) && clockOpen(c)
	}
	// A strings.Builder takes every write.
	_ = t.Flush()
	for row := range strings.Lines(table.String()) {
		p.WriteString(strings.TrimRight(row, " \n") + "\n")
	}
	for _, a := range anchors() {
		if wanted[a] {
			p.line("  find      %s", commandLine("trigger", "clock", "set-anchor", r.ID, a, "TIME", "--as", "PERSON", "--reason", "WHY"))
		}
	}
}

func clockOpen(c *incident.Clock) bool {
	return c.Status != string(legal.Filed) && c.Status != string(legal.Dismissed)
}

// clockLeft is what is left of a clock in hours, as people count legal deadlines.
func clockLeft(c *incident.Clock, now time.Time) string {
	switch {
	case !clockOpen(c):
		return "-"
	case c.AnchorMissing && c.Due.IsZero():
		return "anchor missing: " + c.Anchor
	case c.Due.IsZero():
		return "no deadline"
	}
	if hours := c.Due.Sub(now).Hours(); hours < 0 {
		return fmt.Sprintf("OVERDUE by %.1f h", -hours)
	}
	return fmt.Sprintf("%.1f h", c.Due.Sub(now).Hours())
}

func clockStatus(c *incident.Clock) string {
	text := c.Status
	if c.Provisional {
		text += ", provisional"
	}
	if c.NeedsCounsel && clockOpen(c) {
		text += ", needs counsel"
	}
	if c.Reference != "" {
		text += " as " + c.Reference
	}
	return text
}

func clockText(c *incident.Clock) string {
	text := c.Title
	if c.Recipient != "" {
		text += ", to " + c.Recipient
	}
	if c.Note != "" {
		text += " (" + c.Note + ")"
	}
	return text
}

// left is the time until an instant, or since it.
func left(until, now time.Time) string {
	d := until.Sub(now)
	if d < 0 {
		return "OVERDUE by " + coarse(-d)
	}
	return coarse(d) + " left"
}

// coarse is a duration to the minute, or to the second below one.
func coarse(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}
