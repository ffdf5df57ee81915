package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"firebreak/internal/incident"
)

// watchInterval is how often status --watch looks.
const watchInterval = time.Second

func (a *app) statusCommand() *cobra.Command {
	var output string
	var watch bool
	cmd := &cobra.Command{
		Use: "status [INCIDENT]", Short: "Show an incident: verdict, gaps, approvals, tasks, steps, legal clocks, timeline", Args: cobra.MaximumNArgs(1),
		Long: `Status shows what an incident has proved so far. The verdict comes from the proofs alone; what is missing is listed as
gaps. Without INCIDENT it takes the only open one. All times are UTC.`,
		Example: `  trigger status
  trigger status incident/extraction-event/credit-api --watch
  trigger status extraction-event/credit-api -o json | jq .verdict`,
		RunE: a.operated(func(args []string) error {
			return errors.Join(checkOutput(output), checkIncident(args))
		}, func(ctx context.Context, op operator, args []string) error {
			id, err := chosen(ctx, op, args)
			if err != nil {
				return err
			}
			if watch {
				return a.watch(ctx, op, id, output)
			}
			r, err := op.record(ctx, id, "")
			if err != nil {
				return known(id, err)
			}
			return a.show(r, output)
		}),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	a.complete(cmd, nil)
	cmd.Flags().BoolVar(&watch, "watch", false, "print again whenever something changes, until the incident is closed")
	return cmd
}

func (a *app) show(r *incident.Record, output string) error {
	if output == "json" {
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return writeStatus(a.stdout, r, colourful(terminal(a.stdout), a.env), a.now())
}

// colourful reports whether to colour: on a terminal, unless NO_COLOR is set to anything (no-color.org) or it is a dumb one.
func colourful(onTerminal bool, env environment) bool {
	return onTerminal && env.get("NO_COLOR") == "" && env.get("TERM") != "dumb"
}

// watch shows every change until the incident is closed or the person has seen enough. A look that fails is said and
// tried again: an incident outlasts a restart of Temporal.
func (a *app) watch(ctx context.Context, op operator, id, output string) error {
	ticker := time.NewTicker(a.poll)
	defer ticker.Stop()
	var last []byte
	for {
		r, err := op.record(ctx, id, "")
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errNone):
			return known(id, err)
		case err != nil:
			fmt.Fprintf(a.stderr, "trigger: %v; trying again\n", err)
		default:
			state, err := json.Marshal(r)
			if err != nil {
				return fmt.Errorf("encode the record of %s: %w", id, err)
			}
			if err := a.showChange(r, state, last, output); err != nil {
				return err
			}
			if last = state; r.Progress == incident.Closed {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// showChange prints a state that differs from the last one: JSON one record a line, a table on a cleared screen.
func (a *app) showChange(r *incident.Record, state, last []byte, output string) error {
	if bytes.Equal(state, last) {
		return nil
	}
	if output == "json" {
		_, err := fmt.Fprintf(a.stdout, "%s\n", state)
		return err
	}
	switch {
	case terminal(a.stdout):
		fmt.Fprint(a.stdout, "\x1b[H\x1b[2J")
	case last != nil:
		fmt.Fprintln(a.stdout, "----")
	}
	return a.show(r, output)
}
