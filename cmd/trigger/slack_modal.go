package main

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/slack-go/slack"

	"firebreak/internal/slackui"
	"firebreak/workflows"
)

// trigger is the id with which a modal can be opened.
func (d *slackDelivery) trigger() string {
	if d.command != nil {
		return d.command.TriggerID
	}
	return d.interaction.TriggerID
}

// openView opens a modal for one person. Slack gives the external id back when it is submitted, so that nobody can send what
// another person was shown, also after a restart.
func (c *cockpit) openView(ctx context.Context, d *slackDelivery, who caller, view *slack.ModalViewRequest) (slackTell, bool) {
	view.ExternalID = who.slackID + "." + rand.Text()
	if err := c.answers.open(ctx, d.trigger(), *view); err != nil {
		c.log.Warn("a form was not shown", "slack_user", who.slackID, "error", err)
		return c.say(who, tooLate), true
	}
	return nil, true
}

// openedFor is the person for whom a modal was opened.
func openedFor(view *slackView) string {
	user, _, _ := strings.Cut(view.ExternalID, ".")
	return user
}

// submission answers a submitted modal: what is wrong with the fields at once, everything else in the background.
func (c *cockpit) submission(d *slackDelivery) slackReply {
	who := c.who(d)
	view := d.interaction.View
	if opened := openedFor(view); opened != who.slackID {
		who.elsewhere = "the modal was opened for somebody else"
	}
	switch view.CallbackID {
	case slackui.CallbackDeclare:
		return c.declared(d, who)
	case slackui.CallbackReason:
		return c.reasoned(d, who)
	}
	c.log.Warn("slack modal refused: it is none of firebreak's", "slack_user", who.slackID)
	return refusedHere("Refused: this form is none of firebreak's. Nothing was done.")
}

func (v *slackView) asSlack() *slack.View {
	return &slack.View{ID: v.ID, CallbackID: v.CallbackID, PrivateMetadata: v.PrivateMetadata, State: v.State}
}

// reasoned takes a form that steers an incident.
func (c *cockpit) reasoned(d *slackDelivery, who caller) slackReply {
	r, wrong, err := slackui.ParseReason(d.interaction.View.asSlack())
	if err != nil {
		c.log.Warn("slack modal refused", "slack_user", who.slackID, "error", err)
		return refusedHere("Refused: this form does not carry what firebreak put into it. Nothing was done.")
	}
	if len(wrong) > 0 {
		return slackReply{body: slack.NewErrorsViewSubmissionResponse(wrong)}
	}
	who.place.channel, who.place.thread = r.Ref.Channel, r.Ref.Thread
	return c.do(d, who, func(ctx context.Context) (slackTell, bool) { return c.ask(ctx, who, r) })
}

// ask sends what a form, or a button of a stranger, asks of an incident.
func (c *cockpit) ask(ctx context.Context, who caller, r slackui.Reasoned) (slackTell, bool) {
	s := workflows.Steer{Step: r.Step, Asset: r.Asset, Reason: r.Reason, Undo: r.Verb == slackui.VerbUndo}
	switch r.Verb {
	case slackui.VerbDeny:
		return c.decide(ctx, who, r.Ref, false, r.Reason)
	case slackui.VerbClose, slackui.VerbFalsePositive:
		return c.finish(ctx, who, r.Ref, r.Verb == slackui.VerbFalsePositive, r.HandOverClocks, r.Reason)
	case slackui.VerbSkip, slackui.VerbRetry, slackui.VerbEndWait:
		s.Target = r.Ref.Target
	}
	update := steeringUpdate(r.Verb)
	if update == "" {
		// Only a stranger comes here: a person is asked in a form which of them it is to be.
		return c.stranger(who, string(r.Verb)), true
	}
	return c.steer(ctx, who, r.Ref, update, s)
}

// steeringUpdate is the update of a verb that steers.
func steeringUpdate(v slackui.Verb) string {
	switch v {
	case slackui.VerbPause:
		return workflows.PauseIncidentUpdate
	case slackui.VerbResume:
		return workflows.ResumeIncidentUpdate
	case slackui.VerbSkip:
		return workflows.SkipStepUpdate
	case slackui.VerbRetry:
		return workflows.RetryStepUpdate
	case slackui.VerbAddTarget:
		return workflows.AddTargetUpdate
	case slackui.VerbAbort, slackui.VerbUndo:
		return workflows.AbortIncidentUpdate
	case slackui.VerbEndWait:
		return workflows.EndWaitUpdate
	case slackui.VerbDeny, slackui.VerbClose, slackui.VerbFalsePositive, slackui.VerbMore:
	}
	return ""
}

// refusedHere answers a submission about which no incident could be asked.
func refusedHere(text string) slackReply {
	view := closing(text)
	return slackReply{body: slack.NewUpdateViewSubmissionResponse(&view)}
}

// closing is a modal that only says something, in place of the one that was submitted.
func closing(text string) slack.ModalViewRequest {
	_, blocks := notice(text)
	plain := func(s string) *slack.TextBlockObject {
		return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
	}
	return slack.ModalViewRequest{Type: slack.VTModal, Title: plain("firebreak"), Close: plain("Close"), Blocks: slack.Blocks{BlockSet: blocks}}
}
