package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"firebreak/workflows"
)

func (a *app) taskCommand() *cobra.Command {
	var comment string
	return a.steerCommand(steering{
		completes: openTasks,
		use:       "task INCIDENT STEP OUTCOME", short: "Report what a task came to", update: workflows.CompleteTaskUpdate,
		long: `Task reports the outcome of something that a person does. 'trigger status' shows the open tasks, what to do, and the outcomes
to choose from. An outcome that means a false positive undoes containment and closes the incident.`,
		example: `  trigger task backdoor-discovery/credit-scorer@17 confirm confirmed --as mlo-1 --comment "38 of 40 flip"`,
		flags: func(flags *pflag.FlagSet) {
			flags.StringVar(&comment, "comment", "", "what was found, for the record")
		},
		fill: func(s *workflows.Steer, args []string) error {
			s.Outcome, s.Reason = args[1], strings.ToValidUTF8(comment, "\uFFFD")
			return stepArgument(s, args)
		},
	})
}
