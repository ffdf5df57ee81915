package fault_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/fault"
)

func TestRequestLineAndHostAreKept(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"plain":             "/bucket/key",
		"escapes":           "/bucket/a%2Fb%20c%2b%C3%A9?versionId=a%2Fb",
		"no normalising":    "/bucket/../a//b/./c",
		"odd but legal":     "/b/(1)!'*;:@=,$&~",
		"unescaped":         `/b/a|b"c^`,
		"query order":       "/b?b=2&a=1&a=0&c",
		"bad query escapes": "/b?x=%zz&y;z",
		"empty query":       "/b?",
		"two slashes":       "//bucket/key",
		"watch":             "/apis/x?watch=true&resourceVersion=5",
	}
	for name, uri := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTarget(t)
			p := fault.NewProxy(server.URL, nil)
			base, _ := listen(t, p)
			conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
			require.NoError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, "GET "+uri+" HTTP/1.1\r\nHost: s3.sandbox.example:9000\r\n"+
				"X-Forwarded-For: 10.0.0.1\r\nConnection: close\r\n\r\n")
			require.NoError(t, err)
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			defer res.Body.Close()
			require.Equal(t, 202, res.StatusCode)
			got := server.requests()
			require.Len(t, got, 1)
			require.Equal(t, uri, got[0].uri)
			require.Equal(t, "s3.sandbox.example:9000", got[0].host)
			require.Equal(t, "10.0.0.1", got[0].header.Get("X-Forwarded-For"))
			require.NotContains(t, got[0].header, "Accept-Encoding")
			require.NotContains(t, got[0].header, "User-Agent")
		})
	}
}

// patience is how long an event may take on a busy machine.
const patience = 20 * time.Second

// receive takes what comes from events, or its end, and fails if nothing does.
func receive[T any](t *testing.T, events <-chan T) T {
	t.Helper()
	select {
	case event := <-events:
		return event
	case <-time.After(patience):
		t.Fatal("the event did not come")
		panic("unreachable")
	}
}

func TestStreamsGoOnAtOnce(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		w.(http.Flusher).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
			close(release)
		}
		_, _ = io.WriteString(w, "second\n")
	}))
	defer server.Close()
	at, err := url.Parse(server.URL)
	require.NoError(t, err)
	p := fault.NewProxy(at, nil)
	base, client := listen(t, p)

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/watch", nil)
	require.NoError(t, err)
	res, err := client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "first\n", line, "an event arrives while the stream is open")
	require.Equal(t, 200, p.Calls()[0].Status)

	cancel()
	receive(t, release) // the end of the client reached the target
}

func TestForwardsEvenIfTheClientDies(t *testing.T) {
	t.Parallel()
	server := newTarget(t)
	p := fault.NewProxy(server.URL, nil)
	base, client := listen(t, p)
	ctx, kill := context.WithCancel(t.Context())
	after := make(chan int, 1)
	p.Add(fault.Rule{Action: fault.Sequence(
		fault.Before(func(*http.Request) { kill() }),
		fault.After(func(_ *http.Request, status int) { after <- status }),
	)})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/", strings.NewReader("payload"))
	require.NoError(t, err)
	res, err := client.Do(req)
	if err == nil {
		res.Body.Close()
	}
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 202, receive(t, after))
	require.Equal(t, "payload", server.requests()[0].body)
}
