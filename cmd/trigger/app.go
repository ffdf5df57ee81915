package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// app is one invocation: its streams, its environment and how it reaches Temporal.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            environment
	// connect is called only once a verb has checked its own arguments.
	connect func(context.Context, environment) (connection, error)
	// poll is the time between two looks of status --watch.
	poll time.Duration
	// now is the time by which what is left is counted.
	now func() time.Time
	// entered is true once a verb has begun; an error before that is one of usage.
	entered bool
}

// connection is what the operator's verbs need. Its methods take the incident's id.
type connection interface {
	operator
	Close()
}

// The exit codes, as the long help documents them.
const (
	exitOK       = 0
	exitError    = 1
	exitUsage    = 2
	exitConflict = 3
	exitRefused  = 4
)

// exit is an error that decides the exit code.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string { return e.err.Error() }
func (e *exit) Unwrap() error { return e.err }

func usage(format string, args ...any) error { return &exit{exitUsage, fmt.Errorf(format, args...)} }
func conflict(format string, args ...any) error {
	return &exit{exitConflict, fmt.Errorf(format, args...)}
}
func refused(format string, args ...any) error {
	return &exit{exitRefused, fmt.Errorf(format, args...)}
}

const longHelp = `trigger starts incidents from alerts, lets people follow, approve, steer and close them, and shows what playbooks do.

It talks to Temporal alone; 'trigger serve' to Slack and to an SQS queue too where that is configured, 'trigger inventory import'
to the model registry that it is given, and the rest of 'trigger inventory', 'trigger playbook', 'trigger route' and 'trigger
evidence' to nothing at all. It never holds a Vault credential, and of a cloud at most the right to read that one queue. The
connection is configured as in Temporal's own tools: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*, or a
profile in temporal.toml. A decision made here is as strong as the access to Temporal with which it is made.

NO_COLOR, when set, keeps colours out. 'trigger completion --help' says how a shell completes verbs, open incidents and steps.

Exit codes:
  0  done
  1  error, for instance Temporal cannot be reached
  2  wrong usage
  3  conflict: the incident is already open, or there is none of that name; or inventories that differ, or contradict a source
  4  refused, by the inventory or by the incident's own rules; or evidence that does not hold`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "trigger", Short: "Start and steer incidents", Long: longHelp,
		SilenceUsage: true, SilenceErrors: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.AddCommand(a.serveCommand(), a.startCommand(), a.statusCommand(), a.listCommand(),
		a.decideCommand(true), a.decideCommand(false), a.closeCommand(),
		a.pauseCommand(), a.resumeCommand(), a.skipCommand(), a.retryCommand(), a.addTargetCommand(), a.abortCommand(),
		a.taskCommand(), a.endWaitCommand(), a.clockCommand(), a.acknowledgeCommand(),
		a.playbookCommand(), a.routeCommand(), a.evidenceCommand(), a.inventoryCommand(), a.versionCommand())
	return root
}

func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	code := exitError
	var e *exit
	switch {
	case errors.As(err, &e):
		code = e.code
	case !a.entered:
		code = exitUsage
	}
	fmt.Fprintf(a.stderr, "trigger: %v\n", err)
	if code == exitUsage {
		fmt.Fprintf(a.stderr, "See '%s --help'.\n", cmd.CommandPath())
	}
	return code
}

// verb marks the point after which an error is no longer one of usage.
func (a *app) verb(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.entered = true
		return do(cmd.Context(), args)
	}
}

// operated is a verb that works on Temporal; check runs before the connection is made and may be nil.
func (a *app) operated(check func(args []string) error, do func(ctx context.Context, op operator, args []string) error) func(*cobra.Command, []string) error {
	return a.verb(func(ctx context.Context, args []string) error {
		if check != nil {
			if err := check(args); err != nil {
				return err
			}
		}
		conn, err := a.connect(ctx, a.env)
		if err != nil {
			return err
		}
		defer conn.Close()
		return do(ctx, conn, args)
	})
}

// environment is the process's environment, looked up as envconfig does.
type environment struct {
	list   []string
	values map[string]string
}

func newEnvironment(list []string) environment {
	e := environment{list: list, values: map[string]string{}}
	for _, kv := range list {
		k, v, _ := strings.Cut(kv, "=")
		e.values[k] = v
	}
	return e
}

// Environ returns the variables as NAME=value.
func (e environment) Environ() []string { return e.list }

// LookupEnv returns a variable and whether it is set.
func (e environment) LookupEnv(name string) (string, bool) {
	v, ok := e.values[name]
	return v, ok
}

func (e environment) get(name string) string { return e.values[name] }

// terminal reports whether a stream is a terminal, so that a question can be asked or a colour shown.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
