package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// adminKeys finds the key for a gateway's administration.
type adminKeys interface {
	AdminKey(context.Context, inventory.Gateway) (string, error)
}

// sealer keeps canaries as ciphertext that may be recorded.
type sealer interface {
	Seal(context.Context, any) (string, error)
	Open(context.Context, string, any) error
}

// Consumers is what the actions on consumers share.
type Consumers struct {
	keys   adminKeys
	sealer sealer
	// connect returns the gateway's control; tests put others in its place.
	connect func(address, adminKey string) ConsumerControl
	// window is the time over which a cap on requests is observed, and in which a gateway writes its log.
	window time.Duration
}

// NewConsumers returns the ground of the actions. Canaries are sealed, and the keys for administration come from keys.
func NewConsumers(keys adminKeys, s sealer) *Consumers {
	return &Consumers{keys: keys, sealer: s, window: time.Minute,
		connect: func(address, adminKey string) ConsumerControl { return NewLiteLLM(address, adminKey) }}
}

// session is one stage of one action on one consumer.
type session struct {
	*Consumers
	op       *playbooks.Operation
	consumer *inventory.Consumer
	control  ConsumerControl
	actor    string
	ttl      time.Duration
}

// state is Capture.State: what /key/info said before anything changed, and the keys of firebreak's own.
type state struct {
	Key   Key   `json:"key"`
	Usage Usage `json:"usage"`
	// Canary gets what the consumer gets; Bystander gets nothing, and Before is how it was served.
	Canary    canary  `json:"canary"`
	Bystander canary  `json:"bystander"`
	Before    service `json:"before"`
}

// usageWindow is how far back a capture counts what the consumer did.
const usageWindow = 10 * time.Minute

func (c *Consumers) session(ctx context.Context, op *playbooks.Operation) (*session, error) {
	t := op.Target.Consumer
	if t == nil {
		return nil, failure.New(failure.Invalid, "target %s is not a consumer of a gateway", op.Target.ID)
	}
	if t.Gateway.Kind != "litellm" {
		return nil, failure.New(failure.Unsupported, "gateway %s is of kind %s, on which firebreak cannot act", t.Gateway.ID, t.Gateway.Kind)
	}
	if k := op.Target.Credential; k != nil && k.Protected {
		return nil, failure.New(failure.Refused, "key %s is protected: it is firebreak's own or for emergencies", k.ID)
	}
	if !incident.IsKeyHash(t.KeyHash) {
		return nil, failure.New(failure.Invalid, "key %s: its key_hash is not a SHA-256", op.Target.ID)
	}
	ttl, err := t.Gateway.TTL()
	if err != nil {
		return nil, failure.New(failure.Invalid, "gateway %s: cache_ttl is not a duration", t.Gateway.ID)
	}
	adminKey, err := c.keys.AdminKey(ctx, t.Gateway)
	if err != nil {
		return nil, fmt.Errorf("read the key for administration of gateway %s: %w", t.Gateway.ID, err)
	}
	return &session{Consumers: c, op: op, consumer: t, control: c.connect(t.Gateway.URL, adminKey), actor: "firebreak " + op.IncidentID, ttl: ttl}, nil
}

// info reads the consumer's key. One that the gateway does not know is a fault of the inventory.
func (s *session) info(ctx context.Context) (Key, error) {
	k, err := s.control.Info(ctx, s.consumer.KeyHash)
	if errors.Is(err, errNoKey) {
		return Key{}, failure.New(failure.Invalid, "gateway %s knows no key with the hash of %s (%s); correct the inventory",
			s.consumer.Gateway.ID, s.op.Target.ID, incident.ShortKey(s.consumer.KeyHash))
	}
	return k, err
}

// capture saves what the gateway says of the key and makes the keys that the proof needs.
func (s *session) capture(ctx context.Context) (*incident.Capture, error) {
	k, err := s.info(ctx)
	if err != nil {
		return nil, err
	}
	st := state{Key: k}
	if st.Usage, err = s.control.Usage(ctx, s.consumer.KeyHash, time.Now().Add(-usageWindow)); err != nil {
		return nil, err
	}
	if st.Canary, err = s.issue(ctx, "canary"); err != nil {
		return nil, err
	}
	if st.Bystander, err = s.issue(ctx, "bystander"); err != nil {
		return nil, err
	}
	if st.Before, err = s.warm(ctx, &st); err != nil {
		return nil, err
	}
	return s.encode(st, s.summary(st))
}

func (s *session) encode(st state, summary string) (*incident.Capture, error) {
	raw, err := json.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("encode state of %s: %w", s.op.Target.ID, err)
	}
	return &incident.Capture{Summary: summary, State: raw, At: time.Now().UTC()}, nil
}

func (s *session) summary(st state) string {
	blocked := "not blocked"
	if st.Key.blocked() {
		blocked = "blocked already"
	}
	return fmt.Sprintf("key %s on %s: %s; %s; %d requests in the last %s; %s; everybody else: %s",
		incident.ShortKey(s.consumer.KeyHash), s.consumer.Gateway.ID, st.Key.limits(), blocked, st.Usage.Requests, usageWindow, st.Canary.describe(), st.Before)
}

// read returns the state that Capture saved.
func read(op *playbooks.Operation, c *incident.Capture) (state, error) {
	var st state
	if c == nil || len(c.State) == 0 {
		return st, failure.New(failure.Invalid, "%s on %s: nothing was captured", op.Action, op.Target.ID)
	}
	if err := json.Unmarshal(c.State, &st); err != nil {
		return st, failure.New(failure.Invalid, "%s on %s: read captured state: %w", op.Action, op.Target.ID, err)
	}
	return st, nil
}

// name is the alias of a key of firebreak's own, the same in every try of the same act. It says nothing of the incident to
// whoever reads the gateway's list.
func (s *session) name(role string) string {
	sum := sha256.Sum256([]byte(s.op.ID))
	return fmt.Sprintf("firebreak-%s-%s", role, hex.EncodeToString(sum[:12]))
}

// effectAt is when the act last took place.
func effectAt(op *playbooks.Operation) time.Time {
	if op.Effect == nil {
		return time.Time{}
	}
	return op.Effect.At
}

// settled is when no instance may go on any more by what it knew before the act.
func (s *session) settled() time.Time { return effectAt(s.op).Add(s.ttl) }

// settle waits until then.
func (s *session) settle(ctx context.Context) error { return wait(ctx, time.Until(s.settled())) }

// watched waits until the gateway's log covers a whole window since then. A log that covers no time shows nothing.
func (s *session) watched(ctx context.Context) error {
	return wait(ctx, time.Until(s.settled().Add(s.window)))
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
