package notify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"firebreak/internal/slackui"
	"firebreak/playbooks"
)

// catchUp reads what was posted in the thread after what the state knows of: the messages of an attempt whose answer was
// lost. Of two that say the same, the later is marked as a duplicate.
func (w *threadWork) catchUp(ctx context.Context) (gone bool, err error) {
	found, gone, err := w.replies(ctx)
	if gone || err != nil {
		return gone, err
	}
	for i := range found {
		duplicate := false
		switch m := &found[i]; m.Metadata.EventType {
		case threadEventsEvent:
			duplicate = w.countEvents(m)
		case threadAskEvent:
			duplicate = w.countAsk(m)
		}
		w.state.Last = max(w.state.Last, found[i].Timestamp)
		if !duplicate {
			continue
		}
		of := key{operationOf(&found[i]), w.Record.ID}
		// If it cannot be edited it was deleted, which does as well.
		if _, err = w.edit(ctx, of, shown(threadDuplicateEvent, slackui.Duplicate(&w.Record)), found[i].Timestamp); err != nil {
			return false, err
		}
	}
	return false, nil
}

// countEvents takes a message of events into account. It reports whether the events are shown already.
func (w *threadWork) countEvents(m *slack.Message) (duplicate bool) {
	first, next, ok := eventsRange(operationOf(m), w.id())
	// Events before those that the input brings are no business of this update.
	if !ok || first < w.Thread.Shown {
		return false
	}
	// After a gap, which nothing should leave, the missing events and those after it are posted again.
	if first == w.state.Shown {
		w.state.Shown = next
		return false
	}
	return first < w.state.Shown
}

// countAsk takes a message that asks for something into account. It reports whether it is asked already.
func (w *threadWork) countAsk(m *slack.Message) (duplicate bool) {
	id := operationOf(m)
	if !strings.HasPrefix(id, w.id()+"/") {
		return false
	}
	if i := w.asked(id); i >= 0 {
		return w.state.Asked[i].TS != m.Timestamp
	}
	w.state.Asked = append(w.state.Asked, playbooks.ThreadMessage{ID: id, TS: m.Timestamp, Digest: digestOf(m)})
	return false
}

// replies returns the messages of the thread after the last one that is known, oldest first.
func (w *threadWork) replies(ctx context.Context) (found []slack.Message, gone bool, err error) {
	query := &slack.GetConversationRepliesParameters{
		ChannelID: w.state.ChannelID, Timestamp: w.state.TS, Oldest: w.state.Last, Limit: historyLimit, IncludeAllMetadata: true,
	}
	for range historyPages {
		page, more, next, err := w.workspace.api.GetConversationRepliesContext(ctx, query)
		if refusedWith(err, "thread_not_found", "message_not_found", "channel_not_found") {
			w.workspace.channels.forget(w.state.Channel)
			return nil, true, nil
		}
		if err != nil {
			return nil, false, explain(ctx, "read thread in "+w.state.Channel, err)
		}
		for i := range page {
			// Of a deleted root that has replies Slack keeps a tombstone.
			if page[i].Timestamp == w.state.TS && page[i].SubType == "tombstone" {
				return nil, true, nil
			}
			// The root comes with every page, whatever was asked for.
			if page[i].Timestamp != w.state.TS && page[i].Timestamp > w.state.Last {
				found = append(found, page[i])
			}
		}
		if query.Cursor = next; !more || next == "" {
			break
		}
	}
	slices.SortStableFunc(found, func(a, b slack.Message) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	return found, false, nil
}

func operationOf(m *slack.Message) string {
	id, _ := m.Metadata.EventPayload["operation"].(string)
	return id
}

func digestOf(m *slack.Message) string {
	sum, _ := m.Metadata.EventPayload["digest"].(string)
	return sum
}

// eventsID names the events from the first up to, but without, the next.
func eventsID(thread string, first, next int) string {
	return fmt.Sprintf("%s/events/%d-%d", thread, first, next)
}

func eventsRange(id, thread string) (first, next int, ok bool) {
	numbers, ok := strings.CutPrefix(id, thread+"/events/")
	if !ok {
		return 0, 0, false
	}
	n, err := fmt.Sscanf(numbers, "%d-%d", &first, &next)
	return first, next, err == nil && n == 2 && eventsID(thread, first, next) == id && 0 <= first && first < next
}
