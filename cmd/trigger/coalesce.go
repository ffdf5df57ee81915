package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"firebreak/internal/spool"
)

const (
	// signalInterval is how often at most one incident is signalled.
	signalInterval = time.Second
	// confirmTimeout bounds one call to Temporal. With a spool the sender need not wait as long: what is not confirmed is
	// kept. Two such calls in a row fit into deliveryTimeout.
	confirmTimeout        = 4 * time.Second
	confirmTimeoutSpooled = 2 * time.Second
	// maxHeld bounds the memory of all alerts that wait for an answer.
	maxHeld = 64 << 20
	// callsAtOnce and drainsAtOnce bound the calls to Temporal that are under way: new alerts do not queue behind old ones.
	callsAtOnce  = 256
	drainsAtOnce = 32
)

var (
	errHeld     = errors.New("too many alerts are waiting to be delivered")
	errStopping = errors.New("the trigger is stopping")
	errLate     = errors.New("delivery was not confirmed in time")
)

// pace is how often an incident is signalled and how long a call may take.
type pace struct{ interval, confirm time.Duration }

// usualPace depends on whether what is not confirmed can be kept.
func usualPace(kept *spool.Spool) pace {
	if kept != nil {
		return pace{signalInterval, confirmTimeoutSpooled}
	}
	return pace{signalInterval, confirmTimeout}
}

// sender makes the calls to Temporal.
type sender interface {
	// signal returns once the batch is durable in Temporal, with the incident that has it and what came of it.
	signal(ctx context.Context, b batch) (receipt, error)
	ready(ctx context.Context) error
}

// coalescer stands between the posts and Temporal. The first alert of an incident goes at once; what arrives within a second
// of a signal waits and goes as one batch. With a spool, what Temporal does not confirm is kept and delivered later, in order.
type coalescer struct {
	temporal sender
	spool    *spool.Spool
	log      *slog.Logger
	metrics  *metrics
	pace     pace
	calls    chan struct{}
	drains   chan struct{}

	// ctx ends with the coalescer; running counts its goroutines.
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup

	// held is the memory of all alerts that wait.
	held atomic.Int64

	mu    sync.Mutex
	lanes map[string]*lane
	// away says that Temporal cannot be reached: what comes goes into the spool at once.
	away    bool
	probing bool
}

// newCoalescer starts to deliver what an earlier process left in the spool, which may be nil.
func newCoalescer(temporal sender, kept *spool.Spool, p pace, log *slog.Logger, m *metrics) *coalescer {
	c := &coalescer{
		temporal: temporal, spool: kept, log: log, metrics: m, pace: p,
		calls: make(chan struct{}, callsAtOnce), drains: make(chan struct{}, drainsAtOnce), lanes: map[string]*lane{},
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	if kept != nil {
		c.resume()
	}
	return c
}

// close ends every delivery. What waits then is kept in the spool, or fails.
func (c *coalescer) close() {
	c.mu.Lock()
	c.stop()
	c.mu.Unlock()
	c.running.Wait()
}

// waiter is one alert that somebody waits for.
type waiter struct {
	handover
	post  *post
	index int
}

// post is a set of alerts that came together and are answered together.
type post struct {
	done chan struct{}

	mu       sync.Mutex
	receipts []receipt
	left     int
	// gone says that nobody waits any more.
	gone bool
}

// deliver hands the alerts of a post over and returns what came of each, in their order. Those of one incident stay
// together and in order. What is late fails, although it may still arrive.
func (c *coalescer) deliver(ctx context.Context, posted []handover) []receipt {
	if len(posted) == 0 {
		return nil
	}
	p := &post{receipts: make([]receipt, len(posted)), left: len(posted), done: make(chan struct{})}
	c.mu.Lock()
	for i := range posted {
		c.accept(&waiter{handover: posted[i], post: p, index: i})
	}
	c.mu.Unlock()
	select {
	case <-p.done:
		return p.receipts
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	for i := range p.receipts {
		if r := &p.receipts[i]; r.outcome == "" && r.err == nil {
			r.err = fmt.Errorf("%w: %w", errLate, ctx.Err())
		}
	}
	return p.receipts
}

// accept puts an alert behind those of its incident; c.mu is held.
func (c *coalescer) accept(w *waiter) {
	cost := w.cost()
	switch {
	case c.ctx.Err() != nil:
		w.settle(receipt{err: errStopping})
		return
	case c.held.Load()+cost > maxHeld:
		w.settle(receipt{err: errHeld})
		return
	}
	c.held.Add(cost)
	l := c.lane(w.key())
	if c.spool != nil && !l.calling && len(l.waiting) == 0 && (c.away || l.behind()) {
		c.keep(l, w)
		return
	}
	l.waiting = append(l.waiting, w)
}

// answer tells a waiter what came of its alert.
func (c *coalescer) answer(w *waiter, r receipt) {
	c.held.Add(-w.cost())
	w.settle(r)
}

func (w *waiter) settle(r receipt) {
	p := w.post
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return
	}
	p.receipts[w.index] = r
	if p.left--; p.left == 0 {
		close(p.done)
	}
}

// ready returns an error while alerts cannot be taken in: Temporal is away and the spool, if there is one, has no room.
func (c *coalescer) ready(ctx context.Context) error {
	err := c.temporal.ready(ctx)
	if err != nil && c.spool != nil && c.spool.Room(spoolReserve) {
		return nil
	}
	return err
}
