package notify

import (
	"context"
	"errors"

	"github.com/slack-go/slack"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Undo withdraws the brief by the way that legal was told, or by mail if that way is Slack and it cannot be used any more. A
// message is never deleted.
func (l *Legal) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	to, err := stakeholder(op)
	if err != nil {
		return nil, err
	}
	if was, ok := toldByMail(op); ok {
		if l.ways.mail == nil {
			return nil, errors.New("withdraw the brief: legal was told by e-mail, and the worker has no mail server: set SMTP_ADDRESS")
		}
		return l.mailWithdrawal(ctx, op, to.Channel, "the brief was sent by e-mail", was.Mail.MessageID)
	}
	return l.ways.tell(ctx, routeOf(op),
		func(ctx context.Context) (*incident.Effect, error) { return l.postWithdrawal(ctx, op, to) },
		func(ctx context.Context, why string) (*incident.Effect, error) {
			return l.mailWithdrawal(ctx, op, to.Channel, why, "")
		})
}

// postWithdrawal posts in the thread of the brief, once. A brief that was deleted is withdrawn in the channel: people may have
// read it.
func (l *Legal) postWithdrawal(ctx context.Context, op *playbooks.Operation, to *inventory.Stakeholder) (*incident.Effect, error) {
	var err error
	was, ok := told(op)
	if !ok {
		// Do may have posted and been killed before it could say so.
		if was.ChannelID, err = l.channels.id(ctx, l.api, to.Channel); err != nil {
			return nil, err
		}
		was.TS, err = l.find(ctx, firstSignal(op), to.Channel, was.ChannelID, func(m *slack.Message) bool { return carries(m, briefEvent, keyOf(op)) })
		if err != nil {
			return nil, err
		}
		if was.TS == "" {
			return effect("legal was never told in "+to.Channel+", so there is nothing to withdraw", false, to.Channel, was)
		}
	}
	withdrawal := newWithdrawal(op)
	state := posted{ChannelID: was.ChannelID, Digest: withdrawal.digest()}
	thread := was.TS
	var gone bool
	mine := func(m *slack.Message) bool { return carries(m, withdrawalEvent, keyOf(op)) }
	if state.TS, gone, err = l.inThread(ctx, to.Channel, was, mine); err != nil {
		return nil, err
	}
	if gone {
		thread = ""
		state.TS, err = l.find(ctx, firstSignal(op), to.Channel, was.ChannelID, mine)
		if err != nil {
			return nil, err
		}
	}
	if state.TS != "" {
		return effect("the brief in "+to.Channel+" was withdrawn before", false, to.Channel, state)
	}
	if state.TS, err = l.post(ctx, keyOf(op), to.Channel, was.ChannelID, withdrawal, thread); err != nil {
		return nil, err
	}
	return effect("the brief in "+to.Channel+" is withdrawn", true, to.Channel, state)
}

// inThread returns the timestamp of the matching message in the brief's thread, or "". Gone is true if the brief was deleted.
func (l *Legal) inThread(ctx context.Context, channel string, was posted, match func(*slack.Message) bool) (ts string, gone bool, err error) {
	query := &slack.GetConversationRepliesParameters{ChannelID: was.ChannelID, Timestamp: was.TS, Limit: historyLimit, IncludeAllMetadata: true}
	for range historyPages {
		replies, more, next, err := l.api.GetConversationRepliesContext(ctx, query)
		if refusedWith(err, "thread_not_found", "message_not_found") {
			return "", true, nil
		}
		if err != nil {
			return "", false, explain(ctx, "read thread in "+channel, err)
		}
		for i := range replies {
			if match(&replies[i]) {
				return replies[i].Timestamp, false, nil
			}
		}
		if query.Cursor = next; !more || next == "" {
			break
		}
	}
	return "", false, nil
}
