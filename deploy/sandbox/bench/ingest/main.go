// Command ingest measures what the trigger costs on top of what nobody can do without: different alerts against a bare
// signal-with-start on the same Temporal, and repetitions against an HTTP handler that only reads, verifies and decodes. Rounds
// of the contenders alternate, so that whatever else the machine does hits both.
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
	"time"

	"firebreak/deploy/sandbox/ingest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// settings are the command line.
type settings struct {
	rounds, alerts, callers, connections int
	window                               time.Duration
	spool                                bool
	floor                                string
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	set := settings{}
	flags := flag.NewFlagSet("ingest", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&set.rounds, "rounds", 7, "how many rounds of each contender are measured")
	flags.IntVar(&set.alerts, "alerts", 400, "how many different alerts a round has, each for an incident of its own")
	flags.IntVar(&set.callers, "callers", 32, "how many of them are under way at the same time")
	flags.IntVar(&set.connections, "connections", 16000, "how many senders repeat an alert at the same time")
	flags.DurationVar(&set.window, "window", 5*time.Second, "how long a round of repetitions is")
	flags.BoolVar(&set.spool, "spool", true, "run the trigger with a spool")
	flags.StringVar(&set.floor, "serve-floor", "", "serve the handler to compare with on this address and do nothing else")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 || set.rounds < 1 || set.alerts < 1 || set.callers < 1 || set.connections < 1 {
		fmt.Fprintln(stderr, "ingest: want positive numbers and no argument")
		return 2
	}
	var err error
	if set.floor != "" {
		err = serveFloor(ctx, set.floor)
	} else {
		err = measure(ctx, set, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "ingest:", err)
		return 1
	}
	return 0
}

func measure(ctx context.Context, set settings, stdout, stderr io.Writer) (err error) {
	data, err := os.MkdirTemp("", "firebreak-ingest-")
	if err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	rig, err := ingest.Start(ctx, ingest.Options{Data: data, Assets: (set.rounds + 1) * set.alerts, Spool: set.spool, Direct: true, Log: stderr})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rig.Stop()) }()
	floor, url, err := startFloor(ctx, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, floor.Stop()) }()

	u := &unique{rig: rig, set: set, client: ingest.NewClient(set.callers)}
	if err := compare(ctx, stdout, set.rounds, "different alerts/s to durable", "trigger", u.trigger, "bare signal-with-start", u.bare); err != nil {
		return err
	}
	d := &repeated{set: set, body: ingest.Body(ingest.Alert{Asset: ingest.Asset(0), Key: "ab"})}
	err = compare(ctx, stdout, set.rounds, "repeated alerts/s to durable", "trigger", d.against(rig.URL), "handler that reads, verifies, decodes", d.against(url))
	fmt.Fprintf(stdout, "%d repetitions were answered from the spool\n", d.spooled.Load())
	return err
}
