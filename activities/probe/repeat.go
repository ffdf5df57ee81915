package probe

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"firebreak/internal/inventory"
)

// Counts is the outcome of several calls. Tries is the sum of the other three.
type Counts struct {
	Tries    int
	Answered int
	Refused  int
	// Unknown counts calls that tell nothing.
	Unknown int
	// Digests lists what the answers said they answered with, sorted, each once; an answer without a digest counts as "".
	Digests []string
	// Reasons lists how the endpoint refused, sorted, each once.
	Reasons []string
}

// AllRefused reports whether every one of n calls was refused.
func (c Counts) AllRefused(n int) bool { return n > 0 && c.Tries == n && c.Refused == n }

// AllAnswered reports whether every one of n calls was answered with the digest.
func (c Counts) AllAnswered(n int, digest string) bool {
	return n > 0 && c.Tries == n && c.Answered == n && slices.Equal(c.Digests, []string{digest})
}

// Repeat calls the endpoint n times, interval apart. Its error is that of the first call that tells nothing, beside the
// counts of those that do: one answer among failures is still an answer. It stops early only when ctx ends.
func (c *Client) Repeat(ctx context.Context, p inventory.Probe, n int, interval time.Duration) (Counts, error) {
	var counts Counts
	var failed error
	digests, reasons := map[string]bool{}, map[string]bool{}
	for i := range n {
		if i > 0 {
			if err := wait(ctx, interval); err != nil {
				return counts, fmt.Errorf("call endpoint again: %w", err)
			}
		}
		a, err := c.Call(ctx, p)
		counts.Tries++
		switch {
		case err != nil:
			counts.Unknown++
			if failed == nil {
				failed = err
			}
		case a.Answered:
			counts.Answered++
			digests[a.Digest] = true
		default:
			counts.Refused++
			reasons[a.Reason] = true
		}
		counts.Digests = slices.Sorted(maps.Keys(digests))
		counts.Reasons = slices.Sorted(maps.Keys(reasons))
	}
	return counts, failed
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
