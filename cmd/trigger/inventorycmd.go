package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"firebreak/internal/inventory"
)

func (a *app) inventoryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "inventory", Short: "Check, complete, compare and ask the inventory of assets", Args: cobra.NoArgs,
		Long: `Inventory works on the file of assets from which every target of a playbook comes (schema ai-assets/v1, in YAML or JSON). Its
verbs read files; 'import --from mlflow' alone asks a server, the one that it is given. None talks to Temporal.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.inventoryValidateCommand(), a.inventoryImportCommand(), a.inventoryDiffCommand(), a.inventoryRadiusCommand())
	return cmd
}

// goodInventory loads a file whose faults go to standard error, one a line.
func (a *app) goodInventory(path string) (*inventory.Inventory, error) {
	inv, err := inventory.Load(path)
	faults := inventory.Faults(err)
	if len(faults) == 0 {
		return inv, err
	}
	for _, f := range faults {
		fmt.Fprintln(a.stderr, plain(f.Error()))
	}
	return nil, fmt.Errorf("%s in %s", count(len(faults), "fault"), plain(path))
}
