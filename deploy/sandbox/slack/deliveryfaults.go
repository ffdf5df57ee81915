package slack

import (
	"slices"
	"time"
)

// deliveryFault is what a delivery to the app meets. The zero value is none.
type deliveryFault struct {
	kind   string
	left   int
	copies int
	delay  time.Duration
	lose   bool
	forge  bool
}

func (f *faults) addDelivery(planned deliveryFault, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	planned.left = n
	if n <= 0 {
		planned.left = -1
	}
	f.deliveries = append(f.deliveries, planned)
}

// takeDelivery returns the first fault that stands for the kind and uses one of its deliveries up.
func (f *faults) takeDelivery(kind string) deliveryFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.deliveries, func(q deliveryFault) bool { return q.kind == kind || q.kind == AnyMethod })
	if i < 0 {
		return deliveryFault{}
	}
	found := f.deliveries[i]
	if f.deliveries[i].left > 0 {
		f.deliveries[i].left--
	}
	if f.deliveries[i].left == 0 {
		f.deliveries = slices.Delete(f.deliveries, i, i+1)
	}
	return found
}

// Duplicate delivers each of the next n of a kind copies times more, at the same time and with the same trigger_id or
// event_id. Kinds are those of [Delivery], or AnyMethod. n of zero or less means until ClearFaults.
func (s *Server) Duplicate(kind string, n, copies int) {
	s.faults.addDelivery(deliveryFault{kind: kind, copies: copies}, n)
}

// Delay delivers the next n of a kind late by d. With d beyond the app's time to answer, the person is told that it
// failed before the app hears of it.
func (s *Server) Delay(kind string, n int, d time.Duration) {
	s.faults.addDelivery(deliveryFault{kind: kind, delay: d}, n)
}

// Lose never delivers the next n of a kind.
func (s *Server) Lose(kind string, n int) {
	s.faults.addDelivery(deliveryFault{kind: kind, lose: true}, n)
}

// Forge spoils the signature of the next n of a kind that go over HTTP: the app must refuse them.
func (s *Server) Forge(kind string, n int) {
	s.faults.addDelivery(deliveryFault{kind: kind, forge: true}, n)
}
