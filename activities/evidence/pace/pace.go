// Package pace decides how many requests are with a store at a time, and sends again what a busy store refused.
//
// The number grows while the store answers and is halved when it asks to slow down (additive increase, multiplicative
// decrease), as TCP does it: many clients that do so share a store fairly without knowing of one another.
package pace

import (
	"context"
	"sync"
	"time"
)

// Pace bounds the requests to one store. Its methods are safe for concurrent use.
type Pace struct {
	// places has one element for each request that may start.
	places chan struct{}

	mu sync.Mutex
	// limit is how many requests there may be; most bounds it. owed are places to be taken out as they come back.
	limit, most, owed int
	// answers are those since the limit last grew.
	answers int
	// steep is true until the store first asks to slow down: the limit then doubles where it later grows by one.
	steep bool
	// cut is when the limit was last halved: the refusals of requests that were on the way then count once.
	cut time.Time
	// until is when the next request may start.
	until time.Time
}

// New returns a pace that begins with so many requests at a time and never has more than most.
func New(begin, most int) *Pace {
	p := &Pace{places: make(chan struct{}, most), limit: begin, most: most, steep: true}
	for range begin {
		p.places <- struct{}{}
	}
	return p
}

// Limit is how many requests there may be at a time now.
func (p *Pace) Limit() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit
}

// Most bounds the limit.
func (p *Pace) Most() int { return p.most }

// enter waits until a request may start.
func (p *Pace) enter(ctx context.Context) error {
	select {
	case <-p.places:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	wait := time.Until(p.until)
	p.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	if err := sleep(ctx, wait); err != nil {
		p.leave()
		return err
	}
	return nil
}

// leave gives a request's place back, or takes it out if the limit was lowered.
func (p *Pace) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.owed > 0 {
		p.owed--
		return
	}
	p.places <- struct{}{}
}

// answered raises the limit by one after as many answers as it is high, or twice as fast at the beginning.
func (p *Pace) answered() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers++
	step := p.limit
	if p.steep {
		step = 1
	}
	if p.answers < step {
		return
	}
	p.answers = 0
	switch {
	case p.limit >= p.most:
	case p.owed > 0:
		p.owed--
		p.limit++
	default:
		p.limit++
		p.places <- struct{}{}
	}
}

// slow halves the limit, and lets no request start before a time that the store named. Requests that began before the
// last cut say nothing new.
func (p *Pace) slow(began time.Time, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steep, p.answers = false, 0
	if at := time.Now().Add(after); after > 0 && at.After(p.until) {
		p.until = at
	}
	if began.Before(p.cut) {
		return
	}
	p.cut = time.Now()
	lower := max(1, p.limit/2)
	p.owed += p.limit - lower
	p.limit = lower
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
