package main

import (
	"github.com/spf13/cobra"

	"firebreak/workflows"
)

func (a *app) retryCommand() *cobra.Command {
	var target string
	return a.steerCommand(steering{
		completes: steps,
		use:       "retry INCIDENT STEP", short: "Try a step again that failed or was skipped", update: workflows.RetryStepUpdate, reason: reasonAllowed,
		long: `Retry runs a step again on its targets that failed, were skipped or were undone. One that is being tried again in the
background is tried at once. The state that was captured before the first try is kept.`,
		example: `  trigger retry backdoor-discovery/credit-scorer@17 revoke-writers --as sec-1`,
		flags:   targetFlag(&target),
		fill: func(s *workflows.Steer, args []string) error {
			s.Target = target
			return stepArgument(s, args)
		},
	})
}
