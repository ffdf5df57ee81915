package main

import (
	"context"
	"time"

	"firebreak/internal/spool"
)

// lane keeps the alerts of one incident in order and one call at a time. It is dropped when it has been idle for an interval.
// The coalescer's lock guards it; its own goroutine alone takes alerts out.
type lane struct {
	key string
	// waiting are the alerts for the next call. Kept are the entries of the spool: they are older than any that wait, and go first.
	waiting []*waiter
	kept    []*spool.Entry
	// calling says that alerts which are neither waiting nor kept are on their way.
	calling bool
	// next is when Temporal may be called again. Backoff is the pause after a failure, and zero after a success.
	next    time.Time
	backoff time.Duration
	wake    chan struct{}
}

// behind says that an alert which arrives now would wait too long for those in the spool, and joins them there. When Temporal
// confirms again and little is left, it waits in memory as usual.
func (l *lane) behind() bool {
	return len(l.kept) > batchAlerts || len(l.kept) > 0 && l.backoff > 0
}

// lane finds or starts the lane of a key; c.mu is held.
func (c *coalescer) lane(key string) *lane {
	l := c.lanes[key]
	if l == nil {
		l = &lane{key: key, wake: make(chan struct{}, 1)}
		c.lanes[key] = l
		c.running.Go(func() { c.run(l) })
	}
	return l
}

func (c *coalescer) run(l *lane) {
	for c.await(l) {
		c.mu.Lock()
		old := len(l.kept) > 0
		c.mu.Unlock()
		if old {
			c.drain(l)
		} else {
			c.send(l)
		}
	}
}

// await waits until there is something to send and it may be sent. It reports false when the lane is over.
func (c *coalescer) await(l *lane) bool {
	for {
		c.mu.Lock()
		idle := len(l.waiting) == 0 && len(l.kept) == 0
		wait := time.Until(l.next)
		held := c.away && len(l.kept) > 0
		if c.ctx.Err() != nil || idle && wait <= 0 {
			c.leave(l)
			c.mu.Unlock()
			return false
		}
		c.mu.Unlock()
		switch {
		case held:
			c.sleep(l, probeLongest)
		case wait > 0:
			c.sleep(l, wait)
		default:
			return true
		}
	}
}

// sleep need not be woken by an alert that arrives: that one has to wait as well.
func (c *coalescer) sleep(l *lane, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.wake:
	case <-c.ctx.Done():
	}
}

// leave drops a lane. What still waits in it, because the trigger stops, is kept or fails; c.mu is held.
func (c *coalescer) leave(l *lane) {
	c.setAside(l, l.waiting, errStopping)
	l.waiting = nil
	delete(c.lanes, l.key)
}

// setAside keeps alerts that could not be delivered in the spool, or lets them fail; c.mu is held.
func (c *coalescer) setAside(l *lane, ws []*waiter, reason error) {
	for _, w := range ws {
		if c.spool != nil {
			c.keep(l, w)
		} else {
			c.answer(w, receipt{err: reason})
		}
	}
}

// send delivers what waits, or as much of it as one batch holds.
func (c *coalescer) send(l *lane) {
	c.mu.Lock()
	ws := l.waiting
	l.waiting, l.calling = nil, true
	c.mu.Unlock()

	p := newPacker()
	taken := c.fill(p, ws)
	rest := ws[taken:]
	r, err := c.call(l, p.pack(), c.calls)

	if err == nil {
		for _, w := range ws[:taken] {
			c.answer(w, r)
			if r.outcome == outcomeStarted {
				r.outcome = outcomeJoined
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l.calling = false
	l.waiting = append(rest[:len(rest):len(rest)], l.waiting...)
	if err == nil {
		return
	}
	c.setAside(l, ws[:taken], err)
	if c.spool != nil {
		// These must not overtake.
		c.setAside(l, l.waiting, err)
		l.waiting, l.backoff = nil, pauseFirst
		c.probe()
	}
}

// fill packs alerts until the batch is full and returns how many it took.
func (c *coalescer) fill(p *packer, ws []*waiter) int {
	for i, w := range ws {
		if !p.add(&w.handover) {
			return i
		}
	}
	return len(ws)
}

// call delivers one batch and notes when the next may follow.
func (c *coalescer) call(l *lane, b batch, slots chan struct{}) (receipt, error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.pace.confirm)
	defer cancel()
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return receipt{}, ctx.Err()
	}
	began := time.Now()
	r, err := c.temporal.signal(ctx, b)
	c.mu.Lock()
	l.next = began.Add(c.pace.interval)
	c.mu.Unlock()
	c.metrics.called(b, r, err)
	if err != nil {
		c.log.Warn("alerts not delivered", "incident_id", l.key, "alerts", b.alerts.Count, "error", err)
		return receipt{}, err
	}
	c.log.Info("alerts delivered", "incident_id", r.incidentID, "outcome", r.outcome, "alerts", b.alerts.Count, "distinct", len(b.alerts.Alerts))
	return r, nil
}
