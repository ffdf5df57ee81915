package main

import (
	"context"

	"github.com/spf13/cobra"

	"firebreak/internal/runbook"
	"firebreak/playbooks"
)

func (a *app) renderCommand() *cobra.Command {
	var x aim
	var format, folder string
	cmd := &cobra.Command{
		Use: "render KIND|FILE", Short: "Print a playbook as a checklist for doing it by hand", Args: cobra.ExactArgs(1),
		Long: `Render prints a playbook for the day on which firebreak itself is compromised or does not run: the threat, whom to call,
and every step with a box, exact instructions and the proof to obtain. With an inventory it names people with their phone
numbers; with an asset also the targets. Print it now and keep it where you find it without a network.`,
		Example: `  trigger playbook render dataset-compromise --inventory inventory.yaml --format html > dataset-compromise.html
  trigger playbook render backdoor-discovery --inventory inventory.yaml --asset credit-scorer@17`,
		RunE: a.verb(func(_ context.Context, args []string) error {
			if format != "markdown" && format != "html" {
				return usage("--format %q: want markdown or html", format)
			}
			return a.render(args[0], folder, x, format)
		}),
	}
	flags := cmd.Flags()
	x.flags(flags)
	flags.StringVar(&folder, "playbooks", "", playbooksFlag)
	flags.StringVar(&format, "format", "markdown", "markdown or html; the page is whole and runs nothing")
	return cmd
}

func (a *app) render(name, folder string, x aim, format string) error {
	file, err := a.open(name, folder)
	if err != nil {
		return err
	}
	inv, request, err := a.aimed(x, file.Playbook.Kind)
	if err != nil {
		return err
	}
	var plan *playbooks.Plan
	if request != nil {
		if plan, err = playbooks.NewPlan(file, inv, *request); err != nil {
			return refused("%w", err)
		}
	}
	sheet := runbook.NewSheet(file, inv, plan)
	if format == "html" {
		return sheet.HTML(a.stdout)
	}
	return sheet.Markdown(a.stdout)
}
