package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"firebreak/internal/runbook"
)

func (a *app) planCommand() *cobra.Command {
	var x aim
	var output, folder string
	cmd := &cobra.Command{
		Use: "plan FILE|KIND", Short: "Show what a playbook would do about an asset", Args: cobra.ExactArgs(1),
		Long: `Plan resolves a playbook against the inventory as an incident would, and shows the blast radius, the targets of each step,
who may decide on each approval and which ones the playbook grants itself, what is skipped and why, the known-good
checkpoints, what an undo does not take back, and who in legal is told. It reads the two files and touches nothing.`,
		Example: `  trigger playbook plan dataset-compromise --inventory inventory.yaml --asset loan-applications@2026-07-31
  trigger playbook plan ./secret-leak.yaml --asset assist-chat --severity SEV1 --confidence 0.95 --as sec-1 -o json`,
		RunE: a.verb(func(_ context.Context, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return a.plan(args[0], folder, x, output)
		}),
	}
	flags := cmd.Flags()
	x.flags(flags)
	x.situation.flags(flags)
	flags.StringVar(&x.person, "as", "", "the person who would start it, whose approvals would not count")
	flags.StringVar(&folder, "playbooks", "", playbooksFlag)
	flags.StringVarP(&output, "output", "o", "table", "table or json")
	// The flag is defined above, so this cannot fail.
	_ = cmd.MarkFlagRequired("asset")
	return cmd
}

func (a *app) plan(name, folder string, x aim, output string) error {
	if !isID(x.asset) {
		return usage("--asset %q: want an id of the inventory", x.asset)
	}
	file, err := a.open(name, folder)
	if err != nil {
		return err
	}
	inv, request, err := a.aimed(x, file.Playbook.Kind)
	if err != nil {
		return err
	}
	preview, err := runbook.NewPreview(file, inv, *request)
	if err != nil {
		return refused("%w", err)
	}
	if output == "json" {
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(preview)
	}
	return preview.WriteText(a.stdout)
}
