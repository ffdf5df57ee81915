package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/slackui"
	"firebreak/workflows"
)

// slackFormTime is how long the record may take that a form wants to show: the rest of the three seconds is for Slack.
const slackFormTime = 1200 * time.Millisecond

// action answers a click.
func (c *cockpit) action(d *slackDelivery) slackReply {
	who := c.who(d)
	a := d.interaction.Actions[0]
	switch kind := slackui.ActionKind(a.ActionID); kind {
	case slackui.ActionPage:
		// A link: the browser has opened it already.
		return slackReply{}
	case slackui.ActionDeclare:
		return c.do(d, who, c.declareWork(d, who, nil, incident.Live))
	case slackui.ActionStatus, slackui.ActionApprove, slackui.ActionDeny, slackui.ActionTask, slackui.ActionAcknowledge, slackui.ActionVerb:
		ref, err := slackui.ParseRef(a.value())
		if err != nil {
			c.log.Warn("slack click refused", "slack_user", who.slackID, "action", kind, "error", err)
			return c.do(d, who, c.only(who, "Refused: this button does not carry what firebreak put into it. Nothing was done."))
		}
		return c.do(d, who, c.clicked(d, who, kind, ref))
	}
	// Choices within a modal are reported too; they count when it is submitted.
	return slackReply{}
}

// only says something and does nothing.
func (c *cockpit) only(who caller, text string) slackWork {
	return func(context.Context) (slackTell, bool) { return c.say(who, text), true }
}

// clicked is what a button of an incident does.
func (c *cockpit) clicked(d *slackDelivery, who caller, kind string, ref slackui.Ref) slackWork {
	return func(ctx context.Context) (slackTell, bool) {
		switch kind {
		case slackui.ActionStatus:
			return c.statusWork(who, ref.Incident)(ctx)
		case slackui.ActionApprove:
			return c.decide(ctx, who, ref, true, "")
		case slackui.ActionDeny:
			if !who.known {
				return c.decide(ctx, who, ref, false, "")
			}
			return c.form(ctx, d, who, slackui.VerbDeny, ref)
		case slackui.ActionTask:
			return c.steer(ctx, who, ref, workflows.CompleteTaskUpdate, workflows.Steer{Step: ref.Step, Outcome: ref.Outcome})
		case slackui.ActionAcknowledge:
			return c.steer(ctx, who, ref, workflows.AcknowledgeBriefUpdate, workflows.Steer{})
		}
		if !who.known {
			return c.ask(ctx, who, slackui.Reasoned{Verb: ref.Verb, Ref: ref, Step: ref.Step})
		}
		return c.form(ctx, d, who, ref.Verb, ref)
	}
}

// decide sends a decision on an approval.
func (c *cockpit) decide(ctx context.Context, who caller, ref slackui.Ref, approve bool, comment string) (slackTell, bool) {
	verb := "deny"
	if approve {
		verb = "approve"
	}
	hint := []string{"trigger", verb, ref.Incident, ref.Step, "--as", who.person}
	if ref.Plan != "" {
		hint = append(hint, "--plan", ref.Plan)
	}
	return c.send(ctx, who, ref, verb+" "+ref.Step, commandLine(hint...), func(ctx context.Context, person string) (workflows.DecisionOutcome, error) {
		return c.op.decide(ctx, ref.Incident, workflows.DecideApproval{
			Step: cmp.Or(ref.Step, "-"), Person: person, Approve: approve, PlanDigest: ref.Plan, Comment: comment, Via: workflows.ViaSlack,
		})
	})
}

// steer sends one of the updates that steer an incident.
func (c *cockpit) steer(ctx context.Context, who caller, ref slackui.Ref, update string, s workflows.Steer) (slackTell, bool) {
	what := strings.TrimSpace(strings.ReplaceAll(update, "-", " ") + " " + s.Step)
	return c.send(ctx, who, ref, what, commandLine("trigger", "--help"), func(ctx context.Context, person string) (workflows.DecisionOutcome, error) {
		s.Person, s.Via = person, workflows.ViaSlack
		return c.op.steer(ctx, ref.Incident, update, s)
	})
}

// finish closes an incident.
func (c *cockpit) finish(ctx context.Context, who caller, ref slackui.Ref, falsePositive, handOver bool, reason string) (slackTell, bool) {
	hint := []string{"trigger", "close", ref.Incident, "--as", who.person, "--reason", "WHY"}
	if falsePositive {
		hint = append(hint, "--false-positive")
	}
	return c.send(ctx, who, ref, "close", commandLine(hint...), func(ctx context.Context, person string) (workflows.DecisionOutcome, error) {
		return c.op.finish(ctx, ref.Incident, workflows.CloseIncident{
			Person: person, FalsePositive: falsePositive, HandOverClocks: handOver, Reason: reason, Via: workflows.ViaSlack,
		})
	})
}

// send hands a decision to the incident and tells the person what came of it. Whoever may not decide is sent too, under a
// name that is nobody's: the incident refuses it and keeps the trace. Only what the incident cannot keep is refused here.
func (c *cockpit) send(ctx context.Context, who caller, ref slackui.Ref, what, hint string,
	update func(context.Context, string) (workflows.DecisionOutcome, error)) (slackTell, bool) {
	log := c.log.With("incident_id", ref.Incident, "what", what, "person", who.person, "slack_user", who.slackID)
	rec, err := c.op.record(ctx, ref.Incident, "")
	if err != nil {
		log.Warn("slack decision not sent", "error", err)
		return c.failed(who, ref.Incident, err, hint), errors.Is(err, errNone)
	}
	person, doubt := who.person, who.doubt
	if wrong := cmp.Or(who.elsewhere, earlier(ref, rec)); wrong != "" {
		// No id has blanks in it: under this name the incident knows nobody.
		person, doubt = person+" ("+wrong+")", wrong
	}
	if doubt != "" && rec.PlanDigest == "" {
		// Before there is a plan an incident does not know its people yet.
		log.Warn("slack decision refused", "error", doubt)
		return c.say(who, "Refused: "+doubt+". Nothing was done."), true
	}
	outcome, err := update(ctx, person)
	switch {
	case err != nil:
		log.Warn("slack decision not confirmed", "error", err)
		return c.failed(who, ref.Incident, err, hint), errors.Is(err, errNone)
	case !outcome.Accepted:
		log.Warn("slack decision refused", "error", outcome.Message)
		reason := outcome.Message
		if doubt != "" {
			reason = doubt + " (recorded as: " + outcome.Message + ")"
		}
		return c.say(who, fmt.Sprintf("Refused: %s: %s", what, reason)), true
	}
	log.Info("slack decision recorded", "outcome", outcome.Message)
	return c.say(who, fmt.Sprintf("Recorded for %s: %s: %s", person, what, outcome.Message)), true
}

// earlier says so if the button is of an incident that was closed before this one opened: most of what a plan's digest covers
// is the same in both, so that it alone does not tell them apart.
func earlier(ref slackui.Ref, rec *incident.Record) string {
	if ref.Of(rec) {
		return ""
	}
	return "the button is of an earlier incident of the same asset"
}

// stranger refuses to show something to somebody who is not in the inventory.
func (c *cockpit) stranger(who caller, what string) slackTell {
	c.log.Warn("slack request refused", "what", what, "slack_user", who.slackID, "error", who.doubt)
	return c.say(who, "Refused: "+who.doubt+". Ask the owner of firebreak's inventory to add you.")
}

// failed says what went wrong in words that hold nothing of the error's: it can name addresses. The log has it.
func (c *cockpit) failed(who caller, id string, err error, hint string) slackTell {
	if errors.Is(err, errNone) {
		return c.say(who, "There is no open incident "+id+". /incident list shows those that are open. Nothing was done.")
	}
	c.log.Warn("temporal did not answer a person in slack", "incident_id", id, "slack_user", who.slackID, "error", err)
	return c.say(who, "Temporal did not answer in time, so this does not count as done: it may or may not be recorded. "+
		"Look at /incident status before trying again. While Slack or Temporal stays away, use the command line where Temporal can be reached:\n"+hint)
}

// form opens the form for a reason. If the record takes too long the form comes without it: Slack does not wait.
func (c *cockpit) form(ctx context.Context, d *slackDelivery, who caller, verb slackui.Verb, ref slackui.Ref) (slackTell, bool) {
	quick, cancel := context.WithTimeout(ctx, slackFormTime)
	defer cancel()
	rec, err := c.op.record(quick, ref.Incident, "")
	if errors.Is(err, errNone) {
		return c.failed(who, ref.Incident, err, ""), true
	}
	if err != nil {
		c.log.Warn("a form is shown without the incident's record", "incident_id", ref.Incident, "error", err)
		rec = nil
	}
	return c.openReason(ctx, d, who, verb, ref, rec)
}

// openReason opens a form for the person who asked, and remembers in it where to answer.
func (c *cockpit) openReason(ctx context.Context, d *slackDelivery, who caller, verb slackui.Verb, ref slackui.Ref, rec *incident.Record) (slackTell, bool) {
	ref.Channel, ref.Thread = who.place.channel, who.place.thread
	view, err := slackui.ReasonModal(verb, ref, rec)
	if err != nil {
		c.log.Warn("a form could not be built", "incident_id", ref.Incident, "what", string(verb), "error", err)
		return c.say(who, "This form cannot be shown in Slack. Use the command line: trigger --help"), true
	}
	return c.openView(ctx, d, who, view)
}

// tooLate is what somebody is told whose form could not be opened.
const tooLate = "Slack did not take the form in time. Nothing was done: please try again, or use the command line (trigger --help)."
