package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// errorCode is what an error of OAuth looks like; anything else is not repeated.
var errorCode = regexp.MustCompile(`^[a-z_]{1,64}$`)

// callback ends a sign-in that this browser began. What went wrong is told in general words, and in full in the log.
func (g *Gate) callback(w http.ResponseWriter, r *http.Request) {
	var f flow
	c, err := r.Cookie(g.cookie("flow"))
	if err != nil || g.box.open("flow", c.Value, &f) != nil {
		g.Pages.Say(w, r, http.StatusBadRequest, "Not signed in", "This sign-in was not begun here, or it took too long. Begin again at /signin.")
		return
	}
	g.drop(w, "flow")
	if subtle.ConstantTimeCompare([]byte(f.State), []byte(r.URL.Query().Get("state"))) != 1 {
		g.Log.Warn("a sign-in was refused", "error", "the state is not that of this browser", "remote", r.RemoteAddr)
		g.Pages.Say(w, r, http.StatusBadRequest, "Not signed in", "This sign-in was not begun here. Begin again at /signin.")
		return
	}
	if !g.oidc.enter() {
		g.Pages.Say(w, r, http.StatusServiceUnavailable, "Busy", "Too many people sign in at once. Try again in a moment.")
		return
	}
	defer g.oidc.leave()
	name, err := g.oidc.name(r.Context(), r, f)
	if err != nil {
		g.Log.Warn("a sign-in was refused", "error", err, "remote", r.RemoteAddr)
		g.Pages.Say(w, r, http.StatusForbidden, "Not signed in", "The identity provider did not confirm who you are. The log says why. Begin again at /signin.")
		return
	}
	p := g.oidc.person(g.People(), name)
	if p == nil {
		g.Log.Warn("a sign-in was refused", "error", "not a person of the inventory", "name", name, "remote", r.RemoteAddr)
		g.Pages.Say(w, r, http.StatusForbidden, "Not a person of the inventory",
			"You are who you say, but no one person in the inventory has your name in idp. Ask whoever keeps the inventory.")
		return
	}
	if err := g.admit(w, session{Name: name}); err != nil {
		g.Log.Error("sign in", "error", err)
		g.Pages.Say(w, r, http.StatusInternalServerError, "Not signed in", "The session could not be made.")
		return
	}
	g.Log.Info("signed in", "person", p.ID, "remote", r.RemoteAddr)
	http.Redirect(w, r, f.Next, http.StatusSeeOther)
}

// name exchanges the code and returns what the provider calls the person, after every check that the specification asks for.
func (o *oidcWay) name(ctx context.Context, r *http.Request, f flow) (string, error) {
	q := r.URL.Query()
	if code := q.Get("error"); code != "" {
		if !errorCode.MatchString(code) {
			code = "an error"
		}
		return "", fmt.Errorf("the identity provider answered %s", code)
	}
	if iss := q.Get("iss"); iss != "" && iss != o.Issuer {
		return "", errors.New("the answer is of another issuer")
	}
	provider, config, err := o.discover(ctx)
	if err != nil {
		return "", err
	}
	ctx = oidc.ClientContext(ctx, o.client)
	answer, err := config.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return "", fmt.Errorf("exchange the code: %w", withoutBody(err))
	}
	raw, ok := answer.Extra("id_token").(string)
	if !ok {
		return "", errors.New("the answer has no id_token")
	}
	token, err := provider.Verifier(&oidc.Config{ClientID: o.ClientID}).Verify(ctx, raw)
	if err != nil {
		return "", fmt.Errorf("verify the id_token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(f.Nonce)) != 1 {
		return "", errors.New("the id_token's nonce is not that of this sign-in")
	}
	return o.claim(token)
}

// claims are those of the ID token that are read.
type claims struct {
	AuthorizedParty string `json:"azp"`
	Email           string `json:"email"`
	EmailVerified   any    `json:"email_verified"`
	Username        string `json:"preferred_username"`
}

func (o *oidcWay) claim(token *oidc.IDToken) (string, error) {
	var c claims
	if err := token.Claims(&c); err != nil {
		return "", fmt.Errorf("read the id_token's claims: %w", err)
	}
	if c.AuthorizedParty != "" && c.AuthorizedParty != o.ClientID || c.AuthorizedParty == "" && len(token.Audience) > 1 {
		return "", errors.New("the id_token was made for another client (azp)")
	}
	name := token.Subject
	switch o.Claim {
	case "email":
		// Some providers write the word instead of the value. Without it an address is only what somebody typed in.
		if c.EmailVerified != true && c.EmailVerified != "true" {
			return "", errors.New("the id_token does not say email_verified: have the provider verify addresses, or set --oidc-claim to another claim")
		}
		name = c.Email
	case "preferred_username":
		name = c.Username
	}
	if name == "" || len(name) > maxName {
		return "", fmt.Errorf("the id_token has no usable claim %s (--oidc-claim)", o.Claim)
	}
	return name, nil
}

// maxName bounds a name: an address has at most 254 bytes, a subject 255.
const maxName = 255

// withoutBody leaves out the provider's answer, which can hold anything.
func withoutBody(err error) error {
	var failed *oauth2.RetrieveError
	if errors.As(err, &failed) && failed.Response != nil {
		code := failed.ErrorCode
		if !errorCode.MatchString(code) {
			code = "no error code"
		}
		return fmt.Errorf("the identity provider answered %s, %s", failed.Response.Status, code)
	}
	return err
}
