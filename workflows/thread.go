package workflows

import (
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

const (
	// threadEvery is the least time between two updates of the incident's thread: Slack takes about one message a second a
	// channel, and an update is a few.
	threadEvery = 3 * time.Second
	// progressEvery is how often the thread shows how far a copy is; a day of copying is well within what a history takes.
	progressEvery  = time.Minute
	progressChange = "thread-shows-progress"
	// threadEvents bounds how many events one update carries; what is left comes with the next.
	threadEvents = 100
	// lastThreadUpdate bounds how long a closed incident waits for its thread to say so.
	lastThreadUpdate = 20 * time.Second
)

// narrate starts keeping the incident's thread, if the inventory names a channel for it and the attacker cannot read along.
func (r *response) narrate(ctx workflow.Context) {
	if r.plan.Oncall.Channel == "" {
		return
	}
	if exposed := r.plan.Radius.Communications; len(exposed) > 0 {
		r.event(ctx, "", "", "the incident has no thread: %s is in the blast radius, so Slack is not to be trusted (P7); use the command line and the incident page", strings.Join(exposed, ", "))
		return
	}
	r.narrating.Add(1)
	ctx, r.stopNarrating = workflow.WithCancel(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer r.narrating.Done()
		r.thread(ctx)
	})
}

// lastWord shows how the incident ended, if its thread can be reached at once.
func (r *response) lastWord(ctx workflow.Context) {
	if r.stopNarrating == nil {
		return
	}
	r.stopNarrating() // what is half shown is completed below
	r.narrating.Wait(ctx)
	if r.rec.Thread.TS == "" {
		return
	}
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	// The record is final: a thread that is behind shows in Slack, and nothing more can be done about it here.
	_ = r.updateThread(ctx, lastThreadUpdate)
}

// thread keeps the incident's thread in the on-call channel: its root message is the live status, its replies are the
// timeline. Nothing waits for it; while Slack is away, the command line and the incident page show the same.
func (r *response) thread(ctx workflow.Context) {
	pause, said := threadEvery, ""
	// Incidents from before this was there wait for events alone.
	current := workflow.GetVersion(ctx, progressChange, workflow.DefaultVersion, 1) == 1
	for r.closing == nil {
		seen := len(r.rec.Timeline)
		err := r.updateThread(ctx, time.Minute)
		switch {
		case err == nil:
			pause, said = threadEvery, ""
		case final(err):
			r.event(ctx, "", "", "the incident has no thread: %s", cause(err))
			return
		default:
			pause = min(2*pause, longestPause)
			if reason := cause(err); reason != said {
				said = reason
				r.event(ctx, "", "", "the incident's thread is behind: %s", reason)
				seen = len(r.rec.Timeline)
			}
		}
		if _, err := workflow.AwaitWithTimeout(ctx, pause, func() bool { return r.closing != nil }); err != nil {
			return
		}
		behind := func() bool {
			return len(r.rec.Timeline) > seen || r.rec.Thread.Shown < len(r.rec.Timeline) || r.rec.Thread.More
		}
		if err := r.untilBehind(ctx, behind, current); err != nil {
			return
		}
	}
}

// untilBehind waits until the thread has something to show: an event, or how far the copying of evidence is, which
// is no event and is looked at now and then.
func (r *response) untilBehind(ctx workflow.Context, behind func() bool, current bool) error {
	due := func() bool { return r.closing != nil || behind() }
	if err := workflow.Await(ctx, func() bool { return due() || current && r.preserving() }); err != nil || due() {
		return err
	}
	_, err := workflow.AwaitWithTimeout(ctx, progressEvery, due)
	return err
}

// preserving reports whether evidence is being copied.
func (r *response) preserving() bool {
	return slices.ContainsFunc(r.rec.Steps, func(s incident.Step) bool {
		action, _ := playbooks.FindAction(s.Action)
		return s.Status == incident.Running && action.Queue == playbooks.EvidenceQueue
	})
}

// updateThread shows the record as it is now, and the events that were not shown yet.
func (r *response) updateThread(ctx workflow.Context, timeout time.Duration) error {
	r.judge()
	rec := *r.rec
	rec.Timeline = rec.Timeline[min(rec.Thread.Shown, len(rec.Timeline)):]
	rec.Timeline = rec.Timeline[:min(threadEvents, len(rec.Timeline))]
	rec.Steps = slices.Clone(rec.Steps)
	for i := range rec.Steps {
		rec.Steps[i].Receipt = nil // proofs are in the record; the thread shows that they hold
	}
	rec.Thread.Channel = r.plan.Oncall.Channel
	in := playbooks.ThreadUpdate{Thread: rec.Thread, Record: rec, Oncall: r.plan.Oncall, People: r.plan.People}
	var out incident.Thread
	err := workflow.ExecuteActivity(r.options(ctx, playbooks.NotifyQueue, timeout), playbooks.ThreadActivity, in).Get(ctx, &out)
	if err == nil {
		r.rec.Thread = out
	}
	return err
}
