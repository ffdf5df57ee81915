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
	platform State
	// known is true if the platform could be asked.
	known bool
}

// revertedBy names who put a platform's object back into service, or "".
func (o *observation) revertedBy() string {
	if !o.known || o.platform.IsOff("") {
		return ""
	}
	if o.platform.Writer == "" {
		return "somebody else"
	}
	return o.platform.Writer
}

// untilRefused calls the endpoint until n calls in a row are refused, or patience ends; needWord asks that the platform
// says so too. The error is that of calls that tell nothing, and only if none was answered: an answer is a finding.
func (b *base) untilRefused(ctx context.Context, c Control, op *playbooks.Operation, n int, interval time.Duration, needWord bool) (observation, error) {
	e := op.Target.Endpoint
	var seen observation
	for deadline := time.Now().Add(b.Patience.Stop); ; {
		// Only the calls from outside prove anything, so a platform that is down does not stop the proof.
		if state, err := c.Observe(ctx, op); err == nil {
			seen.platform, seen.known = state, true
		}
		last := time.Now().After(deadline)
		answer, err := b.Outside.Call(ctx, e.Probe)
		if last || (err == nil && !answer.Answered) {
			seen.Counts, err = b.Outside.Repeat(ctx, e.Probe, n, interval)
			if ctx.Err() != nil {
				return seen, fmt.Errorf("observe %s: %w", e.ID, ctx.Err())
			}
			if seen.AllRefused(n) && (seen.platform.SaysOff || !needWord) {
				return seen, nil
			}
		}
		if last {
			return seen, decisive(seen, err)
		}
		if err := wait(ctx, b.Patience.Poll); err != nil {
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
func (b *base) untilAnswered(ctx context.Context, e *inventory.Endpoint, n int, interval time.Duration, digest string) (probe.Counts, error) {
	for deadline := time.Now().Add(b.Patience.Start); ; {
		last := time.Now().After(deadline)
		answer, err := b.Outside.Call(ctx, e.Probe)
		if last || (err == nil && answer.Answered) {
			var counts probe.Counts
			counts, err = b.Outside.Repeat(ctx, e.Probe, n, interval)
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
		if err := wait(ctx, b.Patience.Poll); err != nil {
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

func (o *observation) facts() map[string]string {
	facts := countFacts(o.Counts)
	facts["platform_is_off"] = strconv.FormatBool(o.platform.SaysOff)
	return facts
}

func countFacts(c probe.Counts) map[string]string {
	return map[string]string{
		"tries":    strconv.Itoa(c.Tries),
		"answered": strconv.Itoa(c.Answered),
		"refused":  strconv.Itoa(c.Refused),
		"reasons":  strings.Join(c.Reasons, ", "),
	}
}
