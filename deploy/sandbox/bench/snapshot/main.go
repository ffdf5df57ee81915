// Command snapshot measures how fast firebreak preserves objects beside s5cmd, which only copies them: the same objects, on
// the same real S3 server, in turn. firebreak locks and hashes each object and writes a manifest; s5cmd does neither.
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

	"firebreak/deploy/sandbox/build"
	"firebreak/deploy/sandbox/server"
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
	rounds           int
	objects, largest int64
	dir, profile     string
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	set, err := parse(args, stderr)
	if err != nil {
		return exitUsage
	}
	if err := measure(ctx, set, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench snapshot:", err)
		return exitFailed
	}
	return exitOK
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var set settings
	flags := flag.NewFlagSet("bench snapshot", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&set.rounds, "rounds", 5, "how often each contender runs on each set of objects, in turn with the other")
	flags.Int64Var(&set.objects, "objects", 10_000, "how many small objects of 64 KiB; 0 leaves them out")
	flags.Int64Var(&set.largest, "large-mib", 8<<10, "the size of the large object in MiB; 0 leaves it out")
	flags.StringVar(&set.dir, "dir", "", "a folder for the servers' files; empty for a temporary one")
	flags.StringVar(&set.profile, "profile", "", "write a CPU profile of firebreak's part to this file")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	if flags.NArg() > 0 || set.rounds < 1 || set.objects < 0 || set.largest < 0 || set.objects+set.largest == 0 {
		err := errors.New("want positive numbers and no argument")
		fmt.Fprintln(stderr, "bench snapshot:", err)
		return set, err
	}
	return set, nil
}

func measure(ctx context.Context, set settings, stdout, stderr io.Writer) (err error) {
	dir, err := os.MkdirTemp(set.dir, "firebreak-bench-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b, err := build.New(ctx, stderr)
	if err != nil {
		return err
	}
	gateway, err := b.Server(ctx, build.S3)
	if err != nil {
		return err
	}
	s5cmd, err := b.Server(ctx, build.S5cmd)
	if err != nil {
		return err
	}
	// s5cmd copies with one request whatever the size; a real store would refuse it that over 5 GiB.
	s3, err := server.StartS3(ctx, gateway, filepath.Join(dir, "s3"), "--copy-object-threshold", fmt.Sprint(int64(1)<<40))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s3.Stop()) }()
	store := newStore(s3, filepath.Join(dir, "s3"))
	if err := store.makeBuckets(ctx); err != nil {
		return err
	}
	contest := contest{store: store, s5cmd: s5cmd, rounds: set.rounds, profile: set.profile}
	for _, load := range []load{{"small", set.objects, 64 << 10}, {"large", min(set.largest, 1), set.largest << 20}} {
		if load.objects == 0 {
			continue
		}
		fmt.Fprintf(stderr, "filling in %d objects of %d bytes\n", load.objects, load.each)
		if err := store.fill(ctx, load); err != nil {
			return err
		}
		rounds, err := contest.run(ctx, load)
		if err != nil {
			return err
		}
		report(stdout, load, rounds)
	}
	return nil
}
