package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/conformance"
	"firebreak/activities/gateway/litellmfake"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

const (
	customerKey = "sk-customer-9876543210"
	// ttl and window stand for a minute each.
	ttl, window = 40 * time.Millisecond, time.Second
)

// vault seals in memory.
type vault struct {
	mu     sync.Mutex
	sealed map[string]string
	fail   error
}

func (v *vault) Seal(_ context.Context, value any) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fail != nil {
		return "", v.fail
	}
	raw, err := json.Marshal(value)
	name := fmt.Sprintf("vault:v1:%d", len(v.sealed))
	v.sealed[name] = string(raw)
	return name, err
}

func (v *vault) Open(_ context.Context, sealed string, out any) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fail != nil {
		return v.fail
	}
	return json.Unmarshal([]byte(v.sealed[sealed]), out)
}

// masterKey finds the key for administration, or fails.
type masterKey struct{ fail error }

func (m masterKey) AdminKey(context.Context, inventory.Gateway) (string, error) {
	return litellmfake.MasterKey, m.fail
}

// scene is a customer's key at a gateway of two instances, the first of which takes the calls of administration.
type scene struct {
	fake      *litellmfake.Gateway
	provider  *conformance.Provider
	vault     *vault
	consumers *Consumers
	op        *playbooks.Operation
	hash      string
}

func newScene(t *testing.T, action string, change func(*litellmfake.Settings)) *scene {
	t.Helper()
	settings := litellmfake.Settings{Instances: 2, CacheTTL: ttl, Window: window, Stripped: []string{"assist-stripped"}}
	if change != nil {
		change(&settings)
	}
	s := &scene{fake: litellmfake.New(settings), vault: &vault{sealed: map[string]string{}}}
	s.provider = conformance.NewProvider(s.fake.Instance(0), changesConsumer)
	first, second := httptest.NewServer(s.provider), httptest.NewServer(s.fake.Instance(1))
	t.Cleanup(first.Close)
	t.Cleanup(second.Close)
	s.hash = s.fake.Add(customerKey, map[string]any{"rpm_limit": 600, "models": []string{"assist", "assist-stripped"}, "metadata": map[string]string{"logger": "sk-secret-of-a-logger"}})
	s.consumers = NewConsumers(masterKey{}, s.vault)
	s.consumers.window = window
	s.consumers.connect = func(address, adminKey string) ConsumerControl {
		return NewLiteLLM(address, adminKey).WithTimeout(2 * time.Second)
	}
	s.op = operation(action, inventory.Consumer{
		Route: "assist", KeyHash: s.hash,
		Gateway: inventory.Gateway{ID: "litellm-eu", Kind: "litellm", URL: first.URL, Replicas: []string{first.URL, second.URL}, CacheTTL: ttl.String(), Stripped: map[string]string{"assist": "assist-stripped"}},
	})
	return s
}

func operation(action string, c inventory.Consumer) *playbooks.Operation {
	return &playbooks.Operation{
		ID: "incident/extraction-event/assist/" + action + "/key-7", IncidentID: "incident/extraction-event/assist", Step: "act", Action: action,
		Target: inventory.Target{ID: "key-7", Kind: inventory.ConsumerTarget, Consumer: &c},
		With:   map[string]string{"rpm": "2", "tpm": "1000", "parallel": "1", "probes": "2", "interval": "10ms"},
	}
}

// changesConsumer reports whether a request changes the customer's key. Firebreak's own keys are made by Capture.
func changesConsumer(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/key/") && r.Method == http.MethodPost && r.URL.Path != "/key/generate" && r.URL.Path != "/key/delete"
}

// stages are an action's.
type stages interface {
	Capture(context.Context, *playbooks.Operation) (*incident.Capture, error)
	Do(context.Context, *playbooks.Operation) (*incident.Effect, error)
	Verify(context.Context, *playbooks.Operation) (*incident.Proof, error)
	Undo(context.Context, *playbooks.Operation) (*incident.Effect, error)
}

func (s *scene) captured(t *testing.T, a stages) {
	t.Helper()
	c, err := a.Capture(t.Context(), s.op)
	require.NoError(t, err)
	s.op.Capture = c
}

func (s *scene) done(t *testing.T, a stages) *incident.Effect {
	t.Helper()
	if s.op.Capture == nil {
		s.captured(t, a)
	}
	e, err := a.Do(t.Context(), s.op)
	require.NoError(t, err)
	s.op.Effect = e
	return e
}

// superseded turns to the way down: what was done is the act that the next one ends.
func (s *scene) superseded(t *testing.T, up stages, action string) {
	t.Helper()
	s.done(t, up)
	op := operation(action, *s.op.Target.Consumer)
	op.Superseded = &incident.Receipt{Capture: s.op.Capture, Effect: s.op.Effect}
	op.With = maps.Clone(s.op.With)
	s.op = op
	s.provider.Forget()
}

func (s *scene) subject(a stages) *conformance.Subject {
	return &conformance.Subject{
		Action: a, Operation: s.op, Provider: s.provider,
		Secrets: []string{litellmfake.MasterKey, customerKey, "sk-issued", "sk-secret-of-a-logger"},
		State:   func(*testing.T) string { return s.fake.State(s.hash) },
		Absent:  func(*testing.T) { s.fake.Remove(s.hash) },
	}
}

// elsewise is what another administrator does to the key meanwhile.
func (s *scene) elsewise(*testing.T) { s.fake.Set(s.hash, map[string]any{"rpm_limit": 77}) }

var errSealed = errors.New("vault is sealed")
