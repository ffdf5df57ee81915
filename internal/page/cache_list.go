package page

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// listLook is the list as it was last seen.
type listLook struct {
	Rows  []row
	At    time.Time
	Err   error
	tried time.Time
}

// rows returns the list, asking if what is known is old.
func (c *cache) rows(ctx context.Context) listLook {
	c.mu.Lock()
	known := c.list
	c.mu.Unlock()
	if !known.tried.IsZero() && c.now().Sub(known.tried) < freshList {
		return known
	}
	answer := c.flight.DoChan("list", func() (any, error) { return c.askList(context.WithoutCancel(ctx), known), nil })
	select {
	case got := <-answer:
		if l, ok := got.Val.(listLook); ok {
			return l
		}
	case <-ctx.Done():
	}
	return listLook{Err: context.Cause(ctx)}
}

func (c *cache) askList(ctx context.Context, known listLook) listLook {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	next := listLook{}
	runs, err := c.source.List(ctx)
	if err != nil {
		next = known
		next.Err = err
	} else {
		next.Rows, next.At = c.askRows(ctx, runs), c.now()
	}
	next.tried = c.now()
	c.mu.Lock()
	c.list = next
	c.mu.Unlock()
	return next
}

// askRows gets each incident's own words. One that does not answer is listed all the same.
func (c *cache) askRows(ctx context.Context, runs []Listed) []row {
	rows := make([]row, len(runs))
	var group errgroup.Group
	group.SetLimit(looks)
	closed := 0
	for i, l := range runs {
		rows[i] = row{Listed: l}
		if !l.open() {
			if closed++; closed > closedAsked {
				continue
			}
		}
		group.Go(func() error {
			if seen := c.record(ctx, l.ID, l.Run); seen.Record != nil {
				rows[i].fill(seen.Record)
			}
			return nil
		})
	}
	// The functions above never fail.
	_ = group.Wait()
	slices.SortStableFunc(rows, func(a, b row) int { return a.rank() - b.rank() })
	return rows
}
