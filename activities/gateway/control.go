package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// ConsumerControl is what a gateway must be able to do. A consumer is the hash of a key; actor is who the gateway's audit log
// is told did it.
type ConsumerControl interface {
	// Info returns what the gateway knows of a consumer, without anything secret. errNoKey says that it knows none.
	Info(ctx context.Context, consumer string) (Key, error)
	// Usage counts what the consumer did since an instant, as far as the gateway has written it down.
	Usage(ctx context.Context, consumer string, since time.Time) (Usage, error)
	// Limit sets the fields of limits to these values and leaves everything else as it is.
	Limit(ctx context.Context, consumer string, l Limits, actor string) error
	// Block refuses the consumer, or lets it in again.
	Block(ctx context.Context, consumer string, blocked bool, actor string) error
	// Issue makes a key that only firebreak has, for the models, and returns it with its hash. Withdraw removes it.
	// WithdrawNamed removes one that was made without its maker's learning of it.
	Issue(ctx context.Context, name string, models []string, actor string) (key, hash string, err error)
	Withdraw(ctx context.Context, hash, actor string) error
	WithdrawNamed(ctx context.Context, name, actor string) error
	// Call uses a key on one instance, as its holder would.
	Call(ctx context.Context, instance, key, model string) (Answer, error)
}

// Key is what a gateway knows of a key: the fields that may be recorded, each exactly as it was answered.
type Key struct {
	Fields map[string]json.RawMessage `json:"fields"`
	// MetadataSHA256 stands for the metadata, which may hold secrets of the gateway's loggers.
	MetadataSHA256 string `json:"metadata_sha256,omitempty"`
}

// Names of the fields of a key in LiteLLM.
const (
	fieldBlocked  = "blocked"
	fieldRequests = "rpm_limit"
	fieldTokens   = "tpm_limit"
	fieldParallel = "max_parallel_requests"
	fieldAliases  = "aliases"
)

// limitFields are those that throttling changes.
func limitFields() []string { return []string{fieldRequests, fieldTokens, fieldParallel, fieldAliases} }

// recordedFields are those that a capture keeps.
func recordedFields() []string {
	return append(limitFields(), fieldBlocked, "max_budget", "budget_duration", "models", "expires", "spend", "user_id", "team_id", "last_active")
}

// blocked reports whether the gateway says that the key is blocked.
func (k Key) blocked() bool { return string(k.Fields[fieldBlocked]) == "true" }

// flag is blocked as it was answered, null where it was never set.
func (k Key) flag() json.RawMessage {
	if raw := k.Fields[fieldBlocked]; len(raw) > 0 {
		return raw
	}
	return json.RawMessage("null")
}

// limits are the key's own limits, null where it has none.
func (k Key) limits() Limits {
	l := Limits{}
	for _, name := range limitFields() {
		if l[name] = k.Fields[name]; len(l[name]) == 0 {
			l[name] = json.RawMessage("null")
		}
	}
	return l
}

// Limits are the fields of a key that throttling changes, exactly as JSON has them.
type Limits map[string]json.RawMessage

// equal compares values, whatever the order of keys. LiteLLM answers {} for aliases that were never set and for those that
// were set to nothing.
func (l Limits) equal(other Limits) bool {
	return slices.Equal(slices.Sorted(maps.Keys(l)), slices.Sorted(maps.Keys(other))) &&
		!slices.ContainsFunc(slices.Collect(maps.Keys(l)), func(name string) bool { return !sameJSON(l[name], other[name]) })
}

func sameJSON(a, b json.RawMessage) bool {
	var canonical [2][]byte
	for i, raw := range []json.RawMessage{a, b} {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			return false
		}
		if object, ok := v.(map[string]any); ok && len(object) == 0 {
			v = nil
		}
		canonical[i], _ = json.Marshal(v)
	}
	return bytes.Equal(canonical[0], canonical[1])
}

// String writes the limits for people.
func (l Limits) String() string {
	var parts []string
	for _, part := range []struct{ field, what string }{{fieldRequests, "requests a minute"}, {fieldTokens, "tokens a minute"}, {fieldParallel, "at a time"}} {
		if raw := string(l[part.field]); raw != "null" && raw != "" {
			parts = append(parts, raw+" "+part.what)
		}
	}
	if len(parts) == 0 {
		parts = []string{"no limits"}
	}
	if raw := l[fieldAliases]; !sameJSON(raw, json.RawMessage("{}")) {
		parts = append(parts, "aliases "+string(raw))
	}
	return strings.Join(parts, ", ")
}

// Usage is what a consumer did: Requests that were answered, and Refused ones as far as the gateway writes them down. Last
// is when the newest answered request began.
type Usage struct {
	Requests int       `json:"requests"`
	Refused  int       `json:"refused"`
	Tokens   int64     `json:"tokens"`
	Spend    float64   `json:"spend"`
	Last     time.Time `json:"last,omitzero"`
	// Partial is true if the gateway returned no more rows than it ever does.
	Partial bool `json:"partial,omitempty"`
}

// Answer is what came of one call. An error of Call means that it tells nothing about the key.
type Answer struct {
	// Outcome is one of the outcomes below.
	Outcome Outcome
	How     string
	Took    time.Duration
	// Choices and Logprobs say what an answer held.
	Choices  int
	Logprobs bool
}

// Outcome is how a gateway treated a call.
type Outcome string

// The outcomes: served, refused because the key is blocked, refused because it is over a limit.
const (
	Served  Outcome = "served"
	Blocked Outcome = "blocked"
	Limited Outcome = "limited"
)
