// Command sandbox runs firebreak end to end on real servers on localhost: it turns one real alert into a contained
// incident and shows where to look at everything.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"firebreak/deploy/sandbox/build"
	"firebreak/deploy/sandbox/floor"
	"firebreak/deploy/sandbox/scenario"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// settings are the command line.
type settings struct {
	build bool
	once  bool
	kind  incident.Kind
	json  string
}

// The exit codes: an incident that ended in another verdict than contained is told apart from a sandbox that failed.
const (
	exitContained    = 0
	exitFailed       = 1
	exitUsage        = 2
	exitNotContained = 3
)

// incidentTimeout bounds how long the incident may take until every step has ended.
const incidentTimeout = 3 * time.Minute

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	set, err := parse(args, stderr)
	if err != nil {
		return exitUsage
	}
	if set.build {
		if err := buildServers(ctx, stderr); err != nil {
			fmt.Fprintln(stderr, "sandbox:", err)
			return exitFailed
		}
		return exitContained
	}
	data, remove, err := stack.TemporaryData()
	if err != nil {
		fmt.Fprintln(stderr, "sandbox:", err)
		return exitFailed
	}
	verdict, err := play(ctx, set, data, stdout, stderr)
	if err := errors.Join(err, remove()); err != nil {
		fmt.Fprintln(stderr, "sandbox:", err)
		return exitFailed
	}
	if verdict != incident.Contained {
		return exitNotContained
	}
	return exitContained
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var set settings
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&set.build, "build", false, "build the servers that are not in the cache yet, and stop")
	flags.BoolVar(&set.once, "once", false, "stop everything when the incident has settled; exit 0 only if it is contained")
	kind := flags.String("kind", string(incident.DatasetCompromise), "the incident: backdoor-discovery, extraction-event, dataset-compromise or prompt-injection-leak")
	flags.StringVar(&set.json, "json", "", "write the outcome to this file")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q", flags.Arg(0))
		fmt.Fprintln(stderr, "sandbox:", err)
		return set, err
	}
	kinds, err := playbooks.BuiltIn().Kinds()
	if err != nil {
		return set, err
	}
	set.kind = incident.Kind(*kind)
	if !slices.Contains(kinds, set.kind) {
		err = fmt.Errorf("unknown kind %q (known: %v)", *kind, kinds)
		fmt.Fprintln(stderr, "sandbox:", err)
	}
	return set, err
}

// buildServers fills the cache, so that what follows starts in seconds.
func buildServers(ctx context.Context, log io.Writer) error {
	b, err := build.New(ctx, log)
	if err != nil {
		return err
	}
	for _, name := range []string{build.S3, build.Temporal, build.Kubernetes} {
		if _, err := b.Server(ctx, name); err != nil {
			return err
		}
	}
	_, _, err = b.Vault(ctx)
	return err
}

// play starts the stack, plays the incident, and stops the stack again.
func play(ctx context.Context, set settings, data string, stdout, stderr io.Writer) (verdict incident.Verdict, err error) {
	began := time.Now()
	s, err := stack.Start(ctx, stack.Options{Data: data, Log: stderr})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	fmt.Fprintf(stderr, "the sandbox is up after %.1f s\n\n", time.Since(began).Seconds())
	places(stdout, s)

	fmt.Fprintf(stdout, "\nAlertmanager reports a %s of %s\n\n", set.kind, scenario.Asset(set.kind))
	bounded, cancel := context.WithTimeout(ctx, incidentTimeout)
	defer cancel()
	r, err := scenario.Start(bounded, s, set.kind, stdout)
	if err != nil {
		return "", err
	}
	rec, err := r.Until(bounded, scenario.Settled)
	if err != nil {
		return "", err
	}
	res := r.Result(rec)
	report(stdout, rec, res)
	if err := timings(bounded, stdout, r, rec); err != nil {
		return "", err
	}
	if set.json != "" {
		if err := res.Write(set.json); err != nil {
			return "", err
		}
	}
	if set.once {
		return rec.Verdict, r.Close(bounded, false)
	}
	fmt.Fprintf(stdout, "\nThe incident is still open. Look around; Ctrl-C stops and removes everything.\n")
	places(stdout, s)
	<-ctx.Done()
	return rec.Verdict, nil
}

func places(out io.Writer, s *stack.Stack) {
	fmt.Fprintf(out, "  Temporal   %s\n  Slack      %s\n  Vault      %s\n  S3         %s\n  Kubernetes %s\n  trigger    %s\n  incidents  %s/incidents (token: %s)\n  mail       %s\n  files      %s\n",
		s.Temporal.UI, s.SlackURL, s.Vault.Address, s.S3.Endpoint, s.Kubernetes.URL, s.TriggerURL, s.TriggerURL, s.PageToken, s.Mail.Address, s.Options.Data)
}

func report(out io.Writer, rec *incident.Record, res scenario.Result) {
	fmt.Fprintf(out, "\n%s: %s after %.1f s\n", rec.ID, rec.Verdict, float64(res.ElapsedMS)/1000)
	for _, g := range rec.Gaps {
		fmt.Fprintf(out, "  gap: %s\n", g)
	}
	fmt.Fprintf(out, "  evidence   %d objects locked, manifest %s\n", res.Evidence.Objects, res.Evidence.Manifest)
	fmt.Fprintf(out, "  legal      told in %s (%s)\n", res.Legal.Channel, res.Legal.TS)
}

// floorRounds is how often the bare workflow is run; the median counts.
const floorRounds = 5

// timings compares the incident with a bare Temporal workflow of as many no-op activities on the same server.
func timings(ctx context.Context, out io.Writer, r *scenario.Run, rec *incident.Record) error {
	n, err := floor.Activities(ctx, r.Stack.Client, rec.ID)
	if err != nil {
		return err
	}
	bare, err := floor.Measure(ctx, r.Stack.Client, n, floorRounds)
	if err != nil {
		return err
	}
	took := rec.SettledAt.Sub(rec.OpenedAt)
	fmt.Fprintf(out, "  timing     %d activities in %.2f s, of which people %.2f s; bare Temporal runs %d no-op activities in a row in %.2f s (ratio %.2f)\n",
		n, took.Seconds(), r.People().Seconds(), n, bare.Seconds(), (took-r.People()).Seconds()/bare.Seconds())
	return nil
}
