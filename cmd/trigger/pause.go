package main

import (
	"github.com/spf13/cobra"

	"firebreak/workflows"
)

func (a *app) pauseCommand() *cobra.Command {
	return a.steerCommand(steering{
		use: "pause INCIDENT", short: "Start no new step until it is resumed", update: workflows.PauseIncidentUpdate, reason: reasonRequired,
		long: `Pause keeps an incident from starting new steps. What runs goes on to its proof, containment goes on being proved, and
approvals and tasks can still be answered.`,
		example: `  trigger pause extraction-event/credit-api --as ic-1 --reason "brightcart is on the phone"`,
	})
}

func (a *app) resumeCommand() *cobra.Command {
	return a.steerCommand(steering{
		use: "resume INCIDENT", short: "Go on with a paused incident", update: workflows.ResumeIncidentUpdate, reason: reasonAllowed,
		long:    `Resume lets a paused incident start steps again.`,
		example: `  trigger resume extraction-event/credit-api --as ic-1`,
	})
}
