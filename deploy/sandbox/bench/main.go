// Command bench measures what firebreak's engine costs on top of Temporal itself: the same activities, on the same real
// server and the same workers, once as an incident and once as a workflow that only runs them in a row.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

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

// settings are the command line.
type settings struct {
	rounds, runs, warmup int
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	set, err := parse(args, stderr)
	if err != nil {
		return exitUsage
	}
	if err := measure(ctx, set, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitFailed
	}
	return exitOK
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var set settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&set.rounds, "rounds", 8, "how many rounds are measured")
	flags.IntVar(&set.runs, "runs", 10, "how often each contender runs in a round, in turn with the others")
	flags.IntVar(&set.warmup, "warmup", 10, "how often each contender runs before the first round")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	if flags.NArg() > 0 || set.rounds < 1 || set.runs < 1 || set.warmup < 1 {
		err := errors.New("want positive numbers and no argument")
		fmt.Fprintln(stderr, "bench:", err)
		return set, err
	}
	return set, nil
}

func measure(ctx context.Context, set settings, stdout, stderr io.Writer) (err error) {
	server, err := standin.StartServer(ctx, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	inv, err := standin.NordwallInventory(server.Repository)
	if err != nil {
		return err
	}
	platform := standin.NewPlatform(inv, fiveActions)
	bare := &inARow{}
	workers, err := standin.StartWorkers(server.Client, platform, func(r worker.Registry) {
		r.RegisterWorkflowWithOptions(bare.run, workflow.RegisterOptions{Name: bareWorkflow})
		r.RegisterWorkflowWithOptions(bare.runEmpty, workflow.RegisterOptions{Name: emptyWorkflow})
		r.RegisterActivity(nothing)
	})
	if err != nil {
		return err
	}
	defer workers.Stop()
	b := &bench{client: server.Client, platform: platform}
	if bare.calls, err = b.learn(ctx); err != nil {
		return err
	}
	contenders := []contender{{"incident", b.incident}, {"bare", b.bare(bareWorkflow)}, {"no-op", b.bare(emptyWorkflow)}}
	results, err := b.interleave(ctx, set, contenders)
	if err != nil {
		return err
	}
	report(stdout, set, results)
	return nil
}
