// Command trigger takes alerts in and lets people steer incidents, from the command line and from Slack. It talks to Temporal
// and, where it is configured, to Slack. It may hold Slack's secrets, but never a Vault or cloud credential, because it is the
// process that faces the network.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ())
	stop()
	os.Exit(code)
}

// run is the whole program with its surroundings injected. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, env: newEnvironment(environ), connect: dialTemporal, poll: watchInterval, now: time.Now}
	return a.run(ctx, args)
}
