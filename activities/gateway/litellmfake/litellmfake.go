// Package litellmfake is LiteLLM's proxy in memory for tests: several instances over one database, each with a cache of its
// own, with the answers that LiteLLM gives. It can fail as the proxy fails: refuse, be slow, act and answer with an error all
// the same, go on by a stale cache, read from a replica that lags, and limit by instance for want of a shared counter.
package litellmfake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// MasterKey is the key for administration.
const MasterKey = "sk-master-canary-0123456789"

// Settings are how a proxy is set up.
type Settings struct {
	// Instances is how many there are; one if it is zero.
	Instances int
	// CacheTTL is how long an instance goes on by what it knew of a key; Window is the minute of the limiter.
	CacheTTL, Window time.Duration
	// Apart is true if the instances share no Redis: each counts for itself.
	Apart bool
	// Stripped are models whose answers hold one choice and no probabilities; Plain ones refuse to be asked for more.
	Stripped, Plain []string
}

// Gateway is a proxy.
type Gateway struct {
	settings Settings

	mu     sync.Mutex
	rows   map[string]row
	before []snapshot
	caches []map[string]cached
	counts map[string]*count
	spend  []entry
	audit  []string
	issued int

	fail     func(call string) (status int, acted bool)
	lag      time.Duration
	stale    bool
	upstream int
}

// row is a key as the database has it, without the key.
type row map[string]json.RawMessage

// snapshot is what a replica still reads.
type snapshot struct {
	until time.Time
	rows  map[string]row
}

type cached struct {
	row   row
	until time.Time
}

// New returns a proxy. Its instances are handlers; nothing listens yet.
func New(s Settings) *Gateway {
	s.Instances = max(s.Instances, 1)
	g := &Gateway{settings: s, rows: map[string]row{}, counts: map[string]*count{}}
	for range s.Instances {
		g.caches = append(g.caches, map[string]cached{})
	}
	return g
}

// Serve starts every instance for the time of a test and returns the addresses.
func (g *Gateway) Serve(t testing.TB) []string {
	t.Helper()
	var out []string
	for i := range g.settings.Instances {
		s := httptest.NewServer(g.Instance(i))
		t.Cleanup(s.Close)
		out = append(out, s.URL)
	}
	return out
}

// Instance is one of the proxy's processes.
func (g *Gateway) Instance(i int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.serve(i, w, r) })
}

// Hash is what LiteLLM calls a key.
func Hash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// Add makes a customer's key and returns its hash. Fields are as in POST /key/generate.
func (g *Gateway) Add(key string, fields map[string]any) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rows[Hash(key)] = newRow(fields)
	return Hash(key)
}

// Set changes fields of a key in the database, as another administrator does.
func (g *Gateway) Set(hash string, fields map[string]any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := maps.Clone(g.rows[hash])
	for name, v := range fields {
		r[name] = encode(v)
	}
	g.rows[hash] = r
}

// Remove deletes a key.
func (g *Gateway) Remove(hash string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.rows, hash)
}

// State is a key as the database has it.
func (g *Gateway) State(hash string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return string(encode(g.rows[hash]))
}

// Names are the aliases of all keys.
func (g *Gateway) Names() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []string
	for _, r := range g.rows {
		out = append(out, r.text("key_alias"))
	}
	slices.Sort(out)
	return out
}

// Used writes requests of a key into the spend log.
func (g *Gateway) Used(hash string, at time.Time, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for range n {
		g.spend = append(g.spend, entry{key: hash, at: at, status: "success"})
	}
}

// Audit are the changes with the actors that the header litellm-changed-by named.
func (g *Gateway) Audit() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.audit)
}

// Fail makes calls such as "POST /key/block" fail with a status, after they acted if acted is true. A status of 0 lets a call be.
func (g *Gateway) Fail(f func(call string) (status int, acted bool)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fail = f
}

// Lag makes reads see what was written only after a while.
func (g *Gateway) Lag(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lag = d
}

// Stale makes every instance go on for ever by what it knows of a key now.
func (g *Gateway) Stale() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stale = true
	for _, c := range g.caches {
		for hash, r := range g.rows {
			c[hash] = cached{row: r, until: time.Now().Add(time.Hour)}
		}
	}
}

// Upstream makes the model behind the proxy answer with a status.
func (g *Gateway) Upstream(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.upstream = status
}

func (g *Gateway) serve(i int, w http.ResponseWriter, r *http.Request) {
	call := r.Method + " " + r.URL.Path
	g.mu.Lock()
	defer g.mu.Unlock()
	status, acted := 0, false
	if g.fail != nil {
		status, acted = g.fail(call)
	}
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if status != 0 && !acted {
		refuse(w, status, "no, "+key)
		return
	}
	a := g.answer(i, call, key, r)
	switch {
	case status != 0:
		refuse(w, status, "done, but "+key)
	case a.status != http.StatusOK:
		if a.status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "60")
		}
		refuse(w, a.status, a.message)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(a.body)
	}
}

// answer is what a call comes to.
type answer struct {
	status  int
	message string
	body    any
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

func refused(status int, message string) answer { return answer{status: status, message: message} }

func (g *Gateway) answer(i int, call, key string, r *http.Request) answer {
	var in map[string]json.RawMessage
	if r.Method == http.MethodPost && json.NewDecoder(r.Body).Decode(&in) != nil {
		return refused(http.StatusUnprocessableEntity, "Input should be a valid dictionary")
	}
	if call == "POST /v1/chat/completions" {
		return g.chat(i, key, in)
	}
	if key != MasterKey {
		return refused(http.StatusUnauthorized, "Authentication Error, Invalid proxy server token passed. Received API Key = "+key)
	}
	actor := r.Header.Get("litellm-changed-by")
	switch call {
	case "GET /key/info":
		return g.info(r.URL.Query().Get("key"))
	case "GET /spend/logs":
		return g.logs(r.URL.Query())
	case "POST /key/generate":
		return g.generate(in, actor)
	case "POST /key/delete":
		return g.remove(in, actor)
	case "POST /key/update", "POST /key/block", "POST /key/unblock":
		return g.change(i, call, in, actor)
	}
	return refused(http.StatusNotFound, "Not Found")
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"message": message, "type": "None", "param": "None", "code": fmt.Sprint(status)}})
}

func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // a test's own mistake
	}
	return raw
}

func (r row) text(name string) string {
	var s string
	_ = json.Unmarshal(r[name], &s)
	return s
}
