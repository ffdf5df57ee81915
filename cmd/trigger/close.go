package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"firebreak/workflows"
)

func (a *app) closeCommand() *cobra.Command {
	var person, reason, output string
	var falsePositive, handOver bool
	cmd := &cobra.Command{
		Use: "close INCIDENT", Short: "Close an incident", Args: cobra.ExactArgs(1),
		Long: `Close ends an incident: nothing is watched or tried again after it. With --false-positive, what was done is undone first,
newest act first, where it can be undone.

An incident whose legal clocks still run is not closed, unless --hand-over-clocks says that legal keeps them elsewhere.`,
		Example: `  trigger close incident/extraction-event/credit-api --as ic-1 --reason "keys re-issued, review held"
  trigger close extraction-event/credit-api --as ic-1 --false-positive --reason "load test of brightcart"`,
		RunE: a.operated(func(args []string) error {
			if strings.TrimSpace(reason) == "" {
				return usage("--reason is empty: say why the incident is closed")
			}
			return errors.Join(checkIncident(args), checkOutput(output))
		}, func(ctx context.Context, op operator, args []string) error {
			id, err := incidentID(args[0])
			if err != nil {
				return err
			}
			outcome, err := op.finish(ctx, id, workflows.CloseIncident{
				Person: person, FalsePositive: falsePositive, HandOverClocks: handOver, Reason: strings.ToValidUTF8(reason, "\uFFFD"), Via: workflows.ViaCommandLine,
			})
			return a.conclude(id, output, outcome, err)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&person, "as", "", "inventory id of the person who closes it")
	outputFlag(flags, &output)
	flags.StringVar(&reason, "reason", "", "why, for the record")
	flags.BoolVar(&falsePositive, "false-positive", false, "there was no incident: undo what was done")
	flags.BoolVar(&handOver, "hand-over-clocks", false, "legal keeps its running clocks outside of firebreak from now on")
	for _, name := range []string{"as", "reason"} {
		// The flag is defined above, so this cannot fail.
		_ = cmd.MarkFlagRequired(name)
	}
	a.complete(cmd, nil)
	return cmd
}
