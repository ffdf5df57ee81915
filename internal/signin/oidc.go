package signin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// CallbackPath is where the provider sends people back to.
const CallbackPath = "/signin/callback"

// exchanges bounds how many sign-ins talk to the provider at once.
const exchanges = 8

// OIDC names the provider and how it names people.
type OIDC struct {
	Issuer, ClientID, ClientSecret, RedirectURL string
	// Claim is the one claim that people's idp in the inventory is compared with.
	Claim string
	// Transport is for tests; nil is the default one.
	Transport http.RoundTripper
}

// oidcWay lets in people whom the identity provider names.
type oidcWay struct {
	OIDC
	client *http.Client
	slots  chan struct{}

	mu       sync.Mutex
	provider *oidc.Provider
}

// NewOIDC makes a gate that sends people to their identity provider. The provider is asked on first use: the service comes up
// while it is away.
func NewOIDC(c Config, o OIDC) (*Gate, error) {
	issuer, issuerErr := safeURL("--oidc-issuer", o.Issuer)
	redirect, redirectErr := safeURL("--oidc-redirect-url", o.RedirectURL)
	var clientErr, claimErr, pathErr error
	if o.ClientID == "" {
		clientErr = errors.New("--oidc-client-id is empty: set it to the id that the identity provider gave")
	}
	if !slices.Contains(Claims(), o.Claim) {
		claimErr = fmt.Errorf("--oidc-claim %q: want one of %s", o.Claim, strings.Join(Claims(), ", "))
	}
	if redirectErr == nil && (redirect.Path != CallbackPath || redirect.RawQuery != "") {
		pathErr = fmt.Errorf("--oidc-redirect-url %q: want the address of this service with the path %s", o.RedirectURL, CallbackPath)
	}
	if issuerErr == nil && (issuer.RawQuery != "" || issuer.Fragment != "") {
		pathErr = errors.Join(pathErr, fmt.Errorf("--oidc-issuer %q: an issuer has neither query nor fragment", o.Issuer))
	}
	if err := errors.Join(issuerErr, redirectErr, clientErr, claimErr, pathErr); err != nil {
		return nil, err
	}
	b, err := newBox(c.Key, now(c))
	if err != nil {
		return nil, err
	}
	way := &oidcWay{OIDC: o, client: boundedClient(o.Transport), slots: make(chan struct{}, exchanges)}
	return &Gate{Config: c, box: b, secure: redirect.Scheme == "https", oidc: way}, nil
}

// safeURL takes https, and http on this machine alone.
func safeURL(flag, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !local(u.Host)) {
		return nil, fmt.Errorf("%s %q: want an https URL (http only on localhost)", flag, text)
	}
	return u, nil
}

// discover asks the provider where it takes people and keeps its keys. Once it has answered, it is not asked again.
func (o *oidcWay) discover(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.provider == nil {
		p, err := oidc.NewProvider(oidc.ClientContext(ctx, o.client), o.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("ask the identity provider %s (--oidc-issuer) for its configuration: %w", o.Issuer, err)
		}
		o.provider = p
	}
	scopes := []string{oidc.ScopeOpenID}
	switch o.Claim {
	case "email":
		scopes = append(scopes, "email")
	case "preferred_username":
		scopes = append(scopes, "profile")
	}
	return o.provider, &oauth2.Config{
		ClientID: o.ClientID, ClientSecret: o.ClientSecret, RedirectURL: o.RedirectURL, Endpoint: o.provider.Endpoint(), Scopes: scopes,
	}, nil
}

// flow is what a sign-in under way remembers in the browser.
type flow struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Next     string `json:"next"`
}

func (g *Gate) startFlow(w http.ResponseWriter, r *http.Request) {
	if !g.oidc.enter() {
		g.Pages.Say(w, r, http.StatusServiceUnavailable, "Busy", "Too many people sign in at once. Try again in a moment.")
		return
	}
	defer g.oidc.leave()
	_, config, err := g.oidc.discover(r.Context())
	if err != nil {
		g.Log.Warn("sign-in is not possible", "error", err)
		g.Pages.Say(w, r, http.StatusBadGateway, "The identity provider is away",
			"Nobody can sign in until it answers. Incidents go on, and the command line works: trigger status, trigger approve.")
		return
	}
	f := flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: onward(r.URL.Query().Get("next"))}
	text, err := g.box.seal("flow", f, flowLife)
	if err != nil {
		g.Log.Error("start a sign-in", "error", err)
		g.Pages.Say(w, r, http.StatusInternalServerError, "Not signed in", "The sign-in could not be started.")
		return
	}
	g.set(w, "flow", text, flowLife)
	http.Redirect(w, r, config.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), http.StatusSeeOther)
}

func (o *oidcWay) enter() bool {
	select {
	case o.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (o *oidcWay) leave() { <-o.slots }
