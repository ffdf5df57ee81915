package notify

import (
	"context"

	"github.com/slack-go/slack"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/slackui"
	"firebreak/playbooks"
)

// Remind reminds legal by the way that it was told, or by the other one.
func (l *Legal) Remind(ctx context.Context, r *playbooks.Reminder) (*incident.Effect, error) {
	if r == nil || r.ID == "" || r.Channel == "" || len(r.Lines) == 0 {
		return nil, failure.New(failure.Invalid, "a reminder needs an id, a channel and a text")
	}
	to := route{email: r.Email, exposed: r.Exposed}
	if mailRef.MatchString(r.ThreadTS) {
		to.answers = r.ThreadTS
	}
	return l.ways.tell(ctx, to,
		func(ctx context.Context) (*incident.Effect, error) { return l.postReminder(ctx, r) },
		func(ctx context.Context, why string) (*incident.Effect, error) { return l.mailReminder(ctx, r, why) })
}

// postReminder posts in the thread of the brief, once under the reminder's id. Without a brief, or if it was deleted, the
// reminder goes to the channel itself: legal reminded in the wrong place is better than legal not reminded.
func (l *Legal) postReminder(ctx context.Context, r *playbooks.Reminder) (*incident.Effect, error) {
	id, err := l.channels.id(ctx, l.api, r.Channel)
	if err != nil {
		return nil, err
	}
	m := newReminder(r)
	of := key{r.ID, r.IncidentID}
	state := posted{ChannelID: id, Digest: m.digest()}
	mine := func(found *slack.Message) bool { return carries(found, reminderEvent, of) }
	thread := r.ThreadTS
	if mailRef.MatchString(thread) {
		thread = ""
	}
	if thread != "" {
		var gone bool
		if state.TS, gone, err = l.inThread(ctx, r.Channel, posted{ChannelID: id, TS: thread}, mine); err != nil {
			return nil, err
		}
		if gone {
			thread = ""
		}
	}
	if thread == "" {
		if state.TS, err = l.find(ctx, r.Since, r.Channel, id, mine); err != nil {
			return nil, err
		}
	}
	if state.TS != "" {
		return effect("legal was reminded in "+r.Channel+" before", false, r.Channel, state)
	}
	if state.TS, err = l.post(ctx, of, r.Channel, id, m, thread); err != nil {
		return nil, err
	}
	return effect("legal reminded in "+r.Channel, true, r.Channel, state)
}

// newReminder builds a reminder. It is pure. People are called by their Slack ids alone, which are checked: nothing else in
// a message of ours can mention anybody.
func newReminder(r *playbooks.Reminder) message {
	title := "Legal clock"
	if r.Mode == incident.Drill {
		title = "DRILL - " + title
	}
	body := make([]string, 0, len(r.Lines))
	for _, line := range r.Lines {
		body = append(body, plain(line, mostBody))
	}
	blocks := []slack.Block{slack.NewHeaderBlock(plainText(title))}
	if r.Mode == incident.Drill {
		blocks = append(blocks, heading("This is a drill. No duty arises from it."))
	}
	blocks = append(blocks, bodyBlock(body, 2*mostBody))
	if who := slackui.Mentions(r.Mention); who != "" {
		blocks = append(blocks, slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, who, false, true), nil, nil))
	}
	blocks = append(blocks, slack.NewContextBlock("", plainText(plain("Facts only, not legal advice. "+r.IncidentID, mostLine))))
	return message{event: reminderEvent, text: fallback(title+": "+body[0], r.IncidentID), blocks: blocks}
}
