package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"
)

const (
	// seenFor is longer than a captured request stays valid: its time stamp may be a window ahead and is then good for
	// another one.
	seenFor = 2*signatureWindow + time.Minute
	// seenLimit bounds the memory of deliveries; the oldest go first. The incident knows the same decision by its update id
	// even after that, and after a restart.
	seenLimit = 20000
)

// seen remembers deliveries, so that one which comes again takes effect once.
type seen struct {
	mu    sync.Mutex
	now   func() time.Time
	known map[string]*sighting
	// order holds the sightings oldest first, those that were forgotten too.
	order []*sighting
}

// sighting is one delivery: recorded is closed once what was asked is durable, or known not to be.
type sighting struct {
	key      string
	at       time.Time
	recorded chan struct{}
}

func newSeen(now func() time.Time) *seen { return &seen{now: now, known: map[string]*sighting{}} }

// claim reports whether the delivery is a new one; if not, it returns the first one's sighting.
func (s *seen) claim(key string) (*sighting, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for len(s.order) > 0 {
		oldest := s.order[0]
		if now.Sub(oldest.at) < seenFor && len(s.order) < seenLimit {
			break
		}
		s.drop(oldest)
		s.order = s.order[1:]
	}
	if first := s.known[key]; first != nil {
		return first, false
	}
	mine := &sighting{key: key, at: now, recorded: make(chan struct{})}
	s.known[key] = mine
	s.order = append(s.order, mine)
	return mine, true
}

// forget lets a delivery be tried again that came to nothing.
func (s *seen) forget(one *sighting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(one)
}

func (s *seen) drop(one *sighting) {
	if s.known[one.key] == one {
		delete(s.known, one.key)
	}
}

// key tells deliveries apart by what Slack itself calls them. The same click has the same key in every process.
func (d *slackDelivery) key() string {
	team, app, user := d.origin()
	parts := []string{team, app, user}
	switch {
	case d.command != nil:
		parts = append(parts, "command", d.command.TriggerID)
	case d.event != nil:
		parts = append(parts, "event", d.event.EventID)
	case d.interaction.Type == slackViewSubmission:
		// A modal that is sent twice unchanged is one answer, whichever button press it was.
		v := d.interaction.View
		state, _ := json.Marshal(v.State)
		parts = append(parts, "view", v.ID, v.PrivateMetadata, string(state))
	default:
		in := d.interaction
		parts = append(parts, in.Type, in.Channel.ID, in.Container.MessageTS, in.Container.ViewID)
		for _, a := range in.Actions {
			parts = append(parts, a.BlockID, a.ActionID, a.value(), a.ActionTS)
			if a.ActionTS == "" {
				parts = append(parts, in.TriggerID)
			}
		}
	}
	// As a list of JSON strings no two different lists read the same.
	text, _ := json.Marshal(parts)
	sum := sha256.Sum256(text)
	return "slack-" + hex.EncodeToString(sum[:16])
}

// updateIDKey finds in a call's context the id of the update that the call is to send.
type updateIDKey struct{}

// withUpdateID names the updates that are sent under the context: Temporal takes one id once and answers each further
// update of that id with what came of the first.
func withUpdateID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, updateIDKey{}, id)
}

// updateID is the id that the context names; an empty one lets the SDK choose.
func updateID(ctx context.Context) string {
	id, _ := ctx.Value(updateIDKey{}).(string)
	return id
}
