// Command record records the histories that package workflows replays: for every built-in playbook it plays a set of
// incidents on a real Temporal server, with the real workflows and activities that answer at once, and writes each
// incident's history to testdata/histories. What was there before is replaced.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"firebreak/deploy/sandbox/standin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("record", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", "", "the folder to write instead of testdata/histories; what is in it is replaced")
	kind := flags.String("kind", "", "record this kind alone; needs --out")
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	if flags.NArg() > 0 || *kind != "" && *out == "" {
		fmt.Fprintln(stderr, "record: want no argument, and --out with --kind")
		return exitUsage
	}
	if err := record(ctx, *out, *kind, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "record:", err)
		return exitFailed
	}
	return exitOK
}

func record(ctx context.Context, out, kind string, stdout, stderr io.Writer) (err error) {
	server, err := standin.StartServer(ctx, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	inv, err := standin.NordwallInventory(server.Repository)
	if err != nil {
		return err
	}
	if out == "" {
		out = filepath.Join(server.Repository, "testdata", "histories")
	}
	r := &recorder{client: server.Client, inv: inv, log: stdout}
	r.platform = standin.NewPlatform(inv, r.load)
	if r.workers, err = standin.StartWorkers(server.Client, r.platform, nil); err != nil {
		return err
	}
	defer func() { r.workers.Stop() }()
	if r.folder, err = os.MkdirTemp(filepath.Dir(filepath.Clean(out)), ".histories-"); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(r.folder)
	if err := r.recordAll(ctx, kind); err != nil {
		return err
	}
	return r.publish(out)
}
