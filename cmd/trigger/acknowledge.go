package main

import (
	"github.com/spf13/cobra"

	"firebreak/workflows"
)

func (a *app) acknowledgeCommand() *cobra.Command {
	return a.steerCommand(steering{
		use: "acknowledge INCIDENT", short: "Acknowledge the legal brief by name", update: workflows.AcknowledgeBriefUpdate,
		long:    `Acknowledge records that a person of legal or privacy has read the brief. Until then reminders go on.`,
		example: `  trigger acknowledge dataset-compromise/loans@7 --as leg-1`,
	})
}
