package notify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/slackui"
	"firebreak/playbooks"
)

// request is something that people are asked in the thread. Closed is true once nobody needs to answer any more; such a thing
// is shown only where it was asked.
type request struct {
	id      string
	message message
	closed  bool
	// urgent requests do not wait for a later update.
	urgent bool
}

// newTasks bounds how many tasks one update posts, at a message a second: a request for approval that comes meanwhile must
// not stand behind all of them.
const newTasks = 3

// ask posts what is newly asked and edits what has changed, e.g. because it was decided.
func (w *threadWork) ask(ctx context.Context) (gone bool, err error) {
	asks := w.asks()
	if err := w.retire(ctx, asks); err != nil {
		return false, err
	}
	w.state.More = false
	posted := 0
	for _, a := range asks {
		i := w.asked(a.id)
		if i >= 0 && w.state.Asked[i].Digest != a.message.digest() {
			var lost bool
			if lost, err = w.edit(ctx, key{a.id, w.Record.ID}, a.message, w.state.Asked[i].TS); err != nil {
				return false, err
			}
			w.state.Asked[i].Digest = a.message.digest()
			if lost {
				w.drop(a.id)
				i = -1
			}
		}
		if a.closed {
			w.drop(a.id)
			continue
		}
		if i >= 0 {
			continue
		}
		if !a.urgent {
			if posted == newTasks {
				w.state.More = true
				continue
			}
			posted++
		}
		ts, err := w.post(ctx, key{a.id, w.Record.ID}, a.message, w.state.TS)
		if gone, err = threadGone(err); gone || err != nil {
			return gone, err
		}
		w.state.Asked = append(w.state.Asked, playbooks.ThreadMessage{ID: a.id, TS: ts, Digest: a.message.digest()})
		w.state.Last = ts
	}
	return false, nil
}

// retire edits the messages that ask what the record no longer knows, e.g. because the plan changed.
func (w *threadWork) retire(ctx context.Context, asks []request) error {
	for _, m := range slices.Clone(w.state.Asked) {
		if slices.ContainsFunc(asks, func(a request) bool { return a.id == m.ID }) {
			continue
		}
		kind, rest, _ := strings.Cut(strings.TrimPrefix(m.ID, w.id()+"/"), "/")
		step, _, _ := strings.Cut(rest, "/")
		over := slackui.NoLongerAsked(&w.Record, kind+" "+step)
		if slices.ContainsFunc(asks, func(a request) bool { return !a.closed && strings.HasPrefix(a.id, w.id()+"/"+kind+"/"+step+"/") }) {
			over = slackui.AskedAgain(&w.Record, kind+" "+step)
		}
		if _, err := w.edit(ctx, key{m.ID, w.Record.ID}, shown(threadAskEvent, over), m.TS); err != nil {
			return err
		}
		w.drop(m.ID)
	}
	return nil
}

// asks lists everything that the record asks or has asked of people, in the order of the record.
func (w *threadWork) asks() []request {
	var out []request
	over := w.Record.Progress == incident.Closed
	add := func(kind, step, round string, open bool, m slackui.Message) {
		id := w.id() + "/" + kind + "/" + step + "/" + round
		if open && over {
			return
		}
		out = append(out, request{id: id, message: shown(threadAskEvent, m), closed: !open, urgent: kind != "task"})
	}
	for i := range w.Record.Approvals {
		a := &w.Record.Approvals[i]
		// Asked of others, or on another plan, it is another request.
		round := fmt.Sprintf("%s-%d", strings.TrimPrefix(a.PlanDigest, "sha256:"), seconds(a.ExpiresAt))
		switch a.Status {
		case incident.ApprovalWaiting:
			add("approval", a.Step, round, true, slackui.ApprovalRequest(&w.Record, a, w.options(a.Roles)))
		case incident.ApprovalGranted, incident.ApprovalDenied, incident.ApprovalTimedOut:
			add("approval", a.Step, round, false, slackui.ApprovalDecided(&w.Record, a))
		case incident.ApprovalPending, incident.ApprovalNotAsked:
		}
	}
	for i := range w.Record.Tasks {
		t := &w.Record.Tasks[i]
		round := fmt.Sprint(seconds(t.AskedAt))
		switch t.Status {
		case incident.TaskOpen, incident.TaskOverdue:
			add("task", t.Step, round, true, slackui.TaskRequest(&w.Record, t, w.options([]string{t.Assignee})))
		case incident.TaskDone, incident.TaskSkipped:
			add("task", t.Step, round, false, slackui.TaskDone(&w.Record, t))
		case incident.TaskPending:
		}
	}
	for i := range w.Record.Waits {
		v := &w.Record.Waits[i]
		open := v.EndedAt.IsZero() && v.EndedBy == ""
		m := slackui.WaitEnded(&w.Record, v)
		if open {
			m = slackui.WaitNotice(&w.Record, v)
		}
		add("wait", v.Step, fmt.Sprint(seconds(v.Until)), open, m)
	}
	return out
}

// asked returns where the state has the message, or -1.
func (w *threadWork) asked(id string) int {
	return slices.IndexFunc(w.state.Asked, func(m playbooks.ThreadMessage) bool { return m.ID == id })
}

func (w *threadWork) drop(id string) {
	w.state.Asked = slices.DeleteFunc(w.state.Asked, func(m playbooks.ThreadMessage) bool { return m.ID == id })
}

// seconds is 0 for a time that is not set.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
