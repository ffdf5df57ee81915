package slack

import (
	"slices"
	"sync"
	"time"
)

// AnyMethod in place of a method's name lets a fault meet every method.
const AnyMethod = "*"

type faultAction int

const (
	none faultAction = iota
	rateLimit
	failWith
	failHTTP
	hangUp
)

type fault struct {
	method     string
	left       int // how many calls it still meets; below zero: all of them
	action     faultAction
	retryAfter time.Duration
	slackError string
	status     int
}

// faults are what the next calls and deliveries meet. The zero value is a healthy server.
type faults struct {
	mu         sync.Mutex
	down       bool
	queue      []fault
	deliveries []deliveryFault
}

func (f *faults) isDown() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.down
}

func (f *faults) add(planned fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if planned.left <= 0 {
		planned.left = -1
	}
	f.queue = append(f.queue, planned)
}

// take returns the first fault that stands for method and uses one of its calls up.
func (f *faults) take(method string) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.queue, func(q fault) bool { return q.method == method || q.method == AnyMethod })
	if i < 0 {
		return fault{}
	}
	found := f.queue[i]
	if f.queue[i].left > 0 {
		f.queue[i].left--
	}
	if f.queue[i].left == 0 {
		f.queue = slices.Delete(f.queue, i, i+1)
	}
	return found
}

// Down makes every API call answer HTTP 503 until it is called with false. The
// pages for people stay readable.
func (s *Server) Down(down bool) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.down = down
}

// RateLimit answers the next n calls of a method with HTTP 429 and a
// Retry-After header in whole seconds, rounded up. n of zero or less means
// until ClearFaults; faults of one method are met in the order they were added.
func (s *Server) RateLimit(method string, n int, retryAfter time.Duration) {
	s.faults.add(fault{method: method, left: n, action: rateLimit, retryAfter: retryAfter})
}

// Fail answers the next n calls of a method with HTTP 200, ok:false and
// slackError, such as "fatal_error", without doing the work.
func (s *Server) Fail(method string, n int, slackError string) {
	s.faults.add(fault{method: method, left: n, action: failWith, slackError: slackError})
}

// FailHTTP answers the next n calls of a method with an HTTP status such as 500 and a page of HTML, without doing the work.
func (s *Server) FailHTTP(method string, n, status int) {
	s.faults.add(fault{method: method, left: n, action: failHTTP, status: status})
}

// TimeoutAfterDoing does the work of the next n calls of a method and closes
// the connection without an answer: the caller cannot know that it was done.
func (s *Server) TimeoutAfterDoing(method string, n int) {
	s.faults.add(fault{method: method, left: n, action: hangUp})
}

// ClearFaults makes the server healthy again.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.down = false
	s.faults.queue = nil
	s.faults.deliveries = nil
}
