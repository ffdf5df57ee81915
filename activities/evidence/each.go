package evidence

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// each calls f with every index below n, from so many goroutines, until one fails. The goroutines are kept: the deep calls
// of an SDK grow a stack, and a new one for each of many small objects is a tenth of their cost.
func each(ctx context.Context, n, workers int, f func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range min(n, workers) {
		group.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := f(ctx, i); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}
