package conformance

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Fault is how a provider fails.
type Fault struct {
	// Status, if it is not zero, is answered in place of the server. The body is an error that quotes the request's
	// credentials, as some servers do.
	Status int
	// RetryAfter is the header of that name, in seconds.
	RetryAfter string
	// Garbage answers 200 with what is not the provider's protocol.
	Garbage bool
	// CutAfterDoing lets the server do what it is asked and cuts the connection before the answer.
	CutAfterDoing bool
	// Silent never answers; the request ends when its caller gives up.
	Silent bool
	// Times is how many requests fail; zero means all until Mend.
	Times int
	// Changes fails only requests that change something.
	Changes bool
}

// Provider is an HTTP handler in front of an adapter's server.
type Provider struct {
	next http.Handler
	// changes reports whether a request changes something.
	changes func(*http.Request) bool

	mu      sync.Mutex
	fault   *Fault
	left    int
	changed int
	before  func()
	quit    chan struct{}
}

// NewProvider stands before a server. changes says which requests change something; nil means all but GET and HEAD.
func NewProvider(next http.Handler, changes func(*http.Request) bool) *Provider {
	if changes == nil {
		changes = func(r *http.Request) bool {
			return !slices.Contains([]string{http.MethodGet, http.MethodHead}, r.Method)
		}
	}
	return &Provider{next: next, changes: changes, quit: make(chan struct{})}
}

// Break makes requests fail from now on.
func (p *Provider) Break(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.left = &f, f.Times
}

// Mend ends the fault.
func (p *Provider) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = nil
}

// Changes is how many requests that change something have reached the server.
func (p *Provider) Changes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// Forget counts changes from zero again, for a world that needed some before the test.
func (p *Provider) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed = 0
}

// BeforeNextChange runs hook once, before the next request that changes something reaches the server.
func (p *Provider) BeforeNextChange(hook func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before = hook
}

// Close lets requests go that a silent provider holds.
func (p *Provider) Close() { close(p.quit) }

// ServeHTTP passes a request on, or fails it.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	changes := p.changes(r)
	f := p.take(changes)
	switch {
	case f == nil:
		p.pass(w, r, changes)
	case f.Silent:
		select {
		case <-r.Context().Done():
		case <-p.quit:
		}
		panic(http.ErrAbortHandler)
	case f.CutAfterDoing:
		p.pass(discard{http.Header{}}, r, changes)
		panic(http.ErrAbortHandler)
	case f.Garbage:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>Welcome to the proxy</html>") // the caller has gone
	default:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(f.Status)
		text := strings.ReplaceAll(credentials(r), `"`, "'")
		// The fields are those under which Kubernetes, AWS, MLflow, LiteLLM and Vault say what is wrong.
		_, _ = io.WriteString(w, `{"kind":"Status","message":"no: `+text+`","error":{"message":"no: `+text+`"},"errors":["no: `+text+`"],"__type":"Failure"}`)
	}
}

// take returns the fault that a request meets, or nil.
func (p *Provider) take(changes bool) *Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.fault
	if f == nil || f.Changes && !changes {
		return nil
	}
	if f.Times > 0 {
		if p.left == 0 {
			return nil
		}
		p.left--
	}
	return f
}

func (p *Provider) pass(w http.ResponseWriter, r *http.Request, changes bool) {
	if changes {
		p.mu.Lock()
		hook := p.before
		p.before = nil
		p.mu.Unlock()
		if hook != nil {
			hook()
		}
		p.mu.Lock()
		p.changed++
		p.mu.Unlock()
	}
	p.next.ServeHTTP(w, r)
}

// credentials is every header of a request in which a credential may be.
func credentials(r *http.Request) string {
	var all []string
	for name, values := range r.Header {
		lower := strings.ToLower(name)
		if lower == "authorization" || strings.Contains(lower, "token") || strings.Contains(lower, "key") {
			all = append(all, values...)
		}
	}
	return strings.Join(all, " ")
}

// discard is where an answer goes that nobody sees.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
