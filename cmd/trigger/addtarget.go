package main

import (
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"firebreak/workflows"
)

func (a *app) addTargetCommand() *cobra.Command {
	return a.steerCommand(steering{
		use: "add-target INCIDENT ASSET", short: "Extend an incident to a further asset", update: workflows.AddTargetUpdate, reason: reasonRequired,
		long: `Add-target resolves the playbook for a further asset of the inventory and runs it for what that adds. The plan changes, so
that open approvals are asked again.`,
		example: `  trigger add-target backdoor-discovery/credit-scorer@17 credit-scorer@16 --as ic-1 --reason "same signer"`,
		fill: func(s *workflows.Steer, args []string) error {
			if !isID(args[0]) {
				return usage("asset %q: want an id of the inventory", args[0])
			}
			s.Asset = args[0]
			return nil
		},
	})
}

// isID reports whether a text can be an id of the inventory.
func isID(text string) bool {
	return text != "" && len(text) <= maxAssetBytes && strings.IndexFunc(text, unicode.IsControl) < 0
}
