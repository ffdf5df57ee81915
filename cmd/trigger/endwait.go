package main

import (
	"github.com/spf13/cobra"

	"firebreak/workflows"
)

func (a *app) endWaitCommand() *cobra.Command {
	return a.steerCommand(steering{
		completes: openWaits,
		use:       "end-wait INCIDENT STEP", short: "End a wait before its time", update: workflows.EndWaitUpdate, reason: reasonRequired,
		long:    `End-wait lets the steps after a wait begin now.`,
		example: `  trigger end-wait dataset-compromise/loans@7 cool-off --as ic-1 --reason "training is stopped for good"`,
		fill:    stepArgument,
	})
}
