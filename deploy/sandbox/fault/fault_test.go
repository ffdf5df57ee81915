package fault_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/fault"
)

// target is a server that keeps what reached it.
type target struct {
	URL *url.URL

	mu   sync.Mutex
	seen []seen
}

type seen struct {
	method, uri, host, body string
	header                  http.Header
}

func newTarget(t *testing.T) *target {
	t.Helper()
	made := &target{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		made.mu.Lock()
		made.seen = append(made.seen, seen{r.Method, r.RequestURI, r.Host, string(body), r.Header})
		made.mu.Unlock()
		w.Header().Set("X-Target", "yes")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "done")
	}))
	t.Cleanup(server.Close)
	var err error
	made.URL, err = url.Parse(server.URL)
	require.NoError(t, err)
	return made
}

func (s *target) requests() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.seen...)
}

// listen serves the proxy and returns its base URL and a client of its own.
func listen(t *testing.T, p *fault.Proxy) (string, *http.Client) {
	t.Helper()
	listener, err := fault.Listen(p)
	require.NoError(t, err)
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		require.NoError(t, listener.Close())
	})
	return listener.URL, &http.Client{Transport: transport}
}

// send makes a POST and returns the status, 0 when there was no answer.
func send(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("payload"))
	require.NoError(t, err)
	res, err := client.Do(req)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body)
}

func TestActions(t *testing.T) {
	t.Parallel()
	type result struct {
		status  int
		body    string
		reached int // requests at the target
	}
	hooked := func(calls *[]int) fault.Action {
		return fault.Sequence(
			fault.Before(func(*http.Request) { *calls = append(*calls, 1) }),
			fault.After(func(_ *http.Request, status int) { *calls = append(*calls, status) }),
		)
	}
	var calls []int
	tests := map[string]struct {
		action fault.Action
		want   result
		ledger fault.Call
	}{
		"nothing": {
			fault.Action{}, result{202, "done", 1}, fault.Call{Status: 202, Forwarded: true},
		},
		"answer": {
			fault.Answer(204, http.Header{"X-Request-Id": {"1"}}, ""), result{204, "", 0}, fault.Call{Status: 204},
		},
		"refuse": {
			fault.Refuse(), result{0, "", 0}, fault.Call{},
		},
		"unavailable": {
			fault.Unavailable(503), result{503, "Service Unavailable\n", 0}, fault.Call{Status: 503},
		},
		"done but timed out": {
			fault.DoneButTimedOut(), result{0, "", 1}, fault.Call{Status: 202, Forwarded: true},
		},
		"hooks": {
			hooked(&calls), result{202, "done", 1}, fault.Call{Status: 202, Forwarded: true},
		},
		"killed before sending": {
			fault.Sequence(fault.Before(func(*http.Request) {}), fault.Refuse()), result{0, "", 0}, fault.Call{},
		},
		"delay": {
			fault.Delay(time.Millisecond), result{202, "done", 1}, fault.Call{Status: 202, Forwarded: true},
		},
		"rewrite fails": {
			fault.Rewrite(func(*http.Request) error { return io.ErrUnexpectedEOF }),
			result{502, "rewrite request: unexpected EOF\n", 0}, fault.Call{Status: 502},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTarget(t)
			p := fault.NewProxy(server.URL, nil)
			base, client := listen(t, p)
			p.Add(fault.Rule{Name: name, Action: tc.action})

			status, body := send(t, client, base+"/v1/x?a=1")
			require.Equal(t, tc.want, result{status, body, len(server.requests())})

			ledger := p.Calls()
			require.Len(t, ledger, 1)
			require.NotZero(t, ledger[0].At)
			ledger[0].At = time.Time{}
			tc.ledger.Method, tc.ledger.Path, tc.ledger.Rule = http.MethodPost, "/v1/x?a=1", name
			require.Equal(t, tc.ledger, ledger[0])

			if name == "hooks" {
				require.Equal(t, []int{1, 202}, calls)
			}
			p.Clear()
			status, _ = send(t, client, base+"/v1/x")
			require.Equal(t, 202, status, "healthy again after Clear")
		})
	}
}

func TestRewriteChangesWhatIsForwarded(t *testing.T) {
	t.Parallel()
	server := newTarget(t)
	p := fault.NewProxy(server.URL, nil)
	base, client := listen(t, p)
	p.Add(fault.Rule{Action: fault.Rewrite(func(r *http.Request) error {
		r.Header.Set("X-Changed", "yes")
		r.URL.Path = "/other"
		return nil
	})})
	status, _ := send(t, client, base+"/v1/x?a=1")
	require.Equal(t, 202, status)
	got := server.requests()
	require.Len(t, got, 1)
	require.Equal(t, "/other?a=1", got[0].uri)
	require.Equal(t, "yes", got[0].header.Get("X-Changed"))
	require.Equal(t, "payload", got[0].body)
}

func TestRulesMatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rule  fault.Rule
		meets bool
	}{
		"everything":      {fault.Rule{}, true},
		"method":          {fault.Rule{Method: http.MethodPost}, true},
		"other method":    {fault.Rule{Method: http.MethodGet}, false},
		"path and query":  {fault.Rule{Path: regexp.MustCompile(`^/v1/sys/x\?sync=true$`)}, true},
		"other path":      {fault.Rule{Path: regexp.MustCompile(`^/v2`)}, false},
		"function":        {fault.Rule{Match: func(r *http.Request) bool { return r.ContentLength == 7 }}, true},
		"function not":    {fault.Rule{Match: func(*http.Request) bool { return false }}, false},
		"all must hold":   {fault.Rule{Method: http.MethodPost, Path: regexp.MustCompile(`^/v2`)}, false},
		"first rule wins": {fault.Rule{Method: http.MethodPost, Times: 1}, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTarget(t)
			p := fault.NewProxy(server.URL, nil)
			base, client := listen(t, p)
			tc.rule.Name, tc.rule.Action = "rule", fault.Unavailable(503)
			p.Add(tc.rule)
			p.Add(fault.Rule{Name: "rest", Action: fault.Answer(418, nil, "")})
			status, _ := send(t, client, base+"/v1/sys/x?sync=true")
			require.Equal(t, tc.meets, status == 503)
		})
	}
}

func TestTimesAreUsedUp(t *testing.T) {
	t.Parallel()
	server := newTarget(t)
	p := fault.NewProxy(server.URL, nil)
	base, client := listen(t, p)
	p.Add(fault.Rule{Name: "twice", Times: 2, Action: fault.Unavailable(503)})
	var got []int
	for range 4 {
		status, _ := send(t, client, base+"/")
		got = append(got, status)
	}
	require.Equal(t, []int{503, 503, 202, 202}, got)
	require.Equal(t, []string{"twice", "twice", "", ""}, rules(p))
}

func rules(p *fault.Proxy) []string {
	var names []string
	for _, c := range p.Calls() {
		names = append(names, c.Rule)
	}
	return names
}

func TestTargetThatIsDownDropsTheConnection(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	at, err := url.Parse(gone.URL)
	require.NoError(t, err)
	gone.Close()
	p := fault.NewProxy(at, nil)
	base, client := listen(t, p)
	status, _ := send(t, client, base+"/")
	require.Zero(t, status)
	require.Zero(t, p.Calls()[0].Status)
}

func TestLedgerHidesSecrets(t *testing.T) {
	t.Parallel()
	server := newTarget(t)
	p := fault.NewProxy(server.URL, nil)
	base, client := listen(t, p)
	_, _ = send(t, client, base+"/k?versionId=v1&X-Amz-Signature=deadbeef&token=xoxb-1&x=2")
	require.Equal(t, "/k?versionId=v1&X-Amz-Signature=redacted&token=redacted&x=2", p.Calls()[0].Path)
	require.Contains(t, server.requests()[0].uri, "deadbeef", "only the ledger is changed")
}
