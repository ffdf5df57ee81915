package gateway

import (
	"context"
	"fmt"
	"time"
)

// burst is what came of using a canary more often than its cap allows.
type burst struct {
	served, refused int
	// full says what an answer held that L1 takes away.
	full   string
	within time.Duration
}

// capped finds whether the canary is served no oftener than its cap allows by all instances together. Calls on both sides of
// the end of a minute are counted for two minutes, so that what looks like too many is looked at once more in the next.
func (s *session) capped(ctx context.Context, c canary, most int, found *findings) error {
	key, err := s.open(ctx, c)
	if err != nil {
		return err
	}
	b, err := s.burst(ctx, key, most)
	if err == nil && !b.holds(most) {
		if err = wait(ctx, s.window); err == nil {
			b, err = s.burst(ctx, key, most)
		}
	}
	if err != nil {
		return err
	}
	n := len(s.consumer.Gateway.Instances())
	found.facts["canary"] = fmt.Sprintf("%d served, %d refused in %s on %d instances", b.served, b.refused, b.within, n)
	found.check("rate", b.holds(most),
		fmt.Sprintf("a canary was served %d times and refused %d times within %s by %d instances; the cap is %d a minute", b.served, b.refused, b.within, n, most),
		fmt.Sprintf("a canary was served %d times within %s by %d instances, the cap is %d a minute: do the instances share it?", b.served, b.within, n, most))
	s.stripped(b, found)
	return nil
}

func (b burst) holds(most int) bool { return b.served <= most && b.refused > 0 }

// burst uses the canary more often than the cap allows, on the instances in turn, and counts what is served. It goes on until
// one call was served, so that what an answer holds can be seen: the minute may be used up by the burst before.
func (s *session) burst(ctx context.Context, key string, most int) (burst, error) {
	instances := s.consumer.Gateway.Instances()
	calls := most + 1 + len(instances)
	var b burst
	begun := time.Now()
	for i := 0; i < calls || b.served == 0 && most > 0 && time.Since(begun) < s.window+s.window/4; i++ {
		if i >= calls {
			if err := wait(ctx, s.window/12); err != nil {
				return b, err
			}
		}
		a, err := s.control.Call(ctx, instances[i%len(instances)], key, s.consumer.Route)
		if err != nil {
			return b, err
		}
		if a.Outcome != Served {
			b.refused++
			continue
		}
		b.served++
		if a.Choices > 1 || a.Logprobs {
			b.full = fmt.Sprintf("%d choices, logprobs %t", a.Choices, a.Logprobs)
		}
	}
	b.within = time.Since(begun).Round(time.Millisecond)
	return b, nil
}

// stripped finds whether answers lack what L1 takes from them.
func (s *session) stripped(b burst, found *findings) {
	switch {
	case s.consumer.Gateway.Stripped[s.consumer.Route] == "":
	case b.served == 0:
		found.say("no answer was seen, so that what it holds is not known")
	default:
		found.check("outputs", b.full == "", "its answers hold one choice and no logprobs", "its answers still hold "+b.full)
	}
}
