package signin_test

import (
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/signin"
)

const pageToken = "correct-horse-battery-staple"

func tokenGate(c signin.Config, _ string) (*signin.Gate, error) {
	return signin.NewToken(c, sha256.Sum256([]byte(pageToken)))
}

func TestToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t, tokenGate)
	post := func(path string, form url.Values) (int, string) {
		res, err := h.browser.PostForm(h.URL+path, form)
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(body)
	}
	status, text, _ := h.get(t, "/signin?next=//elsewhere.example")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "token? next=/incidents", text)
	for name, wrong := range map[string]string{"empty": "", "wrong": "correct-horse", "longer": pageToken + "x"} {
		status, text = post("/signin", url.Values{"token": {wrong}})
		require.Equal(t, http.StatusForbidden, status, name)
		require.Contains(t, text, "wrong")
	}
	status, _, _ = h.get(t, "/incidents")
	require.Equal(t, http.StatusUnauthorized, status)
	status, text = post("/signin", url.Values{"token": {pageToken + "\n"}, "next": {"/incidents"}})
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, "hello, nobody")
	require.NotContains(t, h.log.String(), pageToken)

	form := strings.TrimPrefix(text, "hello, nobody ")
	status, _ = post("/signout", url.Values{"form": {"forged"}})
	require.Equal(t, http.StatusForbidden, status)
	status, text = post("/signout", url.Values{"form": {form}})
	require.Equal(t, http.StatusOK, status, text)
	status, _, _ = h.get(t, "/incidents")
	require.Equal(t, http.StatusUnauthorized, status)
}

// TestTokenIsForThisMachine refuses names that only resolve to it: a page of somebody else can have one.
func TestTokenIsForThisMachine(t *testing.T) {
	t.Parallel()
	gate, err := tokenGate(signin.Config{Pages: words{}, Now: time.Now}, "")
	require.NoError(t, err)
	mux := http.NewServeMux()
	gate.Routes(mux)
	for host, want := range map[string]int{
		"localhost:8080": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "localhost": 200,
		"rebound.example:8080": 421, "127.0.0.1.nip.example": 421, "10.0.0.7:8080": 421, "": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/signin", nil)
		r.Host = host
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		require.Equal(t, want, w.Code, host)
	}
}

func TestSessionExpires(t *testing.T) {
	t.Parallel()
	now := time.Now()
	gate, err := tokenGate(signin.Config{Pages: words{}, Now: func() time.Time { return now }}, "")
	require.NoError(t, err)
	mux := http.NewServeMux()
	gate.Routes(mux)
	r := httptest.NewRequest(http.MethodPost, "/signin", strings.NewReader(url.Values{"token": {pageToken}}.Encode()))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	look := httptest.NewRequest(http.MethodGet, "/incidents", nil)
	look.Host = "localhost"
	for _, c := range w.Result().Cookies() {
		look.AddCookie(c)
	}
	_, err = gate.Viewer(look)
	require.NoError(t, err)
	look.Host = "rebound.example"
	_, err = gate.Viewer(look)
	require.ErrorIs(t, err, signin.ErrSignedOut)
	look.Host = "localhost"
	now = now.Add(9 * time.Hour)
	_, err = gate.Viewer(look)
	require.ErrorIs(t, err, signin.ErrSignedOut)
}

func FuzzNext(f *testing.F) {
	for _, s := range []string{"/incidents", "/incidents/x/y?run=1", "//elsewhere", "/\\elsewhere", "https://x", "/incidents/../..//x", "javascript:alert(1)", "/incidentsx"} {
		f.Add(s)
	}
	gate, err := tokenGate(signin.Config{Pages: words{}}, "")
	require.NoError(f, err)
	mux := http.NewServeMux()
	gate.Routes(mux)
	f.Fuzz(func(t *testing.T, next string) {
		r := httptest.NewRequest(http.MethodGet, "/signin?next="+url.QueryEscape(next), nil)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		got := strings.TrimPrefix(w.Body.String(), "token? next=")
		require.True(t, got == "/incidents" || strings.HasPrefix(got, "/incidents/") || strings.HasPrefix(got, "/incidents?"), got)
	})
}
