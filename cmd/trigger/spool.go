package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"firebreak/internal/spool"
)

const (
	// spoolReserve is the room that an alert of usual size needs.
	spoolReserve = 64 << 10
	// The pauses between looks whether Temporal is back, and between attempts to deliver what is kept.
	pauseFirst   = 100 * time.Millisecond
	probeLongest = 2 * time.Second
	drainLongest = 10 * time.Second
	probeTimeout = time.Second
)

// openSpool opens the folder and says what is in it; without a folder there is no spool.
func openSpool(dir string, mebibytes int64, log *slog.Logger) (*spool.Spool, error) {
	if dir == "" {
		return nil, nil
	}
	if mebibytes < 1 {
		return nil, usage("--spool-mib %d: want at least 1", mebibytes)
	}
	s, err := spool.Open(dir, spool.Options{MaxBytes: mebibytes << 20})
	if err != nil {
		return nil, fmt.Errorf("open the spool (--spool): %w", err)
	}
	for _, d := range s.Damage() {
		if d.Tail {
			log.Info("the spool ends with a write that a crash cut off; nobody was told that it had succeeded", "file", d.File, "bytes", d.Bytes)
		} else {
			log.Error("a part of the spool cannot be read: the file is put aside once the rest of it is delivered",
				"file", d.File, "offset", d.Offset, "bytes", d.Bytes, "error", d.Err)
		}
	}
	return s, nil
}

// resume puts what an earlier process left in the spool into its lanes.
func (c *coalescer) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	entries := c.spool.Recovered()
	for _, e := range entries {
		l := c.lane(e.Key)
		l.kept = append(l.kept, e)
	}
	if len(entries) > 0 {
		c.log.Info("delivering what an earlier run left in the spool", "alerts", len(entries), "incidents", len(c.lanes))
	}
}

// keep writes an alert to the spool and answers when it is on disk; c.mu is held.
func (c *coalescer) keep(l *lane, w *waiter) {
	payload, err := json.Marshal(&w.handover)
	var e *spool.Entry
	if err == nil {
		e, err = c.spool.Append(l.key, payload, func(err error) { c.answerKept(w, err) })
	}
	if err != nil {
		c.answerKept(w, err)
		return
	}
	l.kept = append(l.kept, e)
}

func (c *coalescer) answerKept(w *waiter, err error) {
	if err != nil {
		c.answer(w, receipt{err: err})
		return
	}
	c.answer(w, receipt{outcome: outcomeSpooled})
}

// drain delivers the oldest entries of a lane, as many as one batch holds.
func (c *coalescer) drain(l *lane) {
	c.mu.Lock()
	kept := l.kept
	c.mu.Unlock()
	p := newPacker()
	var taken int
	var packed, useless []*spool.Entry
	for _, e := range kept {
		if e.Wait() != nil {
			// It was refused, and so was its sender.
			taken++
			continue
		}
		ok, err := c.unpack(p, e)
		if err != nil {
			c.log.Error("a spooled alert cannot be read: its file is put aside", "incident_id", e.Key, "error", err)
			useless = append(useless, e)
		} else if !ok {
			break
		} else {
			packed = append(packed, e)
		}
		taken++
	}
	var err error
	if len(packed) > 0 {
		_, err = c.call(l, p.pack(), c.drains)
	}
	if err == nil {
		c.spool.Done(packed...)
		c.spool.Keep(useless...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		l.kept, l.backoff = l.kept[taken:], 0
		return
	}
	c.setAside(l, l.waiting, err)
	l.waiting = nil
	l.backoff = min(max(2*l.backoff, pauseFirst), drainLongest)
	// Lanes that failed together do not try again together.
	if next := time.Now().Add(l.backoff/2 + rand.N(l.backoff/2)); next.After(l.next) {
		l.next = next
	}
	c.probe()
}

func (c *coalescer) unpack(p *packer, e *spool.Entry) (bool, error) {
	raw, err := c.spool.Read(e)
	if err != nil {
		return false, err
	}
	h, err := decodeHandover(raw)
	if err != nil {
		return false, err
	}
	return p.add(&h), nil
}

// probe looks, if nobody does already, whether Temporal can be reached, and as long as it cannot; c.mu is held.
func (c *coalescer) probe() {
	if c.probing || c.ctx.Err() != nil {
		return
	}
	c.probing = true
	c.running.Go(func() {
		for pause := pauseFirst; !c.look(); pause = min(2*pause, probeLongest) {
			select {
			case <-c.ctx.Done():
			case <-time.After(pause):
			}
		}
	})
}

// look reports whether there is no need to look again.
func (c *coalescer) look() bool {
	ctx, cancel := context.WithTimeout(c.ctx, probeTimeout)
	defer cancel()
	err := c.temporal.ready(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ctx.Err() != nil:
		return true
	case err != nil:
		if !c.away {
			c.log.Error("Temporal cannot be reached: alerts are kept in the spool", "error", err)
		}
		c.away = true
		return false
	case c.away:
		c.log.Info("Temporal can be reached again: delivering what is in the spool", "incidents", len(c.lanes))
		for _, l := range c.lanes {
			select {
			case l.wake <- struct{}{}:
			default:
			}
		}
	}
	c.away, c.probing = false, false
	return true
}
