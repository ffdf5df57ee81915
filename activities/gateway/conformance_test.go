package gateway

import (
	"testing"
	"time"

	"firebreak/activities/conformance"
)

const oneBit = "blocked is yes or no: there is nothing that another could have set beside it"

func TestThrottleConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		s := newScene(t, "consumer.throttle", nil)
		sub := s.subject(NewThrottle(s.consumers))
		sub.Change, sub.ChangeAfter = s.elsewise, s.elsewise
		sub.Hollow = func(*testing.T) { s.fake.Stale() }
		return sub
	})
}

func TestBlockConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		s := newScene(t, "consumer.block", nil)
		sub := s.subject(NewBlock(s.consumers))
		sub.WhyNoChange, sub.WhyNoChangeAfter = oneBit, oneBit
		sub.Hollow = func(*testing.T) { s.fake.Stale() }
		return sub
	})
}

func TestUnblockConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		s := newScene(t, "consumer.block", nil)
		s.superseded(t, NewBlock(s.consumers), "consumer.unblock")
		sub := s.subject(NewUnblock(s.consumers))
		sub.WhyNoChange, sub.WhyNoChangeAfter = oneBit, oneBit
		sub.Hollow = func(*testing.T) { s.fake.Stale() }
		return sub
	})
}

func TestRestoreConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		s := newScene(t, "consumer.throttle", nil)
		s.superseded(t, NewThrottle(s.consumers), "consumer.restore")
		time.Sleep(ttl)
		sub := s.subject(NewRestore(s.consumers))
		sub.Change, sub.ChangeAfter = s.elsewise, s.elsewise
		sub.Hollow = func(t *testing.T) { s.fake.Stale() }
		return sub
	})
}
