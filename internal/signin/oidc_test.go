package signin_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
	"firebreak/internal/signin"
)

// words is how the gate speaks in these tests.
type words struct{}

func (words) Say(w http.ResponseWriter, _ *http.Request, status int, title, text string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, title+": "+text)
}

func (words) AskToken(w http.ResponseWriter, _ *http.Request, status int, next string, wrong bool) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "token? next="+next)
	if wrong {
		_, _ = io.WriteString(w, " wrong")
	}
}

func people() *inventory.Inventory {
	return &inventory.Inventory{People: []inventory.Person{
		{ID: "ic-1", Role: "IC", IDP: "ida@nordwall.example", Slack: "U01IC000001"}, {ID: "mlo-1", Role: "MLO", IDP: "mara@nordwall.example"},
		{ID: "two-a", Role: "DO", IDP: "twice@nordwall.example"}, {ID: "two-b", Role: "DO", IDP: "twice@nordwall.example"},
		{ID: "sub-1", Role: "SEC", IDP: "00u-ida"}, {ID: "no-idp", Role: "SEC"}, {ID: "kim-1", Role: "SEC", IDP: "kim@nordwall.example"},
	}}
}

// house is a service with a gate, and a browser in front of it.
type house struct {
	*httptest.Server
	gate    *signin.Gate
	browser *http.Client
	log     *bytes.Buffer
	people  atomic.Pointer[inventory.Inventory]
}

func newHouse(t *testing.T, make func(c signin.Config, address string) (*signin.Gate, error)) *house {
	t.Helper()
	h := &house{log: &bytes.Buffer{}}
	h.people.Store(people())
	mux := http.NewServeMux()
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	gate, err := make(signin.Config{Pages: words{}, People: h.people.Load, Log: slog.New(slog.NewTextHandler(h.log, nil))}, h.URL)
	require.NoError(t, err)
	h.gate = gate
	gate.Routes(mux)
	mux.HandleFunc("GET /incidents", func(w http.ResponseWriter, r *http.Request) {
		v, err := gate.Viewer(r)
		switch {
		case errors.Is(err, signin.ErrStranger):
			w.WriteHeader(http.StatusForbidden)
		case err != nil:
			w.WriteHeader(http.StatusUnauthorized)
		case v.Person == nil:
			_, _ = io.WriteString(w, "hello, nobody "+v.Form)
		default:
			_, _ = io.WriteString(w, "hello, "+v.Person.ID)
		}
	})
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	h.browser = &http.Client{Jar: jar}
	return h
}

func newOIDCHouse(t *testing.T, p *provider, claim string) *house {
	t.Helper()
	return newHouse(t, func(c signin.Config, address string) (*signin.Gate, error) {
		return signin.NewOIDC(c, signin.OIDC{Issuer: p.URL, ClientID: clientID, ClientSecret: clientSecret, RedirectURL: address + signin.CallbackPath, Claim: claim})
	})
}

func (h *house) get(t *testing.T, path string) (int, string, *http.Response) {
	t.Helper()
	res, err := h.browser.Get(h.URL + path)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body), res
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) func(map[string]any) { return func(c map[string]any) { c[name] = value } }
	unsigned := func(token string) string {
		parts := strings.Split(token, ".")
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
	}
	tests := map[string]struct {
		claim  string
		claims func(map[string]any)
		token  func(string) string
		answer http.HandlerFunc
		status int
		text   string
		log    string
	}{
		"by address":           {"email", nil, nil, nil, 200, "hello, ic-1", "signed in"},
		"case of the address":  {"email", set("email", "Ida@Nordwall.example"), nil, nil, 200, "hello, ic-1", ""},
		"verified as a word":   {"email", set("email_verified", "true"), nil, nil, 200, "hello, ic-1", ""},
		"by subject":           {"sub", nil, nil, nil, 200, "hello, sub-1", ""},
		"own azp":              {"email", set("azp", clientID), nil, nil, 200, "hello, ic-1", ""},
		"stranger":             {"email", set("email", "mallory@elsewhere.example"), nil, nil, 403, "Not a person of the inventory", "not a person of the inventory"},
		"inventory id claimed": {"preferred_username", set("preferred_username", "ic-1"), nil, nil, 403, "Not a person of the inventory", ""},
		"Slack id claimed":     {"preferred_username", set("preferred_username", "U01IC000001"), nil, nil, 403, "Not a person", ""},
		"two of that name":     {"email", set("email", "twice@nordwall.example"), nil, nil, 403, "Not a person", ""},
		"Kelvin sign":          {"email", set("email", "\u212aim@nordwall.example"), nil, nil, 403, "Not a person", ""},
		"subject in capitals":  {"sub", set("sub", "00U-IDA"), nil, nil, 403, "Not a person", ""},
		"empty address":        {"email", set("email", ""), nil, nil, 403, "Not signed in", "no usable claim email"},
		"not verified":         {"email", set("email_verified", false), nil, nil, 403, "Not signed in", "does not say email_verified"},
		"verification missing": {"email", func(c map[string]any) { delete(c, "email_verified") }, nil, nil, 403, "Not signed in", "does not say email_verified"},
		"wrong nonce":          {"email", set("nonce", "another"), nil, nil, 403, "Not signed in", "nonce is not that of this sign-in"},
		"no nonce":             {"email", func(c map[string]any) { delete(c, "nonce") }, nil, nil, 403, "Not signed in", "nonce"},
		"wrong audience":       {"email", set("aud", "another-client"), nil, nil, 403, "Not signed in", "verify the id_token"},
		"two audiences":        {"email", set("aud", []string{clientID, "another"}), nil, nil, 403, "Not signed in", "made for another client (azp)"},
		"azp of another":       {"email", set("azp", "another"), nil, nil, 403, "Not signed in", "made for another client (azp)"},
		"wrong issuer":         {"email", set("iss", "https://elsewhere.example"), nil, nil, 403, "Not signed in", "verify the id_token"},
		"expired":              {"email", set("exp", time.Now().Add(-time.Minute).Unix()), nil, nil, 403, "Not signed in", "expired"},
		"alg none":             {"email", nil, unsigned, nil, 403, "Not signed in", "verify the id_token"},
		"signature of nobody":  {"email", nil, func(s string) string { return s[:len(s)-8] + "AAAAAAAA" }, nil, 403, "Not signed in", "verify the id_token"},
		"no id_token": {"email", nil, nil, func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, map[string]string{"access_token": "x", "token_type": "Bearer"})
		}, 403, "Not signed in", "no id_token"},
		"provider fails": {"email", nil, nil, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, clientSecret, http.StatusInternalServerError)
		}, 403, "Not signed in", "500 Internal Server Error"},
		"endless answer": {"email", nil, nil, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte(" "), 3<<20))
		}, 403, "Not signed in", "exchange the code"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			p.claims, p.token, p.answer = tt.claims, tt.token, tt.answer
			h := newOIDCHouse(t, p, tt.claim)
			status, text, _ := h.get(t, "/signin?next=/incidents")
			require.Equal(t, tt.status, status, "%s\n%s", text, h.log)
			require.Contains(t, text, tt.text)
			require.Contains(t, h.log.String(), tt.log)
			require.NotContains(t, h.log.String(), clientSecret)
			require.NotContains(t, text, clientSecret)
			if tt.status != http.StatusOK {
				status, _, _ = h.get(t, "/incidents")
				require.Equal(t, http.StatusUnauthorized, status, "who is refused has no session")
			}
		})
	}
}

func TestSignInIsBoundToTheBrowserThatBeganIt(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	h := newOIDCHouse(t, p, "email")
	status, text, _ := h.get(t, signin.CallbackPath+"?code=x&state=y")
	require.Equal(t, http.StatusBadRequest, status, text)
	require.Contains(t, text, "not begun here")

	// Begun here, but the answer is that of somebody else's sign-in.
	h.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	_, _, res := h.get(t, "/signin")
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	status, text, _ = h.get(t, signin.CallbackPath+"?code=x&state=theirs")
	require.Equal(t, http.StatusBadRequest, status, text)

	_, _, res = h.get(t, "/signin")
	began, err := url.Parse(res.Header.Get("Location"))
	require.NoError(t, err)
	status, text, _ = h.get(t, signin.CallbackPath+"?"+url.Values{"code": {"x"}, "state": {began.Query().Get("state")}, "iss": {"https://elsewhere.example"}}.Encode())
	require.Equal(t, http.StatusForbidden, status, text)
	require.Contains(t, h.log.String(), "of another issuer")

	_, _, res = h.get(t, "/signin")
	began, err = url.Parse(res.Header.Get("Location"))
	require.NoError(t, err)
	status, _, _ = h.get(t, signin.CallbackPath+"?"+url.Values{"error": {"access_denied\n<script>"}, "state": {began.Query().Get("state")}}.Encode())
	require.Equal(t, http.StatusForbidden, status)
	require.NotContains(t, h.log.String(), "script")
}

func TestSessionEndsWithThePerson(t *testing.T) {
	t.Parallel()
	h := newOIDCHouse(t, newProvider(t), "email")
	_, text, res := h.get(t, "/signin")
	require.Equal(t, "hello, ic-1", text)
	require.Equal(t, "/incidents", res.Request.URL.Path)
	h.people.Store(&inventory.Inventory{})
	status, _, _ := h.get(t, "/incidents")
	require.Equal(t, http.StatusForbidden, status)
}

func TestProviderAway(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	h := newOIDCHouse(t, p, "email")
	p.Close()
	status, text, _ := h.get(t, "/signin")
	require.Equal(t, http.StatusBadGateway, status)
	require.Contains(t, text, "The identity provider is away")
}

func TestCookiesAndForgeries(t *testing.T) {
	t.Parallel()
	h := newOIDCHouse(t, newProvider(t), "email")
	_, text, _ := h.get(t, "/signin")
	require.Equal(t, "hello, ic-1", text)
	u, err := url.Parse(h.URL)
	require.NoError(t, err)
	cookies := h.browser.Jar.Cookies(u)
	require.Len(t, cookies, 1, "the sign-in's own cookie is gone")
	tests := map[string]string{"cut": cookies[0].Value[:20], "changed": "A" + cookies[0].Value[1:], "empty": "", "no base64": "%%%", "long": strings.Repeat("A", 10_000)}
	for name, value := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/incidents", nil)
			r.AddCookie(&http.Cookie{Name: cookies[0].Name, Value: value})
			_, err := h.gate.Viewer(r)
			require.ErrorIs(t, err, signin.ErrSignedOut)
		})
	}
	other := newOIDCHouse(t, newProvider(t), "email")
	r := httptest.NewRequest(http.MethodGet, "/incidents", nil)
	r.AddCookie(cookies[0])
	_, err = other.gate.Viewer(r)
	require.ErrorIs(t, err, signin.ErrSignedOut, "a session of another key is none")
}

func TestSecureCookies(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	h := newHouse(t, func(c signin.Config, _ string) (*signin.Gate, error) {
		return signin.NewOIDC(c, signin.OIDC{Issuer: p.URL, ClientID: clientID, ClientSecret: clientSecret, RedirectURL: "https://incidents.nordwall.example" + signin.CallbackPath, Claim: "email"})
	})
	h.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	_, _, res := h.get(t, "/signin?next=https://elsewhere.example/")
	cookie := res.Header.Get("Set-Cookie")
	for _, want := range []string{"__Host-firebreak-flow=", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"} {
		require.Contains(t, cookie, want)
	}
}

func TestNewOIDCRefuses(t *testing.T) {
	t.Parallel()
	good := signin.OIDC{Issuer: "https://id.nordwall.example", ClientID: clientID, RedirectURL: "https://i.nordwall.example" + signin.CallbackPath, Claim: "email"}
	tests := map[string]struct {
		change func(*signin.OIDC)
		text   string
	}{
		"clear text issuer": {func(o *signin.OIDC) { o.Issuer = "http://id.nordwall.example" }, "--oidc-issuer"},
		"no issuer":         {func(o *signin.OIDC) { o.Issuer = "" }, "want an https URL"},
		"issuer with query": {func(o *signin.OIDC) { o.Issuer += "?x=y" }, "neither query nor fragment"},
		"no client":         {func(o *signin.OIDC) { o.ClientID = "" }, "--oidc-client-id is empty"},
		"other path":        {func(o *signin.OIDC) { o.RedirectURL = "https://i.nordwall.example/" }, "with the path /signin/callback"},
		"clear text":        {func(o *signin.OIDC) { o.RedirectURL = "http://i.nordwall.example" + signin.CallbackPath }, "--oidc-redirect-url"},
		"other claim":       {func(o *signin.OIDC) { o.Claim = "name" }, "want one of email, preferred_username, sub"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := good
			tt.change(&o)
			_, err := signin.NewOIDC(signin.Config{}, o)
			require.ErrorContains(t, err, tt.text)
		})
	}
	_, err := signin.NewOIDC(signin.Config{Key: []byte("short")}, good)
	require.ErrorContains(t, err, "want at least 32")
}
