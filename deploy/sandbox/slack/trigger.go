package slack

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"
)

// triggerLife is how long a trigger_id can be exchanged for a modal.
const triggerLife = 3 * time.Second

// triggers are the trigger_ids that were given out. The zero value holds none.
type triggers struct {
	mu    sync.Mutex
	count int
	known map[string]*trigger
}

type trigger struct {
	user string
	at   time.Time
	used bool
	// view is the modal from which it came, empty for messages, commands and the home.
	view string
}

// make gives a new one out.
func (t *triggers) make(user, view string, now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil || t.count%maxCalls == maxCalls-1 {
		t.known = make(map[string]*trigger) // old ones have run out long ago
	}
	t.count++
	id := fmt.Sprintf("%d.%d.%s", t.count, now.UnixMilli(), rand.Text())
	t.known[id] = &trigger{user: user, at: now, view: view}
	return id
}

// exchange uses a trigger up.
func (t *triggers) exchange(id string, now time.Time) (trigger, *failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.known[id]
	switch {
	case found == nil:
		return trigger{}, &failure{code: "invalid_trigger_id"}
	case found.used:
		return trigger{}, &failure{code: "exchanged_trigger_id"}
	case now.Sub(found.at) > triggerLife:
		return trigger{}, &failure{code: "expired_trigger_id"}
	}
	found.used = true
	return *found, nil
}
