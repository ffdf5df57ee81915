package slackui

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"firebreak/internal/incident"
)

// ApprovalRequest asks for an approval: what it unlocks of which plan, by whom, until when. It shows the decisions given so
// far.
func ApprovalRequest(rec *incident.Record, a *incident.Approval, o Options) Message {
	ref := RefOf(rec)
	ref.Step, ref.Plan = a.Step, a.PlanDigest
	approve := button(ActionApprove, "Approve", ref)
	if approve != nil {
		approve.WithStyle(slack.StylePrimary).WithConfirm(slack.NewConfirmationBlockObject(
			plainText(Plain(marked(rec.Mode, "Approve "+a.Step+"?"), 100)),
			plainText(Plain("On plan "+short(a.PlanDigest)+": "+a.Title, maxLine)),
			plainText("Approve"), plainText("Not yet")))
	}
	deny := button(ActionDeny, "Deny", ref)
	if deny != nil {
		deny.WithStyle(slack.StyleDanger)
	}
	buttons := row(approve, deny, linkButton(o.Link))
	if approve == nil || deny == nil {
		buttons = append(buttons, small("The ids are too long for buttons: decide with 'trigger approve' or 'trigger deny'."))
	}
	blocks := fitting(func(most int) []slack.Block {
		out := []slack.Block{header(rec.Mode, "Approval needed: "+a.Title)}
		out = append(out, call(o.Mention)...)
		out = append(out, approvalFacts(a, most)...)
		out = append(out, buttons...)
		return append(out, small(rec.ID+". Whoever started the incident does not count; silence never approves."))
	})
	return Message{Text: fallback(rec.Mode, "Approval needed: "+a.Title+" ("+rec.ID+", "+a.Step+")"), Blocks: blocks}
}

// ApprovalDecided replaces a request that has ended.
func ApprovalDecided(rec *incident.Record, a *incident.Approval) Message {
	title := "Approval " + words(a.Status) + ": " + a.Title
	outcome := a.Outcome()
	if a.Reason != "" && a.Status != incident.ApprovalNotAsked {
		outcome += ": " + a.Reason
	}
	blocks := fitting(func(most int) []slack.Block {
		out := []slack.Block{header(rec.Mode, title), paragraph([]string{"Outcome: " + Plain(words(outcome), most)}, most+20)}
		out = append(out, approvalFacts(a, most)...)
		return append(out, small(rec.ID+", decided "+instant(a.DecidedAt)))
	})
	return Message{Text: fallback(rec.Mode, title+" ("+rec.ID+", "+a.Step+")"), Blocks: blocks}
}

func approvalFacts(a *incident.Approval, most int) []slack.Block {
	lines := []string{
		"Step: " + Plain(a.Step, maxField),
		fmt.Sprintf("Needs: %d of %s; has %d", a.Quorum, Plain(strings.Join(a.Roles, ", "), maxField), a.Granted()),
		"Expires: " + instant(a.ExpiresAt),
		"Plan: " + Plain(orElse(a.PlanDigest, "unknown"), 80),
	}
	blocks := []slack.Block{paragraph(lines, maxText), heading("What it unlocks"), paragraph(list(a.Unlocks, "- nothing"), most)}
	if len(a.Decisions) > 0 {
		blocks = append(blocks, heading("Decisions"), paragraph(list(decisions(a), ""), most))
	}
	return blocks
}

func decisions(a *incident.Approval) []string {
	out := make([]string, 0, len(a.Decisions))
	for i := range a.Decisions {
		d := &a.Decisions[i]
		word := "denied"
		if d.Approve {
			word = "approved"
		}
		text := fmt.Sprintf("%s by %s (%s) at %s", word, Plain(d.Person, 80), orElse(d.Role, "no role"), instant(d.At))
		if !d.Counted {
			text = "does not count: " + text
		}
		if d.Reason != "" {
			text += ": " + d.Reason
		}
		if d.Comment != "" {
			text += ", saying: " + d.Comment
		}
		out = append(out, text)
	}
	return out
}
