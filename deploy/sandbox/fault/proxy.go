// Package fault is a reverse proxy that breaks one thing at a time between
// firebreak and a server it acts on, for tests and drills.
//
// Without a rule the proxy is faithful: Host header, raw path and raw query
// reach the target byte for byte, so that signatures over them stay valid, and
// bodies are streamed in both directions, so that a Kubernetes watch works.
package fault

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Rule says which requests meet an Action. Empty conditions match everything,
// and all that are set must hold. The first rule that matches, in the order of
// Add, is the only one that applies.
type Rule struct {
	// Name is how the ledger shows the rule.
	Name string
	// Method is an HTTP method in capitals.
	Method string
	// Path is matched against the raw "path?query".
	Path *regexp.Regexp
	// Match sees the request as the client sent it; it must not read the body.
	Match func(*http.Request) bool
	// Times is how many requests the rule meets before it is used up; 0 is for ever.
	Times  int
	Action Action
}

// Proxy forwards to one server. Its methods are safe for concurrent use.
type Proxy struct {
	target  *url.URL
	forward *httputil.ReverseProxy
	ledger  ledger

	mu    sync.Mutex
	rules []*Rule
}

// NewProxy returns a proxy to the scheme and host of target. The transport is
// where TLS towards the target is set up; nil means plain defaults.
func NewProxy(target *url.URL, transport http.RoundTripper) *Proxy {
	if transport == nil {
		transport = defaultTransport()
	}
	p := &Proxy{target: target}
	p.forward = &httputil.ReverseProxy{
		Rewrite:        p.rewrite,
		ModifyResponse: answered,
		ErrorHandler:   unreachable,
		FlushInterval:  -1, // a watch's events go on at once
		Transport:      transport,
		ErrorLog:       log.New(io.Discard, "", 0), // the ledger is the record
	}
	return p
}

// defaultTransport adds nothing to a request: no proxy from the environment
// and no Accept-Encoding of its own.
func defaultTransport() http.RoundTripper {
	return &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second}
}

// Add puts a rule after those that are there.
func (p *Proxy) Add(rule Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, &rule)
}

// Clear removes all rules. The ledger stays.
func (p *Proxy) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
}

// take returns the rule that r meets, or nil, and counts it.
func (p *Proxy) take(r *http.Request) *Rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.rules, func(rule *Rule) bool { return rule.matches(r) })
	if i < 0 {
		return nil
	}
	rule := p.rules[i]
	if rule.Times > 0 {
		rule.Times--
		if rule.Times == 0 {
			p.rules = slices.Delete(p.rules, i, i+1)
		}
	}
	return rule
}

func (r *Rule) matches(req *http.Request) bool {
	return (r.Method == "" || r.Method == req.Method) &&
		(r.Path == nil || r.Path.MatchString(req.URL.RequestURI())) &&
		(r.Match == nil || r.Match(req))
}

// exchange is one request on its way, carried in its context.
type exchange struct {
	in     *http.Request
	action Action
	entry  *entry
}

type exchangeKey struct{}

// ServeHTTP forwards a request, or does with it what a rule says.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ex := &exchange{in: r, entry: p.ledger.open(r)}
	if rule := p.take(r); rule != nil {
		ex.action = rule.Action
		ex.entry.met(rule.Name)
	}
	ctx := r.Context()
	if ex.action.detach {
		// The call is on the wire: it reaches the server even if the caller dies now.
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		readAhead(r)
	}
	out := r.Clone(context.WithValue(ctx, exchangeKey{}, ex))
	if ex.action.request != nil && !ex.action.request(&answerWriter{ResponseWriter: w, entry: ex.entry}, out) {
		return
	}
	ex.entry.forwarded()
	p.forward.ServeHTTP(w, out)
}

// maxReadAhead is how much of a body is held so that it outlives its client.
const maxReadAhead = 16 << 20

// readAhead takes a body in, at most maxReadAhead of it, before anything else
// happens: a client that is killed afterwards has sent it. A client that is
// gone before that has not made the call, and its connection is dropped.
func readAhead(r *http.Request) {
	held, err := io.ReadAll(io.LimitReader(r.Body, maxReadAhead))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(held), r.Body))
}

// rewrite sends the request to the target and undoes what ReverseProxy tidies.
func (p *Proxy) rewrite(pr *httputil.ProxyRequest) {
	ex := pr.In.Context().Value(exchangeKey{}).(*exchange)
	pr.Out.URL.Scheme = p.target.Scheme
	pr.Out.URL.Host = p.target.Host
	pr.Out.Host = pr.In.Host
	pr.Out.URL.RawQuery = pr.In.URL.RawQuery
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values, ok := pr.In.Header[name]; ok {
			pr.Out.Header[name] = values
		}
	}
	if pr.In.URL.RequestURI() == ex.in.URL.RequestURI() {
		keepRaw(pr.Out.URL, ex.in.RequestURI)
	}
}

// keepRaw makes u go out with exactly the path and query of requestURI. A path
// that starts with two slashes would be taken for a host and is left as it is.
func keepRaw(u *url.URL, requestURI string) {
	path, query, hasQuery := strings.Cut(requestURI, "?")
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return
	}
	u.Opaque = path
	u.RawQuery = query
	u.ForceQuery = hasQuery && query == ""
}

// answered sees the target's answer before the client does.
func answered(res *http.Response) error {
	ex := res.Request.Context().Value(exchangeKey{}).(*exchange)
	ex.entry.answered(res.StatusCode)
	if ex.action.response != nil && !ex.action.response(ex.in, res) {
		drop(res)
	}
	return nil
}

// unreachable drops the client's connection when the target's was lost: what
// the client sees is then the same as without a proxy.
func unreachable(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }

// drop reads the answer to its end, so that the target has done all it will
// do, and closes the client's connection without a byte.
func drop(res *http.Response) {
	_, _ = io.Copy(io.Discard, res.Body) // what is lost here is thrown away anyway
	_ = res.Body.Close()
	panic(http.ErrAbortHandler)
}
