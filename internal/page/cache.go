package page

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"firebreak/internal/incident"
)

const (
	// fresh is how long a look at an incident, and at the list, is good for: however many browsers look, each is asked for
	// once in that time.
	fresh     = time.Second
	freshList = 3 * time.Second
	// lookTimeout bounds one look; a query that no worker answers takes 5 s.
	lookTimeout = 12 * time.Second
	// looks bounds how many queries run at once, kept how many incidents are remembered.
	looks = 8
	kept  = 256
	// closedAsked bounds how many closed incidents of the list are asked for their verdict; the rest shows its dates alone.
	closedAsked = 40
)

// look is what was seen of a run. Err says why the last try failed; Record is then the last known one, if any.
type look struct {
	Record *incident.Record
	// JSON is the record as it came, and Digest that of it. Record is a copy with its texts cut to what a page shows.
	JSON   []byte
	Digest string
	At     time.Time
	Err    error
	tried  time.Time
}

// cache asks the source no more often than once in a while for each incident, and keeps the last known state of each for
// the time that Temporal is away.
type cache struct {
	source Source
	now    func() time.Time
	slots  chan struct{}
	flight singleflight.Group

	mu     sync.Mutex
	looks  map[string]*look
	list   listLook
	closed map[string]bool
}

func newCache(source Source, now func() time.Time) *cache {
	return &cache{source: source, now: now, slots: make(chan struct{}, looks), looks: map[string]*look{}, closed: map[string]bool{}}
}

// record returns what is known of a run, asking if what is known is old. Who waits may leave; the question goes on.
func (c *cache) record(ctx context.Context, id, run string) *look {
	key := id + "\x00" + run
	c.mu.Lock()
	known := c.looks[key]
	c.mu.Unlock()
	// What is closed does not change; the newest run of an id may become another one.
	if known != nil && (c.now().Sub(known.tried) < fresh || run != "" && known.Err == nil && known.Record.Progress == incident.Closed) {
		return known
	}
	answer := c.flight.DoChan(key, func() (any, error) { return c.ask(context.WithoutCancel(ctx), id, run, known), nil })
	select {
	case got := <-answer:
		if l, ok := got.Val.(*look); ok {
			return l
		}
		return &look{Err: errors.New("nothing came back")}
	case <-ctx.Done():
		return &look{Err: ctx.Err()}
	}
}

func (c *cache) ask(ctx context.Context, id, run string, known *look) *look {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	next := &look{tried: c.now()}
	next.Err = c.fetch(ctx, id, run, next)
	switch {
	case next.Err == nil:
		next.At = c.now()
	case errors.Is(next.Err, ErrNone):
	case known != nil && known.Record != nil:
		next.Record, next.JSON, next.Digest, next.At = known.Record, known.JSON, known.Digest, known.At
	}
	next.tried = c.now()
	c.keep(id+"\x00"+run, next)
	return next
}

// fetch asks the source and makes of its answer what a page shows.
func (c *cache) fetch(ctx context.Context, id, run string, l *look) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return fmt.Errorf("wait to ask %s: %w", id, ctx.Err())
	}
	r, err := c.source.Record(ctx, id, run)
	switch {
	case err != nil:
		return err
	case r == nil:
		return fmt.Errorf("ask %s: it gave no record", id)
	}
	if l.JSON, err = json.MarshalIndent(withoutRaw(r), "", "  "); err != nil {
		return fmt.Errorf("encode the record of %s: %w", id, err)
	}
	sum := sha256.Sum256(l.JSON)
	l.Digest = hex.EncodeToString(sum[:16])
	l.Record, err = bounded(l.JSON)
	return err
}

// keep remembers a look, and forgets the oldest ones when there are too many.
func (c *cache) keep(key string, l *look) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks[key] = l
	for len(c.looks) > kept {
		oldest, at := "", time.Time{}
		for k, l := range c.looks {
			if oldest == "" || l.tried.Before(at) {
				oldest, at = k, l.tried
			}
		}
		delete(c.looks, oldest)
	}
}

// forget makes the next look a new one: somebody has decided something.
func (c *cache) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, l := range c.looks {
		if len(key) >= len(id) && key[:len(id)] == id {
			aged := *l
			aged.tried = time.Time{}
			c.looks[key] = &aged
		}
	}
	c.list.tried = time.Time{}
}

// withoutRaw leaves out what senders posted: it is evidence, and can hold anything.
func withoutRaw(r *incident.Record) *incident.Record {
	if !slices.ContainsFunc(r.Alerts, func(a incident.Alert) bool { return len(a.Raw) > 0 }) {
		return r
	}
	out := *r
	out.Alerts = slices.Clone(r.Alerts)
	for i := range out.Alerts {
		out.Alerts[i].Raw = nil
	}
	return &out
}
