package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"firebreak/internal/inventory"
	"firebreak/internal/picture"
)

func (a *app) inventoryRadiusCommand() *cobra.Command {
	var output, file string
	cmd := &cobra.Command{
		Use: "blast-radius ASSET", Short: "Say what a compromised asset reaches, by which path, and draw it", Args: cobra.ExactArgs(1),
		Long: `Blast-radius follows a compromised asset through the lineage to everything that descends from it, as every playbook does, and
says of each asset by which path it was reached. What is marked with ? is not proved to be affected: nothing is recorded of what
it was made from, and unknown lineage counts as affected. Who calls through a gateway is listed with what a playbook may do about
the key: slow it down unasked, or only once people decided.

With -o svg the picture of the incident page is written as a file that needs nothing else.`,
		Example: `  trigger inventory blast-radius loan-applications@2026-07-31 --inventory assets.yaml
  trigger inventory blast-radius credit-scorer@17 -o svg > radius.svg`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return a.assets(file, args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: a.verb(func(_ context.Context, args []string) error {
			if output != "svg" {
				if err := checkOutput(output); err != nil {
					return usage("--output %q: want table, json or svg", output)
				}
			}
			path := a.inventoryPath(file)
			if path == "" {
				return usage("no inventory: set --inventory or %s to the inventory file", inventoryVariable)
			}
			inv, err := a.goodInventory(path)
			if err != nil {
				return err
			}
			x, err := inv.Explain(args[0])
			if err != nil {
				return refused("%w", err)
			}
			return a.showRadius(inv, x, output)
		}),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table, json or svg")
	cmd.Flags().StringVar(&file, "inventory", "", "inventory file (default $"+inventoryVariable+")")
	return cmd
}

// assets are the ids that an incident can be about, for a shell to complete.
func (a *app) assets(file string, args []string) []string {
	inv, err := a.inventory(file)
	if err != nil || inv == nil || len(args) > 0 {
		return nil
	}
	var out []string
	for i := range inv.DatasetVersions {
		out = append(out, inv.DatasetVersions[i].ID)
	}
	for i := range inv.Checkpoints {
		out = append(out, inv.Checkpoints[i].ID)
	}
	for i := range inv.Endpoints {
		out = append(out, inv.Endpoints[i].ID)
	}
	return out
}

func (a *app) showRadius(inv *inventory.Inventory, x inventory.Explanation, output string) error {
	switch output {
	case "json":
		return a.writeJSON(x)
	case "svg":
		return a.drawRadius(inv, x)
	}
	return writeRadius(a.stdout, x, colourful(terminal(a.stdout), a.env))
}

// drawRadius draws the picture with, instead of what steps have proved, how each asset was reached.
func (a *app) drawRadius(inv *inventory.Inventory, x inventory.Explanation) error {
	reasons := map[string]inventory.Reason{}
	for _, r := range x.Reasons {
		reasons[r.ID] = r
	}
	g := picture.New(picture.Subject{Asset: x.Asset, Radius: x.Radius, Inventory: inv, Whole: "output as JSON", State: func(id string) (picture.Mark, string) {
		r := reasons[id]
		m := picture.Mark{Word: "affected", Sign: "●", Class: "none"}
		switch {
		case r.Unknown:
			m = picture.Mark{Word: "unknown, so affected", Sign: "?", Class: "warn"}
		case id == x.Asset:
			m.Word = "compromised"
		}
		return m, r.Why
	}})
	if len(g.Lanes) == 0 {
		return fmt.Errorf("draw the blast radius of %s: nothing is in it", x.Asset)
	}
	var b bytes.Buffer
	if err := picture.SVG(&b, g.Wide()); err != nil {
		return err
	}
	_, err := a.stdout.Write(b.Bytes())
	return err
}
