package fault

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Call is one request that reached the proxy. It has no body and no headers,
// and query values whose names speak of secrets are replaced.
type Call struct {
	At     time.Time
	Method string
	// Path is "path?query".
	Path string
	// Status is the target's, or the one a rule answered with; 0 if there was none.
	Status int
	// Forwarded says that the request was sent on to the target.
	Forwarded bool
	// Rule is the name of the rule that the request met.
	Rule string
}

// maxCalls bounds the ledger, so that a sandbox left running does not grow.
const maxCalls = 10_000

type ledger struct {
	mu      sync.Mutex
	entries []*entry
}

// entry is filled in while its request is on the way, under the ledger's lock.
type entry struct {
	ledger *ledger
	call   Call
}

func (l *ledger) open(r *http.Request) *entry {
	e := &entry{ledger: l, call: Call{At: time.Now(), Method: r.Method, Path: redact(r.URL.RequestURI())}}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) >= maxCalls {
		l.entries = slices.Clone(l.entries[maxCalls/2:])
	}
	l.entries = append(l.entries, e)
	return e
}

func (e *entry) met(rule string) { e.change(func(c *Call) { c.Rule = rule }) }

func (e *entry) forwarded() { e.change(func(c *Call) { c.Forwarded = true }) }

func (e *entry) answered(status int) { e.change(func(c *Call) { c.Status = status }) }

func (e *entry) change(set func(*Call)) {
	e.ledger.mu.Lock()
	defer e.ledger.mu.Unlock()
	set(&e.call)
}

// Calls returns the requests in the order of their arrival, at most the last
// ten thousand. One that is still on the way has status 0.
func (p *Proxy) Calls() []Call {
	p.ledger.mu.Lock()
	defer p.ledger.mu.Unlock()
	calls := make([]Call, len(p.ledger.entries))
	for i, e := range p.ledger.entries {
		calls[i] = e.call
	}
	return calls
}

// redact replaces query values that could be secrets, such as X-Amz-Signature.
func redact(requestURI string) string {
	path, query, found := strings.Cut(requestURI, "?")
	if !found {
		return path
	}
	secret := regexp.MustCompile(`(?i)((?:^|&)[^=&]*(?:signature|token|credential|secret|password)[^=&]*=)[^&]*`)
	return path + "?" + secret.ReplaceAllString(query, "${1}redacted")
}

// answerWriter notes the status that a rule answers with.
type answerWriter struct {
	http.ResponseWriter
	entry *entry
}

func (w *answerWriter) WriteHeader(status int) {
	w.entry.answered(status)
	w.ResponseWriter.WriteHeader(status)
}
