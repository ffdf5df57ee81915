package platforms_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/conformance"
)

// stand puts a provider that can break before a real server, and returns it with its address. before, if it is not nil, is
// called before each request that the server gets. changes is NewProvider's.
func stand(t *testing.T, server string, before func(*http.Request), changes func(*http.Request) bool) (*conformance.Provider, string) {
	t.Helper()
	target, err := url.Parse(server)
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		// A server closes a connection that is idle for seconds, just when a request may be on its way.
		Transport: &http.Transport{DisableKeepAlives: true},
		// A caller that has gone, or a server that cannot be reached, is a connection that ends.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	provider := conformance.NewProvider(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before != nil {
			before(r)
		}
		proxy.ServeHTTP(w, r)
	}), changes)
	s := httptest.NewServer(provider)
	t.Cleanup(s.Close)
	return provider, s.URL
}
