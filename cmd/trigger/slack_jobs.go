package main

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// slackJobs bounds what is being done for Slack at the same time, and slackTells the messages that say what came of it:
	// while Slack's API hangs, decisions are taken all the same.
	slackJobs  = 64
	slackTells = 256
	// slackAckWithin is how long a delivery waits to be answered only once what it asks for is durable. Slack gives up
	// after three seconds.
	slackAckWithin = 1500 * time.Millisecond
	// slackWorkTimeout is more than the operator's own time limits, whose errors say more.
	slackWorkTimeout = updateTimeout + 5*time.Second
	// slackTellTimeout bounds the messages that say what came of it, waits for Slack's rate limit included.
	slackTellTimeout = 45 * time.Second
	// slackDrainTimeout and slackLastWords are what a shutdown gives to the work that was acknowledged, and then to the
	// messages that say it was cut off.
	slackDrainTimeout = 12 * time.Second
	slackLastWords    = 4 * time.Second
)

// slackTell says to people what came of something; nil has nothing to say.
type slackTell func(ctx context.Context)

// slackWork does what was asked. Done is false if the same delivery may be tried again.
type slackWork func(ctx context.Context) (tell slackTell, done bool)

// jobs runs work for Slack in the background, at most so many at a time, and lets it finish at the end.
type jobs struct {
	log   *slog.Logger
	seen  *seen
	slots chan struct{}
	tells chan struct{}
	// ackWithin is slackAckWithin except in tests.
	ackWithin time.Duration

	mu       sync.Mutex
	stopping bool
	running  sync.WaitGroup
	// work and tell end when the shutdown cuts off what is left.
	work, tell         context.Context
	stopWork, stopTell context.CancelFunc
}

func newJobs(ctx context.Context, now func() time.Time, log *slog.Logger) *jobs {
	j := &jobs{log: log, seen: newSeen(now), slots: make(chan struct{}, slackJobs), tells: make(chan struct{}, slackTells), ackWithin: slackAckWithin}
	// What was acknowledged outlives the signal to stop.
	ctx = context.WithoutCancel(ctx)
	j.work, j.stopWork = context.WithCancel(ctx)
	j.tell, j.stopTell = context.WithCancel(ctx)
	return j
}

// progressOf says how far a delivery had come when it was time to answer it.
type progressOf int

const (
	// jobRecorded is durable, or was found to be impossible; jobRunning is still being done.
	jobRecorded progressOf = iota
	jobRunning
	// jobBusy was not begun.
	jobBusy
)

// do runs the work once for all deliveries of the key and returns when it is durable, or when the delivery must be
// answered. Slow, if not nil, is said to the person if it has not come that far by then.
func (j *jobs) do(key string, work slackWork, slow slackTell) progressOf {
	mine, first := j.seen.claim(key)
	if !first {
		return j.await(mine)
	}
	if !j.enter() {
		j.seen.forget(mine)
		return jobBusy
	}
	go func() {
		defer j.leave(j.slots)
		ctx, cancel := context.WithTimeout(withUpdateID(j.work, mine.key), slackWorkTimeout)
		defer cancel()
		tell, done := work(ctx)
		if !done {
			j.seen.forget(mine)
		}
		close(mine.recorded)
		j.say(tell)
	}()
	progress := j.await(mine)
	if progress == jobRunning {
		j.say(slow)
	}
	return progress
}

func (j *jobs) await(s *sighting) progressOf {
	timer := time.NewTimer(j.ackWithin)
	defer timer.Stop()
	select {
	case <-s.recorded:
		return jobRecorded
	case <-timer.C:
		return jobRunning
	}
}

// say tells people something in the background. If too much waits to be told already it is left out and logged: what came
// of a decision is in the incident's record.
func (j *jobs) say(tell slackTell) {
	if tell == nil {
		return
	}
	if !j.enterTell() {
		j.log.Warn("an answer was not sent to Slack: too many wait to be sent")
		return
	}
	go func() {
		defer j.leave(j.tells)
		ctx, cancel := context.WithTimeout(j.tell, slackTellTimeout)
		defer cancel()
		tell(ctx)
	}()
}

// enter takes a place for new work without waiting. None is given once the shutdown has begun.
func (j *jobs) enter() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.stopping && j.take(j.slots)
}

// enterTell takes a place for a message, also during the shutdown: work that was acknowledged says what came of it.
func (j *jobs) enterTell() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.take(j.tells)
}

func (j *jobs) take(places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		j.running.Add(1)
		return true
	default:
		return false
	}
}

func (j *jobs) leave(places chan struct{}) {
	<-places
	j.running.Done()
}

// close takes nothing new and lets what was acknowledged finish. What has not by then is cut off and says so.
func (j *jobs) close() {
	j.mu.Lock()
	j.stopping = true
	j.mu.Unlock()
	defer j.stopWork()
	defer j.stopTell()
	if j.wait(slackDrainTimeout) {
		return
	}
	j.log.Warn("work for Slack was cut off by the shutdown: whoever asked is told to look at the status", "running", len(j.slots))
	j.stopWork()
	if !j.wait(slackLastWords) {
		j.log.Warn("Slack was not told of all that was cut off", "running", len(j.slots)+len(j.tells))
	}
}

func (j *jobs) wait(limit time.Duration) bool {
	done := make(chan struct{})
	go func() {
		j.running.Wait()
		close(done)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
