package main

import "sync"

// maxRechecks bounds what is remembered; what is forgotten is found again, a call later.
const maxRechecks = 10_000

// rechecks remembers which incident was the newest of those that have been closed and opened again.
type rechecks struct {
	mu sync.Mutex
	of map[string]int
}

func (r *rechecks) newest(base string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of[base]
}

func (r *rechecks) note(base string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n == 0 {
		delete(r.of, base)
		return
	}
	if r.of == nil || len(r.of) >= maxRechecks {
		r.of = map[string]int{}
	}
	r.of[base] = n
}
