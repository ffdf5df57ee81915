package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"firebreak/workflows"
)

func (a *app) abortCommand() *cobra.Command {
	var undo bool
	return a.steerCommand(steering{
		use: "abort INCIDENT", short: "End the playbook before its end", update: workflows.AbortIncidentUpdate, reason: reasonRequired,
		long: `Abort starts nothing new and closes the incident. What was done stays, or with --undo is undone, newest act first, where it
can be undone. If there was no incident at all, use 'trigger close --false-positive'.`,
		example: `  trigger abort extraction-event/credit-api --as ic-1 --reason "wrong endpoint" --undo`,
		flags: func(flags *pflag.FlagSet) {
			flags.BoolVar(&undo, "undo", false, "undo what was done, newest act first")
		},
		fill: func(s *workflows.Steer, _ []string) error {
			s.Undo = undo
			return nil
		},
	})
}
