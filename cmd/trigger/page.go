package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"firebreak/internal/inventory"
	web "firebreak/internal/page"
	"firebreak/internal/signin"
)

const pageSecretVariable = "FIREBREAK_OIDC_CLIENT_SECRET"

// pageFlags say who may look at the incident page. Without any of them there is none.
type pageFlags struct {
	tokenFile, keyFile string
	oidc               signin.OIDC
	secretFile         string
}

func (f *pageFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.tokenFile, "page-token-file", "", "show the incident page on this machine to whoever has the token in this file; it decides nothing")
	flags.StringVar(&f.keyFile, "page-key-file", "", "file with at least 32 bytes that seal the page's sessions; without it they end with the process")
	flags.StringVar(&f.oidc.Issuer, "oidc-issuer", "", "show the incident page to people of the inventory whom this identity provider names")
	flags.StringVar(&f.oidc.ClientID, "oidc-client-id", "", "client id that the identity provider gave")
	flags.StringVar(&f.secretFile, "oidc-client-secret-file", "", "file with the client secret (default $"+pageSecretVariable+", the secret itself)")
	flags.StringVar(&f.oidc.RedirectURL, "oidc-redirect-url", "", "address of this service as browsers see it, with the path "+signin.CallbackPath)
	flags.StringVar(&f.oidc.Claim, "oidc-claim", "email", "claim that is compared with people's idp in the inventory: "+strings.Join(signin.Claims(), ", "))
}

// byProvider reports whether people are to sign in at an identity provider.
func (f *pageFlags) byProvider() bool {
	return f.oidc.Issuer != "" || f.oidc.ClientID != "" || f.oidc.RedirectURL != "" || f.secretFile != ""
}

// page makes the incident page; it is nil if no way to sign in is set.
func (a *app) page(f pageFlags, listenOn string, inv *inventoryFile, op operator, log *slog.Logger) (*web.Site, error) {
	switch {
	case f.tokenFile == "" && !f.byProvider():
		if f.keyFile != "" {
			return nil, errors.New("--page-key-file has no use without --oidc-issuer or --page-token-file")
		}
		return nil, nil
	case f.tokenFile != "" && f.byProvider():
		return nil, errors.New("--page-token-file and --oidc-issuer exclude each other: people sign in at the identity provider, or nobody does")
	}
	views, err := web.Parse(commandLine, log)
	if err != nil {
		return nil, err
	}
	people := func() *inventory.Inventory { return inv.current().Inventory }
	config := signin.Config{Pages: views, People: people, Log: log, Now: a.now}
	var keyErr error
	if f.keyFile != "" {
		config.Key, keyErr = readSecret("--page-key-file", f.keyFile)
	}
	gate, gateErr := a.gate(f, config, listenOn)
	if err := errors.Join(keyErr, gateErr); err != nil {
		return nil, err
	}
	return web.New(web.Config{
		Source: pageSource{op}, Desk: pageDesk{op}, Gate: gate, People: people, Command: commandLine, Anchors: anchors(), Origins: f.origins(), Log: log, Now: a.now,
	}, views)
}

// origins are those of the address that browsers see, which a proxy may hide from this process.
func (f *pageFlags) origins() []string {
	u, err := url.Parse(f.oidc.RedirectURL)
	if err != nil || u.Host == "" {
		return nil
	}
	return []string{u.Scheme + "://" + u.Host}
}

func (a *app) gate(f pageFlags, config signin.Config, listenOn string) (*signin.Gate, error) {
	if f.tokenFile == "" {
		secret := []byte(a.env.get(pageSecretVariable))
		if f.secretFile != "" {
			var err error
			if secret, err = readSecret("--oidc-client-secret-file", f.secretFile); err != nil {
				return nil, err
			}
		}
		if len(secret) == 0 {
			return nil, fmt.Errorf("the client secret is empty: set --oidc-client-secret-file or %s", pageSecretVariable)
		}
		f.oidc.ClientSecret = string(secret)
		return signin.NewOIDC(config, f.oidc)
	}
	if !loopback(listenOn) {
		return nil, fmt.Errorf("--page-token-file with --listen %s: a token in clear text is for this machine alone; listen on 127.0.0.1, or use --oidc-issuer", listenOn)
	}
	tokens, err := readSecrets("page token (--page-token-file)", f.tokenFile)
	if err != nil {
		return nil, err
	}
	if len(tokens) > 1 {
		return nil, fmt.Errorf("the page token in %s is more than one: keep one line", f.tokenFile)
	}
	return signin.NewToken(config, sha256.Sum256([]byte(tokens[0])))
}

// readSecret reads a secret from a file, without the line's end that editors add.
func readSecret(flag, file string) ([]byte, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the secret (%s): %w", flag, err)
	}
	if raw = bytes.TrimSpace(raw); len(raw) == 0 {
		return nil, fmt.Errorf("the secret in %s (%s) is empty", file, flag)
	}
	return raw, nil
}

// loopback reports whether an address to listen on is reached from this machine alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback())
}

// withPage adds the page's addresses to those of the service.
func withPage(service http.Handler, site *web.Site) http.Handler {
	if site == nil {
		return service
	}
	mux := http.NewServeMux()
	mux.Handle("/", service)
	for _, path := range web.Paths() {
		mux.Handle(path, site)
	}
	return mux
}

// pageURL is where people find the page, for the log.
func (f *pageFlags) pageURL(listener net.Listener) string {
	if o := f.origins(); len(o) > 0 {
		return o[0] + signin.Home
	}
	return "http://" + cmp.Or(listener.Addr().String(), "localhost") + signin.Home
}
