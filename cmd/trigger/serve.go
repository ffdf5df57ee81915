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
	spool, metrics, metricsFile                               string
	spoolMiB                                                  int64
	labels                                                    alert.Labels
	slack                                                     slackFlags
}

func (a *app) serveCommand() *cobra.Command {
	f := serveFlags{labels: alert.DefaultLabels()}
	cmd := &cobra.Command{
		Use: "serve", Short: "Take alerts and Slack in, and start or join incidents", Args: cobra.NoArgs,
		Long: `Serve takes Alertmanager's webhook (version 4) at POST /alerts/alertmanager and starts an incident for each alert, or
joins the open one. Two labels of the alert decide: firebreak_kind (a kind of which there is a playbook) and firebreak_asset
(an id of the inventory). Three more say how bad it is and how sure: severity (critical, warning, info, or SEV1 to SEV4),
firebreak_confidence (0 to 1) and firebreak_facet. A value of these that cannot be used counts as not given.

  200  every alert is durably started or joined
  202  some alerts are on disk in the spool, and go to Temporal as soon as it can be reached; the others are started or joined
  422  some alerts name no kind, no known asset, or one of another environment; the others are started or joined
  503  Temporal did not confirm in time, and there is no spool or it is full: the sender must try again

The first alert of an incident goes to Temporal at once. What arrives for it within a second of that waits for one batch, in
which repetitions are a count; a post is answered when the batch that carries its alerts is durable. A repetition for an
incident that is closed starts a recheck of it.

The inventory file is read again when it changes. While it is faulty the last good one stays in use: the log says what is
wrong, and /readyz has the field inventory_fault.

GET /healthz answers while the process runs, GET /readyz while alerts can be taken in. --metrics-listen serves GET /metrics in
Prometheus' format on a port of its own.
` + slackHelp,
		Example: `  openssl rand -hex 24 > alert-token
  trigger serve --inventory inventory.yaml --alert-token-file alert-token
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
	flags.StringVar(&f.spool, "spool", "", "folder in which alerts are kept that Temporal does not confirm; one process uses it at a time")
	flags.Int64Var(&f.spoolMiB, "spool-mib", 256, "how much the spool may hold")
	flags.StringVar(&f.metrics, "metrics-listen", "", "address to serve GET /metrics on; off if empty")
	flags.StringVar(&f.metricsFile, "metrics-listen-file", "", "write the address that metrics are really served on to this file")
	flags.StringVar(&f.labels.Kind, "kind-label", f.labels.Kind, "label that names the incident's kind")
	flags.StringVar(&f.labels.Asset, "asset-label", f.labels.Asset, "label that names the asset")
	f.slack.flags(flags)
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
	cockpit, slackErr := a.cockpit(ctx, f.slack, slackParts{op: d, inventory: inv, mode: mode, kinds: kinds, log: logger})
	if err := errors.Join(tokenErr, invErr, kindsErr, temporalErr, slackErr); err != nil {
		if d != nil {
			d.Close()
		}
		return err
	}
	defer d.Close()
	f.labels.Kinds = kinds
	m := newMetrics()
	kept, err := openSpool(f.spool, f.spoolMiB, logger)
	if err != nil {
		return err
	}
	if kept != nil {
		defer kept.Close()
		m.watchSpool(kept, a.now)
	}
	c := newCoalescer(d, kept, usualPace(kept), logger, m)
	defer c.close()
	in := &intake{
		inventory: inv, mode: mode, labels: f.labels, token: token, temporal: c, log: logger, metrics: m,
		timeout: deliveryTimeout, slots: make(chan struct{}, deliveries), now: time.Now,
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
	following, stop := context.WithCancel(ctx)
	var followed sync.WaitGroup
	defer followed.Wait()
	defer stop()
	if err := m.serve(following, &followed, f, logger); err != nil {
		return errors.Join(err, listener.Close())
	}
	followed.Go(func() { inv.follow(following, inventoryInterval) })
	defer cockpit.start(ctx)()
	return serveHTTP(ctx, listener, cockpit.mount(in.routes()), defaultLimits(), logger)
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
