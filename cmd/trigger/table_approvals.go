package main

import (
	"fmt"
	"strings"

	"firebreak/internal/incident"
)

// approvals shows those that wait, with the commands to type: each bears the digest of the plan that is shown here.
func (p *page) approvals(r *incident.Record) {
	for i := range r.Approvals {
		a := &r.Approvals[i]
		if a.Status != incident.ApprovalWaiting {
			continue
		}
		p.line("\nWAITING FOR APPROVAL  %s: %s", a.Step, a.Title)
		p.line("  needs     %s, has %s; until %s", fmt.Sprintf("%d of %s", a.Quorum, strings.Join(a.Roles, ", ")),
			fmt.Sprint(a.Granted()), clock(a.ExpiresAt))
		for _, u := range a.Unlocks {
			p.line("  unlocks   %s", stepLabel(r, u))
		}
		for _, d := range a.Decisions {
			p.line("  decided   %s", decision(d))
		}
		p.line("  approve   %s", commandLine("trigger", "approve", r.ID, a.Step, "--as", "PERSON", "--plan", a.PlanDigest))
		p.line("  deny      %s", commandLine("trigger", "deny", r.ID, a.Step, "--as", "PERSON", "--plan", a.PlanDigest))
	}
}

func decision(d incident.Decision) string {
	text := d.Person
	if d.Role != "" {
		text += " (" + d.Role + ")"
	}
	if d.Approve {
		text += " approved"
	} else {
		text += " denied"
	}
	if !d.Counted {
		text += ", not counted: " + d.Reason
	}
	if d.Comment != "" {
		text += fmt.Sprintf(", saying %q", d.Comment)
	}
	return text + " at " + clock(d.At)
}
