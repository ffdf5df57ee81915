package notify

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/slack-go/slack"
)

// Types of the metadata by which the messages of a thread are found again.
const (
	threadEvent          = "firebreak_thread"
	threadEventsEvent    = "firebreak_thread_events"
	threadAskEvent       = "firebreak_thread_ask"
	threadDuplicateEvent = "firebreak_thread_duplicate"
)

// post posts in the incident's thread, or a root if the thread is "".
func (w *threadWork) post(ctx context.Context, of key, m message, thread string) (string, error) {
	if err := w.pace.wait(ctx, w.state.ChannelID); err != nil {
		return "", err
	}
	return w.workspace.post(ctx, of, w.state.Channel, w.state.ChannelID, m, thread)
}

// edit replaces what a message shows. Lost means that it is not there any more, or that the workspace lets nobody edit it.
func (w *threadWork) edit(ctx context.Context, of key, m message, ts string) (lost bool, err error) {
	_, _, _, err = w.api.UpdateMessageContext(ctx, w.state.ChannelID, ts, m.options(of)...)
	switch {
	case err == nil:
		return false, nil
	case refusedWith(err, "message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"):
		return true, nil
	}
	return false, explain(ctx, "update message in "+w.state.Channel, err)
}

// threadGone tells apart a thread that was deleted while it was posted to.
func threadGone(err error) (bool, error) {
	var refused slack.SlackErrorResponse
	if errors.As(err, &refused) && (refused.Err == "thread_not_found" || refused.Err == "message_not_found") {
		return true, nil
	}
	return false, err
}

// pace spreads the messages of one channel over time, since Slack limits them by channel.
type pace struct {
	every time.Duration
	mu    sync.Mutex
	next  map[string]time.Time
}

func newPace(every time.Duration) *pace {
	return &pace{every: every, next: map[string]time.Time{}}
}

// wait returns when the next message may be posted in the channel.
func (p *pace) wait(ctx context.Context, channel string) error {
	p.mu.Lock()
	now := time.Now()
	at := p.next[channel]
	if at.Before(now) {
		at = now
	}
	p.next[channel] = at.Add(p.every)
	p.mu.Unlock()
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
