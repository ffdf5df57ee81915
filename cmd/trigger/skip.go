package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"firebreak/workflows"
)

func (a *app) skipCommand() *cobra.Command {
	var target string
	return a.steerCommand(steering{
		completes: steps,
		use:       "skip INCIDENT STEP", short: "Leave a step out, or give it up", update: workflows.SkipStepUpdate, reason: reasonRequired,
		long: `Skip leaves out a step that has not come yet, and gives up one that is being tried. It counts as a gap of the verdict. The
person who started the incident cannot skip: it would be a way round an approval.`,
		example: `  trigger skip dataset-compromise/loans@7 disable-endpoints --target credit-batch --as ic-1 --reason "taken down by hand"`,
		flags:   targetFlag(&target),
		fill: func(s *workflows.Steer, args []string) error {
			s.Target = target
			return stepArgument(s, args)
		},
	})
}

// targetFlag limits a verb to one target of the step.
func targetFlag(target *string) func(*pflag.FlagSet) {
	return func(flags *pflag.FlagSet) {
		flags.StringVar(target, "target", "", "only this target of the step; without it, all of them")
	}
}
