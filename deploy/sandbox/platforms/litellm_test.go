package platforms_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/gateway"
	"firebreak/deploy/sandbox/platforms"
	"firebreak/deploy/sandbox/server"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// hub is a real LiteLLM of two instances before a model, with the keys of two customers.
type hub struct {
	litellm         *platforms.LiteLLM
	consumers       *gateway.Consumers
	customer, other string
}

// drawer keeps canaries in place of Vault.
type drawer struct{ sync.Map }

func (d *drawer) Seal(_ context.Context, v any) (string, error) {
	name := fmt.Sprintf("vault:v1:%p", &v)
	d.Store(name, v)
	return name, nil
}

func (d *drawer) Open(_ context.Context, sealed string, out any) error {
	v, found := d.Load(sealed)
	text, isText := v.(string)
	if !found || !isText {
		return errors.New("not sealed here")
	}
	*out.(*string) = text
	return nil
}

// model answers as OpenAI does, with as many choices and with the probabilities that it is asked for.
func model(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			N        int  `json:"n"`
			Logprobs bool `json:"logprobs"`
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		var choices []map[string]any
		for i := range max(in.N, 1) {
			c := map[string]any{"index": i, "finish_reason": "stop", "message": map[string]string{"role": "assistant", "content": "a"}}
			if in.Logprobs {
				c["logprobs"] = map[string]any{"content": []any{map[string]any{"token": "a", "logprob": -0.1, "bytes": []int{97}, "top_logprobs": []any{}}}}
			}
			choices = append(choices, c)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "sandbox", "choices": choices,
			"usage": map[string]int{"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
		})
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

func newHub(t *testing.T) *hub {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	skipped := func(err error) {
		t.Helper()
		if os.Getenv(platforms.RequireVariable) == "" && (errors.Is(err, platforms.ErrMissing) || errors.Is(err, server.ErrNoPostgres)) {
			t.Skip(err)
		}
		require.NoError(t, err)
	}
	bin, err := platforms.LiteLLMPython(ctx)
	skipped(err)
	folder := t.TempDir()
	h := &hub{}
	h.litellm, err = platforms.StartLiteLLM(ctx, bin, folder, model(t), 2)
	skipped(err)
	t.Cleanup(func() { require.NoError(t, h.litellm.Stop()) })
	require.NoError(t, os.WriteFile(filepath.Join(folder, "litellm"), []byte(platforms.MasterKey), 0o600))
	h.consumers = gateway.NewConsumers(gateway.NewKeys(folder, nil), &drawer{})
	h.customer = h.issue(t, map[string]any{"key_alias": "customer", "rpm_limit": 600, "models": []string{"assist", "assist-stripped"}, "metadata": map[string]string{"contract": "c-1"}})
	h.other = h.issue(t, map[string]any{"key_alias": "other", "models": []string{"assist"}})
	return h
}

func (h *hub) admin(t *testing.T, method, path string, in any) []byte {
	t.Helper()
	status, out, err := h.litellm.Call(t.Context(), 0, method, path, platforms.MasterKey, in)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "%s %s: %s", method, path, out)
	return out
}

func (h *hub) issue(t *testing.T, fields map[string]any) string {
	t.Helper()
	var out struct{ Key string }
	require.NoError(t, json.Unmarshal(h.admin(t, http.MethodPost, "/key/generate", fields), &out))
	return out.Key
}

func hash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// state is everything that LiteLLM says of a key, but for what its use and each write change by themselves.
func (h *hub) state(t *testing.T, key string) string {
	t.Helper()
	var out struct{ Info map[string]json.RawMessage }
	require.NoError(t, json.Unmarshal(h.admin(t, http.MethodGet, "/key/info?key="+hash(key), nil), &out))
	for _, name := range []string{"spend", "last_active", "updated_at", "settings_updated_at", "updated_by", "model_spend"} {
		delete(out.Info, name)
	}
	text, err := json.Marshal(out.Info)
	require.NoError(t, err)
	return string(text)
}

// use calls an instance with a key n times and returns the statuses.
func (h *hub) use(t *testing.T, instance int, key string, n int) []int {
	t.Helper()
	var out []int
	for range n {
		status, _, err := h.litellm.Call(t.Context(), instance, http.MethodPost, "/v1/chat/completions", key,
			map[string]any{"model": "assist", "messages": []map[string]string{{"role": "user", "content": "hello"}}})
		require.NoError(t, err)
		out = append(out, status)
	}
	return out
}

// on is an act on the customer's key, proved on some of the instances.
func (h *hub) on(action string, instances ...string) *playbooks.Operation {
	return &playbooks.Operation{
		ID: "incident/extraction-event/assist/" + action + "/customer", IncidentID: "incident/extraction-event/assist", Action: action,
		With: map[string]string{"rpm": "2", "tpm": "1000", "parallel": "1", "probes": "3", "interval": "100ms"},
		Target: inventory.Target{ID: "customer", Kind: inventory.ConsumerTarget, Consumer: &inventory.Consumer{
			Route: "assist", KeyHash: hash(h.customer),
			Gateway: inventory.Gateway{
				ID: "litellm", Kind: "litellm", URL: h.litellm.URLs[0], Replicas: instances,
				CacheTTL: (platforms.LiteLLMCacheTTL + time.Second).String(), Stripped: map[string]string{"assist": "assist-stripped"},
			},
		}},
	}
}

// verb is one of the gateway's actions.
type verb interface {
	Capture(context.Context, *playbooks.Operation) (*incident.Capture, error)
	Do(context.Context, *playbooks.Operation) (*incident.Effect, error)
	Verify(context.Context, *playbooks.Operation) (*incident.Proof, error)
	Undo(context.Context, *playbooks.Operation) (*incident.Effect, error)
}

func done(t *testing.T, a verb, op *playbooks.Operation) {
	t.Helper()
	var err error
	op.Capture, err = a.Capture(t.Context(), op)
	require.NoError(t, err)
	op.Effect, err = a.Do(t.Context(), op)
	require.NoError(t, err)
	require.True(t, op.Effect.Changed)
	again, err := a.Do(t.Context(), op)
	require.NoError(t, err)
	require.False(t, again.Changed, "a repeated act changes nothing")
}

func proved(t *testing.T, a verb, op *playbooks.Operation) {
	t.Helper()
	p, err := a.Verify(t.Context(), op)
	require.NoError(t, err)
	require.True(t, p.Proved, p.Method)
	t.Log(op.Action, p.Method)
}

func undone(t *testing.T, a verb, op *playbooks.Operation) {
	t.Helper()
	_, err := a.Undo(t.Context(), op)
	require.NoError(t, err)
}

// down is the act that ends another.
func (h *hub) down(action string, up *playbooks.Operation, instances ...string) *playbooks.Operation {
	op := h.on(action, instances...)
	op.With = maps.Clone(up.With)
	op.Superseded = &incident.Receipt{Capture: up.Capture, Effect: up.Effect}
	return op
}

// TestLiteLLM throttles, blocks and lets a customer in again at a real proxy, and holds what others get against it.
//
// The conformance kit is asked of litellmfake alone: most of its twenty-two cases would wait for the proxy's caches, and those of a
// throttle for the minute over which its cap is seen, some of them more than once.
func TestLiteLLM(t *testing.T) {
	h := newHub(t)
	first, both := h.litellm.URLs[:1], h.litellm.URLs
	before := h.state(t, h.customer)
	throttle, block := gateway.NewThrottle(h.consumers), gateway.NewBlock(h.consumers)
	unblock, restore := gateway.NewUnblock(h.consumers), gateway.NewRestore(h.consumers)
	served := []int{200, 200, 200, 200, 200}
	require.Equal(t, served, h.use(t, 0, h.customer, 5))
	require.Equal(t, served, h.use(t, 1, h.customer, 5))

	step := func(name string, f func(t *testing.T)) {
		t.Helper()
		require.True(t, t.Run(name, f), "what comes next begins where this ends")
	}
	step("throttled, seen in the rate, and undone byte for byte", func(t *testing.T) {
		op := h.on("consumer.throttle", first...)
		done(t, throttle, op)
		require.Equal(t, []int{429, 429, 429, 429, 429}, h.use(t, 0, h.customer, 5), "the key has had more than its cap in this minute")
		require.Equal(t, served, h.use(t, 0, h.other, 5), "others are unharmed")
		proved(t, throttle, op)
		undone(t, throttle, op)
		require.Equal(t, before, h.state(t, h.customer))
		require.Equal(t, served, h.use(t, 0, h.customer, 5))
	})
	step("a cap that the instances do not share is not proved", func(t *testing.T) {
		op := h.on("consumer.throttle", both...)
		done(t, throttle, op)
		p, err := throttle.Verify(t.Context(), op)
		require.NoError(t, err)
		require.False(t, p.Proved, p.Method)
		require.Contains(t, p.Method, "do the instances share it?")
		undone(t, throttle, op)
		require.Equal(t, before, h.state(t, h.customer))
	})
	step("blocked, past every cache, and undone byte for byte", func(t *testing.T) {
		op := h.on("consumer.block", both...)
		require.Equal(t, []int{200}, h.use(t, 1, h.customer, 1))
		done(t, block, op)
		require.Equal(t, []int{401}, h.use(t, 0, h.customer, 1))
		require.Equal(t, []int{200}, h.use(t, 1, h.customer, 1), "the other instance goes on by its cache")
		proved(t, block, op)
		require.Equal(t, []int{401}, h.use(t, 1, h.customer, 1))
		require.Equal(t, served, slices.Concat(h.use(t, 0, h.other, 3), h.use(t, 1, h.other, 2)))
		undone(t, block, op)
		require.Equal(t, before, h.state(t, h.customer))
	})
	step("up the ladder and down again", func(t *testing.T) {
		l1, l3 := h.on("consumer.throttle", first...), h.on("consumer.block", both...)
		done(t, throttle, l1)
		proved(t, throttle, l1)
		done(t, block, l3)
		proved(t, block, l3)
		fromL3 := h.down("consumer.unblock", l3, both...)
		done(t, unblock, fromL3)
		proved(t, unblock, fromL3)
		fromL1 := h.down("consumer.restore", l1, first...)
		done(t, restore, fromL1)
		proved(t, restore, fromL1)
		require.Equal(t, before, h.state(t, h.customer))
		require.Equal(t, served, h.use(t, 0, h.customer, 5))
	})
}
