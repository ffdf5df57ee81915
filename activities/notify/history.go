package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"firebreak/playbooks"
)

// A search of the history reads at most this many pages of so many messages, newest first. Beyond that the brief is
// posted: legal told twice is better than legal not told.
const (
	historyPages = 25
	historyLimit = 200
)

// clockSkew is how far the clock of an alert's sender may be ahead of Slack's.
const clockSkew = 5 * time.Minute

// firstSignal is the time before which nothing of an operation can have been posted.
func firstSignal(op *playbooks.Operation) time.Time {
	if op.Brief == nil {
		return time.Time{}
	}
	return op.Brief.DetectedAt
}

// find returns the timestamp of the newest matching message since an instant, or "".
func (l *Legal) find(ctx context.Context, since time.Time, channel, id string, match func(*slack.Message) bool) (string, error) {
	query := &slack.GetConversationHistoryParameters{ChannelID: id, Limit: historyLimit, IncludeAllMetadata: true}
	// A first signal in the future would hide what was posted since.
	if !since.IsZero() && since.Before(time.Now()) {
		query.Oldest = fmt.Sprintf("%d.000000", max(since.Add(-clockSkew).Unix(), 0))
	}
	for range historyPages {
		page, err := l.history(ctx, channel, query)
		if err != nil {
			return "", err
		}
		for i := range page.Messages {
			if match(&page.Messages[i]) {
				return page.Messages[i].Timestamp, nil
			}
		}
		if query.Cursor = page.ResponseMetaData.NextCursor; !page.HasMore || query.Cursor == "" {
			break
		}
	}
	return "", nil
}

func (l *Legal) history(ctx context.Context, channel string, query *slack.GetConversationHistoryParameters) (*slack.GetConversationHistoryResponse, error) {
	what := "read history of " + channel
	page, err := l.api.GetConversationHistoryContext(ctx, query)
	if err != nil {
		if refusedWith(err, "channel_not_found") {
			l.channels.forget(channel)
		}
		return nil, explain(ctx, what, err)
	}
	// An answer that is neither ok nor an error is not Slack's; taken for an empty history it would make us post again.
	if !page.Ok {
		return nil, errors.New(what + ": the answer is not one of slack's")
	}
	return page, nil
}

// post returns the timestamp of the new message. A thread of "" is the channel itself.
func (l *Legal) post(ctx context.Context, of key, channel, id string, m message, thread string) (string, error) {
	what := "post to " + channel
	options := m.options(of)
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	_, ts, err := l.api.PostMessageContext(ctx, id, options...)
	if err != nil {
		if refusedWith(err, "channel_not_found") {
			l.channels.forget(channel)
		}
		return "", explain(ctx, what, err)
	}
	if ts == "" {
		return "", errors.New(what + ": the answer has no timestamp")
	}
	return ts, nil
}
