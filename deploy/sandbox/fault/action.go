package fault

import (
	"io"
	"maps"
	"net/http"
	"time"
)

// Action is what happens to a request that a rule matched. The zero Action
// forwards it untouched, which makes a rule that only names ledger entries.
type Action struct {
	// request runs before forwarding and may change r; false means that the
	// request is finished and is not forwarded.
	request func(w http.ResponseWriter, r *http.Request) bool
	// response runs on the target's answer, in is the client's request; false
	// drops the answer and the connection.
	response func(in *http.Request, res *http.Response) bool
	// detach lets the forwarded request outlive its client.
	detach bool
}

// Answer answers in the target's place; the target never sees the request.
func Answer(status int, header http.Header, body string) Action {
	return Action{request: func(w http.ResponseWriter, _ *http.Request) bool {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // an error means that the client has gone
		return false
	}}
}

// Unavailable answers with a status such as 503 and no body to speak of.
func Unavailable(status int) Action { return Answer(status, nil, http.StatusText(status)+"\n") }

// Refuse drops the connection; the target never sees the request. Go's client
// tries an idempotent request again on a new connection when the dropped one
// was reused, and each try counts for Rule.Times.
func Refuse() Action {
	return Action{request: func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }}
}

// DoneButTimedOut forwards the request, lets the target finish, and then drops
// the connection: done, and the caller cannot know it. The request is forwarded
// even if the caller gives up first.
func DoneButTimedOut() Action {
	return Action{detach: true, response: func(*http.Request, *http.Response) bool { return false }}
}

// Before calls hook when the request is about to be forwarded. It is forwarded
// afterwards even if the hook killed the client: it was on the wire. For a
// client killed before its request left, use Sequence(Before(kill), Refuse()).
func Before(hook func(*http.Request)) Action {
	return Action{detach: true, request: func(_ http.ResponseWriter, r *http.Request) bool {
		hook(r)
		return true
	}}
}

// After calls hook when the target has answered and the client has not been
// answered yet. The client's request is passed without its body.
func After(hook func(in *http.Request, status int)) Action {
	return Action{detach: true, response: func(in *http.Request, res *http.Response) bool {
		hook(in, res.StatusCode)
		return true
	}}
}

// Delay waits before forwarding, or until the client gives up.
func Delay(d time.Duration) Action {
	return Action{request: func(_ http.ResponseWriter, r *http.Request) bool {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return true
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}}
}

// Rewrite changes the request that is forwarded. It may change headers, method
// and URL path or query; the host stays the target's. An error is answered to
// the client as HTTP 502 with its text, so that a wrong rewrite is seen.
func Rewrite(change func(*http.Request) error) Action {
	return Action{request: func(w http.ResponseWriter, r *http.Request) bool {
		if err := change(r); err != nil {
			http.Error(w, "rewrite request: "+err.Error(), http.StatusBadGateway)
			return false
		}
		return true
	}}
}

// Sequence does several actions with one request: their work before forwarding
// in order until one finishes the request, then their work on the answer in order.
func Sequence(actions ...Action) Action {
	var all Action
	for _, a := range actions {
		all.detach = all.detach || a.detach
	}
	all.request = func(w http.ResponseWriter, r *http.Request) bool {
		for _, a := range actions {
			if a.request != nil && !a.request(w, r) {
				return false
			}
		}
		return true
	}
	all.response = func(in *http.Request, res *http.Response) bool {
		for _, a := range actions {
			if a.response != nil && !a.response(in, res) {
				return false
			}
		}
		return true
	}
	return all
}
