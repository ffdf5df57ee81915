package serving

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"firebreak/activities/probe"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// observation is what was seen of an endpoint from outside, and what its platform says of it.
type observation struct {
	probe.Counts
	saysStopped bool
}

// untilRefused calls the endpoint until n calls in a row are refused, or patience ends; needWord asks that the platform
// says so too. The error is that of calls that tell nothing, and only if none was answered: an answer is a finding.
func (c *control) untilRefused(ctx context.Context, op *playbooks.Operation, n int, interval time.Duration, needWord bool) (observation, error) {
	e := op.Target.Endpoint
	var seen observation
	for deadline := time.Now().Add(c.stop); ; {
		// Only the calls from outside prove anything, so an API server that is down does not stop the proof.
		if service, err := c.platform.Get(ctx, e.Serving); err == nil {
			seen.saysStopped = service.saysStopped()
		}
		last := time.Now().After(deadline)
		answer, err := c.outside.Call(ctx, e.Probe)
		if last || (err == nil && !answer.Answered) {
			seen.Counts, err = c.outside.Repeat(ctx, e.Probe, n, interval)
			if ctx.Err() != nil {
				return seen, fmt.Errorf("observe %s: %w", e.ID, ctx.Err())
			}
			if seen.AllRefused(n) && (seen.saysStopped || !needWord) {
				return seen, nil
			}
		}
		if last {
			return seen, decisive(seen, err)
		}
		if err := wait(ctx, c.poll); err != nil {
			return seen, fmt.Errorf("observe %s: %w", e.ID, err)
		}
	}
}

// decisive drops the error of calls that tell nothing if another call was answered.
func decisive(seen observation, err error) error {
	if seen.Answered > 0 {
		return nil
	}
	return err
}

// untilAnswered calls the endpoint until n calls in a row are answered with the digest, one is answered with another, or
// patience ends. An empty digest takes any answer.
func (c *control) untilAnswered(ctx context.Context, e *inventory.Endpoint, n int, interval time.Duration, digest string) (probe.Counts, error) {
	for deadline := time.Now().Add(c.start); ; {
		last := time.Now().After(deadline)
		answer, err := c.outside.Call(ctx, e.Probe)
		if last || (err == nil && answer.Answered) {
			var counts probe.Counts
			counts, err = c.outside.Repeat(ctx, e.Probe, n, interval)
			switch {
			case ctx.Err() != nil:
				return counts, fmt.Errorf("observe %s: %w", e.ID, ctx.Err())
			case counts.AllAnswered(n, digest), digest == "" && counts.Answered == n, stranger(counts, digest):
				return counts, nil
			case last && counts.Unknown == counts.Tries:
				return counts, err
			case last:
				return counts, nil
			}
		}
		if err := wait(ctx, c.poll); err != nil {
			return probe.Counts{}, fmt.Errorf("observe %s: %w", e.ID, err)
		}
	}
}

// stranger reports whether something else than the wanted digest answered.
func stranger(counts probe.Counts, digest string) bool {
	for _, d := range counts.Digests {
		if digest != "" && d != digest {
			return true
		}
	}
	return false
}

func (o observation) facts() map[string]string {
	return map[string]string{
		"tries":               strconv.Itoa(o.Tries),
		"answered":            strconv.Itoa(o.Answered),
		"refused":             strconv.Itoa(o.Refused),
		"reasons":             strings.Join(o.Reasons, ", "),
		"platform_is_stopped": strconv.FormatBool(o.saysStopped),
	}
}
