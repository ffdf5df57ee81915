// Command vault serves a real HashiCorp Vault core in memory, initialised and
// unsealed, for the sandbox and the tests. It is `vault server -dev` without
// the cloud plugins, which would make its build several times longer, and
// with one secrets engine more: sandbox-aws, which issues credentials of the
// sandbox's own S3 server.
package main

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/vault"
)

// rootTokenVariable carries the root token: an argument would show in the
// machine's list of processes.
const rootTokenVariable = "SANDBOX_VAULT_ROOT_TOKEN"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "vault:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("vault", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:8200", "address to serve HTTP on")
	auditLog := flags.String("audit-log", "", "file for the audit device that is enabled at start")
	unsealKey := flags.String("unseal-key-file", "", "file that the only key share is written to, in base64, so that a sealed server can be unsealed")
	level := flags.String("log-level", "warn", "trace, debug, info, warn or error")
	if err := flags.Parse(args); err != nil {
		return err
	}
	rootToken := os.Getenv(rootTokenVariable)
	if rootToken == "" {
		return errors.New(rootTokenVariable + " is not set")
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", *listen, err)
	}
	defer listener.Close()
	logger := hclog.New(&hclog.LoggerOptions{Name: "vault", Level: hclog.LevelFromString(*level), Output: os.Stderr})
	core, share, err := startCore(logger, "http://"+listener.Addr().String(), rootToken)
	if err != nil {
		return err
	}
	defer func() { _ = core.Shutdown() }()
	if *unsealKey != "" {
		if err := os.WriteFile(*unsealKey, []byte(base64.StdEncoding.EncodeToString(share)), 0o600); err != nil {
			return fmt.Errorf("write unseal key: %w", err)
		}
	}
	if *auditLog != "" {
		if err := enableAudit(core, rootToken, *auditLog); err != nil {
			return err
		}
	}
	return serve(ctx, core, listener)
}

// serve answers from the moment it is called, with the core unsealed: the
// first 200 of sys/health says that everything is ready.
func serve(ctx context.Context, core *vault.Core, listener net.Listener) error {
	server := &http.Server{
		Handler:           vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core, ListenerConfig: &configutil.Listener{}}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(closing); err != nil {
		_ = server.Close()
	}
	return nil
}
