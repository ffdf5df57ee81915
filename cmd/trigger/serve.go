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

	"github.com/spf13/cobra"

	"firebreak/internal/incident"
)

const inventoryVariable = "FIREBREAK_INVENTORY"

type serveFlags struct {
	listen, listenFile, inventory, tokenFile, mode, playbooks, queue string
	secrets, topics                                                  []string
	spool, metrics, metricsFile                                      string
	spoolMiB                                                         int64
	routes                                                           routeFlags
	slack                                                            slackFlags
	page                                                             pageFlags
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use: "serve", Short: "Take alerts and Slack in, and start or join incidents", Args: cobra.NoArgs,
		Long: serveHelp,
		Example: `  openssl rand -hex 24 > alert-token
  trigger serve --inventory inventory.yaml --alert-token-file alert-token
  trigger serve --inventory inventory.yaml --routes routes.yaml --secret pagerduty=pagerduty.secret --secret generic=drift.secret
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
	flags.StringVar(&f.tokenFile, "alert-token-file", "", "file with the bearer token of Alertmanager (default $"+tokenVariable+", the token itself)")
	flags.StringArrayVar(&f.secrets, "secret", nil, "SOURCE=FILE, a file with a secret of a source, one a line; may be given again (default $FIREBREAK_<SOURCE>_SECRET_FILE)")
	flags.StringArrayVar(&f.topics, "sns-topic", nil, "ARN of an SNS topic whose messages are taken; may be given again (default $"+topicsVariable+", separated by commas)")
	flags.StringVar(&f.queue, "sqs-queue", "", "URL of an SQS queue whose messages are taken (default $"+queueVariable+")")
	flags.StringVar(&f.mode, "mode", string(incident.Live), "live takes assets of prod only, drill those of staging and drill only")
	flags.StringVar(&f.playbooks, "playbooks", "", playbooksFlag+"; its kinds are those that an alert may name")
	flags.StringVar(&f.spool, "spool", "", "folder in which alerts are kept that Temporal does not confirm; one process uses it at a time")
	flags.Int64Var(&f.spoolMiB, "spool-mib", 256, "how much the spool may hold")
	flags.StringVar(&f.metrics, "metrics-listen", "", "address to serve GET /metrics on; off if empty")
	flags.StringVar(&f.metricsFile, "metrics-listen-file", "", "write the address that metrics are really served on to this file")
	f.routes.register(flags)
	f.slack.flags(flags)
	f.page.register(flags)
	return cmd
}

// serve checks everything that can be wrong with the configuration before it listens.
func (a *app) serve(ctx context.Context, f serveFlags) error {
	parts, err := a.service(ctx, f)
	if err != nil {
		return err
	}
	defer parts.close()
	in := parts.intake
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
		"routes", in.routing.current().Digest, "sources", in.served(), "sqs", queue != nil, "temporal", parts.desk.address)
	warnExposed(listener, in.log)
	if parts.site != nil {
		in.log.Info("showing the incident page at " + f.page.pageURL(listener))
	}
	following, stop := context.WithCancel(ctx)
	var followed sync.WaitGroup
	defer followed.Wait()
	defer stop()
	if err := in.metrics.serve(following, &followed, f, in.log); err != nil {
		return errors.Join(err, listener.Close())
	}
	followed.Go(func() { in.inventory.follow(following, inventoryInterval) })
	followed.Go(func() { in.routing.follow(following, inventoryInterval) })
	followed.Go(func() { poll(following, queue) })
	defer parts.cockpit.start(ctx)()
	return serveHTTP(ctx, listener, withPage(parts.cockpit.mount(in.routes()), parts.site), defaultLimits(), in.log)
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
