package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/gateway/litellmfake"
)

// A call that tells nothing about the key is an error and never an outcome.
func TestCallTellsOutcomesApart(t *testing.T) {
	t.Parallel()
	g := litellmfake.New(litellmfake.Settings{Window: time.Minute})
	address := g.Serve(t)[0]
	g.Add("sk-good", nil)
	g.Add("sk-blocked", map[string]any{"blocked": true})
	g.Add("sk-slow", map[string]any{"rpm_limit": 0})
	g.Add("sk-expired", map[string]any{"expires": "2020-01-01T00:00:00Z"})
	g.Add("sk-elsewhere", map[string]any{"models": []string{"another"}})
	l := NewLiteLLM(address, litellmfake.MasterKey)
	for key, want := range map[string]Outcome{"sk-good": Served, "sk-blocked": Blocked, "sk-slow": Limited} {
		a, err := l.Call(t.Context(), address, key, "assist")
		require.NoError(t, err, key)
		require.Equal(t, want, a.Outcome)
	}
	for _, key := range []string{"sk-expired", "sk-elsewhere", "sk-unknown"} {
		_, err := l.Call(t.Context(), address, key, "assist")
		require.ErrorContains(t, err, "says nothing about the key")
		require.NotContains(t, err.Error(), key)
	}
	g.Upstream(http.StatusTooManyRequests)
	_, err := l.Call(t.Context(), address, "sk-good", "assist")
	require.ErrorContains(t, err, "litellm.RateLimitError", "the limit of the model's maker is not the key's")
}

// The key for administration goes nowhere else.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	t.Cleanup(elsewhere.Close)
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(s.Close)
	_, err := NewLiteLLM(s.URL, litellmfake.MasterKey).Info(t.Context(), strings.Repeat("a", 64))
	require.ErrorContains(t, err, "answered 307")
}

func TestPause(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{"7": 7 * time.Second, "": 5 * time.Second, "-1": 5 * time.Second, "Wed, 21 Oct": 5 * time.Second, "86400": 5 * time.Minute} {
		require.Equal(t, want, reply{retryAfter: header}.pause(), header)
	}
}

// Whatever a gateway says, the key is not in it, nor is it taken for a finding that it is not.
func FuzzSaid(f *testing.F) {
	for _, body := range []string{`{"error":{"message":"Key not found."}}`, `{"detail":{"error":"No keys found sk-abc"}}`, `<html>`, `{"detail":["sk-0123"]}`, ``, `{"error":"text"}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		const key = "plain-key-without-a-prefix"
		said := reply{body: body}.said(key)
		require.NotContains(t, said, key)
		require.Less(t, len(said), 320)
		require.NotRegexp(t, `\bsk-[A-Za-z0-9]`, said)
	})
}
