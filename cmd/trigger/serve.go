package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"firebreak/internal/alert"
	"firebreak/internal/incident"
	"firebreak/internal/sns"
)

const inventoryVariable = "FIREBREAK_INVENTORY"

type serveFlags struct {
	listen, listenFile, inventory, tokenFile, mode, playbooks, queue string
	secrets, topics                                                  []string
	routes                                                           routeFlags
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use: "serve", Short: "Take alerts in and start or join incidents", Args: cobra.NoArgs,
		Long: serveHelp,
		Example: `  openssl rand -hex 24 > alert-token
  trigger serve --inventory inventory.yaml --alert-token-file alert-token
  trigger serve --inventory inventory.yaml --routes routes.yaml --secret pagerduty=pagerduty.secret --secret generic=drift.secret
  trigger serve --mode drill --listen 127.0.0.1:0 --listen-file trigger.addr`,
		RunE: a.verb(func(ctx context.Context, _ []string) error { return a.serve(ctx, f) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address to listen on; port 0 takes a free one")
	flags.StringVar(&f.listenFile, "listen-file", "", "write the address really listened on to this file")
	flags.StringVar(&f.inventory, "inventory", "", "inventory file (default $"+inventoryVariable+")")
	flags.StringVar(&f.tokenFile, "alert-token-file", "", "file with the bearer token of Alertmanager (default $"+tokenVariable+", the token itself)")
	flags.StringArrayVar(&f.secrets, "secret", nil, "SOURCE=FILE, a file with a secret of a source, one a line; may be given again (default $FIREBREAK_<SOURCE>_SECRET_FILE)")
	flags.StringArrayVar(&f.topics, "sns-topic", nil, "ARN of an SNS topic whose messages are taken; may be given again (default $"+topicsVariable+", separated by commas)")
	flags.StringVar(&f.queue, "sqs-queue", "", "URL of an SQS queue whose messages are taken (default $"+queueVariable+")")
	flags.StringVar(&f.mode, "mode", string(incident.Live), "live takes assets of prod only, drill those of staging and drill only")
	flags.StringVar(&f.playbooks, "playbooks", "", playbooksFlag+"; its kinds are those that an alert may name")
	f.routes.register(flags)
	return cmd
}

const serveHelp = `Serve takes alerts at POST /alerts/SOURCE and starts an incident for each, or joins the open one. A source is served once it
has a secret, SNS once it has a topic:

  alertmanager  webhook, version 4                bearer token
  grafana       unified alerting's webhook        bearer token
  datadog       webhook                           bearer token as a custom header
  eventbridge   API destination                   bearer token as the connection's API key
  cloudevents   CloudEvents 1.0, both modes       bearer token
  pagerduty     webhooks, version 3               X-PagerDuty-Signature
  sns           HTTPS subscription                SNS's signature, and --sns-topic
  generic       firebreak's own form              X-Firebreak-Timestamp, and X-Firebreak-Signature: v1=HEX, the HMAC-SHA256
                                                  of "v1:TIMESTAMP:BODY"

The messages of an SQS queue (--sqs-queue) are read by long poll and deleted once they are durable. Its queue policy says who
may send; the role of this process may read that queue and nothing else.

Which incident an alert is about is decided by the routing file (--routes; see 'trigger route --help'). Without one the alert
names it itself, by the fields firebreak_kind (a kind of which there is a playbook) and firebreak_asset (an id of the
inventory). Three more say how bad it is and how sure: severity, firebreak_confidence (0 to 1) and firebreak_facet. A value
of these that cannot be used counts as not given. An alert that fits no rule, or names an asset that is not in the inventory
or is of another environment, is kept and a person is paged.

  200  every alert is durably started, joined, or given to a person
  4xx  the post is not from this sender, or cannot be read: the same again gives the same
  503  Temporal did not confirm in time: the sender must try again

The inventory and the routing file are read again when they change. While one is faulty the last good one stays in use: the
log says what is wrong, and /readyz has the field inventory_fault or routes_fault.

GET /healthz answers while the process runs, GET /readyz while Temporal can be reached.`

// serve checks everything that can be wrong with the configuration before it listens.
func (a *app) serve(ctx context.Context, f serveFlags) error {
	in, d, err := a.intake(f)
	if err != nil {
		return err
	}
	defer d.Close()
	queue, err := a.queue(ctx, f.queue, in.message, in.log)
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
	in.log.Info("listening on http://"+listener.Addr().String(), "mode", string(in.mode), "inventory", in.inventory.current().Digest(),
		"routes", in.routing.current().Digest, "sources", in.served(), "sqs", queue != nil, "temporal", d.address)
	warnExposed(listener, in.log)
	following, stop := context.WithCancel(ctx)
	var followed sync.WaitGroup
	followed.Go(func() { in.inventory.follow(following, inventoryInterval) })
	followed.Go(func() { poll(following, queue) })
	followed.Go(func() { in.routing.follow(following, inventoryInterval) })
	defer followed.Wait()
	defer stop()
	return serveHTTP(ctx, listener, in.routes(), defaultLimits(), in.log)
}

// intake makes the service from its configuration and reports everything that is wrong with it at once.
func (a *app) intake(f serveFlags) (*intake, *desk, error) {
	mode, err := parseMode(f.mode)
	if err != nil {
		return nil, nil, err
	}
	logger := newLogger(a.stderr)
	sources, sourcesErr := a.sources(f.tokenFile, f.secrets, time.Now)
	if topics := a.snsTopics(f.topics); sourcesErr == nil && len(topics) > 0 {
		var v *sns.Verifier
		if v, sourcesErr = sns.New(topics, nil, nil, time.Now); sourcesErr == nil {
			sources[alert.SNS] = snsSource(v)
		}
	}
	if sourcesErr == nil && len(sources) == 0 && f.queue == "" && a.env.get(queueVariable) == "" {
		sourcesErr = fmt.Errorf("no source of alerts has a secret: set --alert-token-file or %s for Alertmanager, --secret SOURCE=FILE for another, --sns-topic, or --sqs-queue (%s)", tokenVariable, secretHint)
	}
	inv, invErr := a.followedInventory(f.inventory, logger)
	kinds, kindsErr := a.kinds(f.playbooks)
	var routes *routesFile
	var routesErr error
	if kindsErr == nil {
		routes, routesErr = a.followedRoutes(f.routes, kinds, logger)
	}
	d, temporalErr := lazyTemporal(a.env, logger)
	if err := errors.Join(sourcesErr, invErr, kindsErr, routesErr, temporalErr); err != nil {
		if d != nil {
			d.Close()
		}
		return nil, nil, err
	}
	return newIntakeOf(&intake{inventory: inv, routing: routes, mode: mode, kinds: kinds, sources: sources, temporal: d, log: logger}), d, nil
}

// newIntakeOf sets the bounds of an intake.
func newIntakeOf(in *intake) *intake {
	in.timeout, in.now = deliveryTimeout, time.Now
	in.slots, in.large = make(chan struct{}, deliveries), make(chan struct{}, unproved)
	return in
}

// served names the sources that are on.
func (in *intake) served() []string { return slices.Sorted(maps.Keys(in.sources)) }

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
