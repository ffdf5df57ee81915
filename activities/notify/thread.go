package notify

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/slack-go/slack"

	"firebreak/activities/failure"
	"firebreak/internal/progress/pending"
	"firebreak/internal/slackui"
	"firebreak/playbooks"
)

// Threads is the activity notify.thread: it shows an incident in a thread of the on-call channel. The root is the record as
// it is; below it are the timeline and what people are asked, with buttons.
type Threads struct {
	// workspace finds and posts messages as legal.notify does.
	workspace *Legal
	api       threadAPI
	pace      *pace
	// Temporal says how far running steps are; nil leaves that out. It is set once, before any activity runs.
	Temporal pending.Describer
}

// threadAPI is what a thread needs of Slack's Web API beyond what is posted.
type threadAPI interface {
	UpdateMessageContext(ctx context.Context, channelID, ts string, options ...slack.MsgOption) (string, string, string, error)
}

// NewThreads returns the activity for a workspace.
func NewThreads(client *slack.Client) *Threads {
	return &Threads{workspace: NewLegal(client), api: client, pace: newPace(postEvery)}
}

// Update shows the record. What the input says was shown is a hint: what is in the thread is read before anything is posted,
// so that an attempt goes on where another one, whose answer was lost, stopped.
func (t *Threads) Update(ctx context.Context, u *playbooks.ThreadUpdate) (*playbooks.Thread, error) {
	if u == nil || u.Record.ID == "" {
		return nil, failure.New(failure.Invalid, "a thread needs an incident")
	}
	w := &threadWork{Threads: t, ThreadUpdate: u, state: u.Thread}
	w.state.Asked = slices.Clone(u.Thread.Asked)
	if w.state.Channel == "" {
		w.state.Channel = u.Oncall.Channel
	}
	if w.state.Channel == "" {
		return nil, failure.New(failure.Invalid, "the inventory names no channel for on-call (oncall.channel)")
	}
	if t.Temporal != nil {
		_ = pending.Show(ctx, t.Temporal, &u.Record, "") // a thread without it is better than none
	}
	gone, err := w.run(ctx)
	if gone {
		// Somebody deleted the thread, or the channel was made anew: people are shown a new thread, from here on.
		w.state = playbooks.Thread{Channel: w.state.Channel, Shown: w.state.Shown}
		gone, err = w.run(ctx)
	}
	if err == nil && gone {
		err = fmt.Errorf("show %s in %s: its thread is deleted as soon as it is posted", u.Record.ID, w.state.Channel)
	}
	if err != nil {
		return nil, err
	}
	return &w.state, nil
}

// threadWork is one update under way.
type threadWork struct {
	*Threads
	*playbooks.ThreadUpdate
	state playbooks.Thread
}

// run brings the thread up to date: first what people are asked, then the timeline. Gone means that there is no thread any
// more.
func (w *threadWork) run(ctx context.Context) (gone bool, err error) {
	for _, stage := range []func(context.Context) (bool, error){w.open, w.catchUp, w.showRoot, w.ask, w.tell} {
		if gone, err = stage(ctx); gone || err != nil {
			return gone, err
		}
	}
	return false, nil
}

// open finds the thread or begins it.
func (w *threadWork) open(ctx context.Context) (gone bool, err error) {
	s := &w.state
	if s.ChannelID == "" {
		if s.ChannelID, err = w.workspace.channels.id(ctx, w.workspace.api, s.Channel); err != nil {
			return false, err
		}
	}
	if s.TS != "" {
		return false, nil
	}
	of := key{w.id(), w.Record.ID}
	s.TS, err = w.workspace.find(ctx, w.Record.OpenedAt, s.Channel, s.ChannelID, func(m *slack.Message) bool {
		mine := carries(m, threadEvent, of)
		if mine {
			s.Root = digestOf(m)
		}
		return mine
	})
	if err != nil || s.TS != "" {
		return false, err
	}
	root := shown(threadEvent, slackui.Root(&w.Record, w.options(nil)))
	if s.TS, err = w.post(ctx, of, root, ""); err != nil {
		return false, err
	}
	s.Root, s.Last = root.digest(), s.TS
	return false, nil
}

// showRoot edits the root if it shows something else than the record.
func (w *threadWork) showRoot(ctx context.Context) (gone bool, err error) {
	root := shown(threadEvent, slackui.Root(&w.Record, w.options(nil)))
	if root.digest() == w.state.Root {
		return false, nil
	}
	lost, err := w.edit(ctx, key{w.id(), w.Record.ID}, root, w.state.TS)
	if err == nil && !lost {
		w.state.Root = root.digest()
	}
	// A root that cannot be edited must not keep people from what is below it.
	return false, err
}

// tell posts the events that the thread does not show yet.
func (w *threadWork) tell(ctx context.Context) (gone bool, err error) {
	skip := min(max(w.state.Shown-w.Thread.Shown, 0), len(w.Record.Timeline))
	for _, b := range slackui.Events(w.Record.Mode, w.state.Shown, w.Record.Timeline[skip:]) {
		of := key{eventsID(w.id(), b.First, b.First+b.Count), w.Record.ID}
		ts, err := w.post(ctx, of, shown(threadEventsEvent, b.Message), w.state.TS)
		if gone, err = threadGone(err); gone || err != nil {
			return gone, err
		}
		w.state.Shown, w.state.Last = b.First+b.Count, ts
	}
	return false, nil
}

// id is what the messages of this run of the incident are found again by: another run with the same id has another thread.
func (w *threadWork) id() string {
	return w.Record.ID + "/thread/" + strconv.FormatInt(w.Record.OpenedAt.UnixMilli(), 10)
}

// shown is a message of slackui's that can be found again.
func shown(event string, m slackui.Message) message {
	return message{event: event, text: m.Text, blocks: m.Blocks}
}

// options say where the incident's page is and who is called.
func (w *threadWork) options(roles []string) slackui.Options {
	o := slackui.Options{Link: slackui.Link(w.Oncall.PageURL, w.Record.ID)}
	for i := range w.People {
		if p := &w.People[i]; slices.Contains(roles, p.Role) {
			o.Mention = append(o.Mention, p.Slack)
		}
	}
	return o
}

// postEvery is what Slack takes: a message a second in a channel, with short bursts.
const postEvery = time.Second
