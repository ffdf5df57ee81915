package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"firebreak/internal/alert"
	"firebreak/internal/incident"
)

const inventoryVariable = "FIREBREAK_INVENTORY"

type serveFlags struct {
	listen, listenFile, inventory, tokenFile, mode, playbooks string
	labels                                                    alert.Labels
	page                                                      pageFlags
}

func (a *app) serveCommand() *cobra.Command {
	f := serveFlags{labels: alert.DefaultLabels()}
	cmd := &cobra.Command{
		Use: "serve", Short: "Take alerts in and start or join incidents", Args: cobra.NoArgs,
		Long: `Serve takes Alertmanager's webhook (version 4) at POST /alerts/alertmanager and starts an incident for each alert, or
joins the open one. Two labels of the alert decide: firebreak_kind (a kind of which there is a playbook) and firebreak_asset
(an id of the inventory). Three more say how bad it is and how sure: severity (critical, warning, info, or SEV1 to SEV4),
firebreak_confidence (0 to 1) and firebreak_facet. A value of these that cannot be used counts as not given.

  200  every alert is durably started or joined
  422  some alerts name no kind, no known asset, or one of another environment; the others are started or joined
  503  Temporal did not confirm in time: the sender must try again

The inventory file is read again when it changes. While it is faulty the last good one stays in use: the log says what is
wrong, and /readyz has the field inventory_fault.

With --oidc-issuer or --page-token-file it shows the incident page at /incidents. At an identity provider (OpenID Connect,
authorisation code with PKCE) people sign in by name, and decide what their role in the inventory lets them. With a token
there is no person: the page shows everything and the commands with which people decide. Without either there is no page.

GET /healthz answers while the process runs, GET /readyz while Temporal can be reached.`,
		Example: `  openssl rand -hex 24 > alert-token
  trigger serve --inventory inventory.yaml --alert-token-file alert-token
  trigger serve --inventory inventory.yaml --alert-token-file alert-token --page-token-file page-token
  trigger serve --inventory inventory.yaml --alert-token-file alert-token --oidc-issuer https://id.nordwall.example \
      --oidc-client-id firebreak --oidc-client-secret-file secret --oidc-redirect-url https://incidents.nordwall.example/signin/callback
  trigger serve --mode drill --listen 127.0.0.1:0 --listen-file trigger.addr`,
		RunE: a.verb(func(ctx context.Context, _ []string) error { return a.serve(ctx, f) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address to listen on; port 0 takes a free one")
	flags.StringVar(&f.listenFile, "listen-file", "", "write the address really listened on to this file")
	flags.StringVar(&f.inventory, "inventory", "", "inventory file (default $"+inventoryVariable+")")
	flags.StringVar(&f.tokenFile, "alert-token-file", "", "file with the bearer token that senders must show (default $"+tokenVariable+", the token itself)")
	flags.StringVar(&f.mode, "mode", string(incident.Live), "live takes assets of prod only, drill those of staging and drill only")
	flags.StringVar(&f.playbooks, "playbooks", "", playbooksFlag+"; its kinds are those that an alert may name")
	flags.StringVar(&f.labels.Kind, "kind-label", f.labels.Kind, "label that names the incident's kind")
	flags.StringVar(&f.labels.Asset, "asset-label", f.labels.Asset, "label that names the asset")
	f.page.register(flags)
	return cmd
}

// serve checks everything that can be wrong with the configuration before it listens.
func (a *app) serve(ctx context.Context, f serveFlags) error {
	mode, err := parseMode(f.mode)
	if err != nil {
		return err
	}
	logger := newLogger(a.stderr)
	token, tokenErr := loadBearer(f.tokenFile, a.env)
	inv, invErr := a.followedInventory(f.inventory, logger)
	kinds, kindsErr := a.kinds(f.playbooks)
	d, temporalErr := lazyTemporal(a.env, logger)
	if err := errors.Join(tokenErr, invErr, kindsErr, temporalErr); err != nil {
		if d != nil {
			d.Close()
		}
		return err
	}
	defer d.Close()
	f.labels.Kinds = kinds
	in := &intake{
		inventory: inv, mode: mode, labels: f.labels, token: token, temporal: d, log: logger,
		timeout: deliveryTimeout, slots: make(chan struct{}, deliveries), now: time.Now,
	}
	site, err := a.page(f.page, f.listen, inv, d, logger)
	if err != nil {
		return err
	}
	listener, err := listen(ctx, f.listen, f.listenFile)
	if err != nil {
		return err
	}
	if f.listenFile != "" {
		defer os.Remove(f.listenFile)
	}
	logger.Info("listening on http://"+listener.Addr().String(), "mode", string(mode), "inventory", inv.current().Digest(), "temporal", d.address)
	warnExposed(listener, logger)
	if site != nil {
		logger.Info("showing the incident page at " + f.page.pageURL(listener))
	}
	following, stop := context.WithCancel(ctx)
	var followed sync.WaitGroup
	followed.Go(func() { inv.follow(following, inventoryInterval) })
	defer followed.Wait()
	defer stop()
	return serveHTTP(ctx, listener, withPage(in.routes(), site), defaultLimits(), logger)
}

// listen opens the port and tells scripts which one it is. The file appears whole or not at all.
func listen(ctx context.Context, address, file string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s (--listen): %w", address, err)
	}
	if file == "" {
		return l, nil
	}
	if err := writeWhole(file, l.Addr().String()+"\n"); err != nil {
		l.Close()
		return nil, fmt.Errorf("write the address to %s (--listen-file): %w", file, err)
	}
	return l, nil
}

func writeWhole(file, text string) error {
	part, err := os.CreateTemp(filepath.Dir(file), ".listen-*")
	if err != nil {
		return err
	}
	_, err = part.WriteString(text)
	err = errors.Join(err, part.Close())
	if err == nil {
		err = os.Rename(part.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return nil
}

// warnExposed reminds that the token travels in clear text on this port.
func warnExposed(l net.Listener, logger *slog.Logger) {
	if addr, ok := l.Addr().(*net.TCPAddr); ok && !addr.IP.IsLoopback() {
		logger.Warn("listening beyond loopback without TLS: put a proxy that ends TLS in front, the alert token is sent in clear text")
	}
}

func parseMode(s string) (incident.Mode, error) {
	switch m := incident.Mode(s); m {
	case incident.Live, incident.Drill:
		return m, nil
	}
	return "", usage("--mode %q: want live or drill", s)
}
