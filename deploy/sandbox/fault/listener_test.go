package fault_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/fault"
)

func TestTLSOnBothSides(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	defer server.Close()
	at, err := url.Parse(server.URL)
	require.NoError(t, err)
	listener, err := fault.ListenTLS(fault.NewProxy(at, server.Client().Transport))
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()

	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(listener.CAPEM()))
	tests := map[string]struct {
		config *tls.Config
		ok     bool
	}{
		"trusted":     {&tls.Config{RootCAs: pool}, true},
		"not trusted": {&tls.Config{}, false},
		"wrong name":  {&tls.Config{RootCAs: pool, ServerName: "vault.example"}, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			transport := &http.Transport{TLSClientConfig: tc.config}
			defer transport.CloseIdleConnections()
			res, err := (&http.Client{Transport: transport}).Get(listener.URL + "/")
			if !tc.ok {
				require.ErrorContains(t, err, "x509")
				return
			}
			require.NoError(t, err)
			defer res.Body.Close()
			require.Equal(t, http.StatusAccepted, res.StatusCode)
		})
	}
}

func TestPlainListenerHasNoCertificate(t *testing.T) {
	t.Parallel()
	listener, err := fault.Listen(http.NotFoundHandler())
	require.NoError(t, err)
	require.Nil(t, listener.CAPEM())
	require.NoError(t, listener.Close())
	_, err = http.Get(listener.URL)
	require.Error(t, err, "closed")
}
