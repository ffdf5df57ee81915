package probe

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
)

const digestHeader = "x-model-digest"

func serve(t *testing.T, h http.HandlerFunc) inventory.Probe {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return inventory.Probe{URL: s.URL + "/probe?key=hunter2", Headers: map[string]string{"x-probe": "hunter3"}, ExpectDigestHeader: digestHeader}
}

func TestCallJudgesTheStatus(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status            int
		answered, unknown bool
	}{
		"ok":                   {status: 200, answered: true},
		"no content":           {status: 204, answered: true},
		"not found":            {status: 404},
		"forbidden":            {status: 403},
		"unavailable":          {status: 503},
		"bad gateway":          {status: 502},
		"redirect":             {status: 302, unknown: true},
		"unauthorised probe":   {status: 401, unknown: true},
		"too many requests":    {status: 429, unknown: true},
		"request took a while": {status: 408, unknown: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("x-probe") != "hunter3" {
					w.WriteHeader(http.StatusTeapot)
					return
				}
				w.Header().Set(digestHeader, "sha256:aa")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
			})
			a, err := New().Call(t.Context(), p)
			require.Equal(t, tt.unknown, err != nil)
			require.Equal(t, tt.answered, a.Answered)
			require.Equal(t, tt.status, a.Status)
			require.Equal(t, "sha256:aa", a.Digest)
		})
	}
}

func TestCallRefusedWithoutAStatus(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	a, err := New().Call(t.Context(), inventory.Probe{URL: closed.URL})
	require.NoError(t, err)
	require.Equal(t, Answer{Reason: ReasonNoListener}, a)
}

func TestCallThatTellsNothing(t *testing.T) {
	t.Parallel()
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(tls.Close)
	hanging, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = hanging.Close() })
	hangUp := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })

	tests := map[string]string{
		"a server that never answers":        "http://" + hanging.Addr().String() + "/?key=hunter2",
		"a certificate that does not verify": tls.URL + "/?key=hunter2",
		"a connection that is cut off":       hangUp.URL,
		"no address":                         "hunter2",
		"another scheme":                     "ftp://localhost/hunter2",
	}
	for name, address := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &Client{timeout: 300 * time.Millisecond}
			counts, err := c.Repeat(t.Context(), inventory.Probe{URL: address, Headers: map[string]string{"x-probe": "hunter3"}}, 2, time.Millisecond)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "hunter")
			require.Equal(t, Counts{Tries: 2, Unknown: 2}, counts)
			require.False(t, counts.AllRefused(2))
		})
	}
}

func TestEveryCallHasAConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	counts, err := New().Repeat(t.Context(), inventory.Probe{URL: s.URL}, 4, time.Millisecond)
	require.NoError(t, err)
	require.True(t, counts.AllRefused(4))
	require.False(t, counts.AllRefused(5))
	require.Equal(t, int32(4), connections.Load())
}

func TestRepeatCountsEveryDigest(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	p := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		switch calls.Add(1) {
		case 1, 2:
			w.Header().Set(digestHeader, "sha256:new")
		case 3:
			w.Header().Set(digestHeader, "sha256:old")
		case 4:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	counts, err := New().Repeat(t.Context(), p, 4, time.Millisecond)
	require.NoError(t, err)
	require.Equal(t, Counts{Tries: 4, Answered: 3, Refused: 1, Digests: []string{"sha256:new", "sha256:old"}, Reasons: []string{"HTTP 503"}}, counts)
	require.False(t, counts.AllAnswered(4, "sha256:new"))
	require.False(t, counts.AllRefused(4))
}

func TestRepeatHonoursCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := serve(t, func(http.ResponseWriter, *http.Request) { cancel() })
	_, err := New().Repeat(ctx, p, 100, time.Hour)
	require.ErrorIs(t, err, context.Canceled)
}
