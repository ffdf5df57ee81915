package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"firebreak/internal/inventory"
)

func (a *app) inventoryValidateCommand() *cobra.Command {
	var output, at string
	cmd := &cobra.Command{
		Use: "validate [FILE]", Short: "Check an inventory and say everything that is wrong with it", Args: cobra.MaximumNArgs(1),
		Long: `Validate checks an inventory by the rules by which trigger and worker load it, and prints every fault as

  file:line:column: rule: message

The rules are N1 to N12 of the reference. What does not refuse a document is said as well, marked with [warning] or [approval]:
lineage that is not known (N8), which counts as affected in every incident, and sources that are old (N9), where [approval] means
that what is based on them needs an approval. The exit code is 1 if there is a fault that refuses the document. FILE is
$` + inventoryVariable + ` by default.`,
		Example: `  trigger inventory validate assets.yaml
  trigger inventory validate assets.yaml -o json | jq -r '.[] | select(.level == "error") | .rule'`,
		RunE: a.verb(func(_ context.Context, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			now := a.now()
			if at != "" {
				var err error
				if now, err = time.Parse(time.RFC3339, at); err != nil {
					return usage("--at %q: want a time such as 2026-09-14T06:00:00Z", at)
				}
			}
			return a.validateInventory(a.inventoryPath(first(args)), now, output)
		}),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	cmd.Flags().StringVar(&at, "at", "", "the time at which the age of the sources is judged (default now)")
	return cmd
}

// first is the first argument, or empty.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func (a *app) validateInventory(path string, now time.Time, output string) error {
	if path == "" {
		return usage("no inventory: name a file, or set %s", inventoryVariable)
	}
	raw, err := inventory.Read(path)
	if err != nil {
		return err
	}
	inv, faults := inventory.Check(path, raw, now)
	if output == "json" {
		if faults == nil {
			faults = []inventory.Fault{}
		}
		if err := a.writeJSON(faults); err != nil {
			return err
		}
	}
	wrong, colour := 0, colourful(terminal(a.stdout), a.env)
	for _, f := range faults {
		mark, code := "", "31"
		if f.Level == inventory.Refused {
			wrong++
		} else {
			mark, code = " ["+string(f.Level)+"]", "33"
		}
		if output == "table" {
			fmt.Fprintln(a.stdout, painted(plain(f.Error())+mark, code, colour))
		}
	}
	switch {
	case wrong > 0:
		return fmt.Errorf("%s in %s", count(wrong, "fault"), plain(path))
	case output == "table":
		fmt.Fprintf(a.stdout, "%s: %s, %s, %s, %s, no fault\n", plain(path), count(len(inv.Endpoints), "endpoint"),
			count(len(inv.Checkpoints), "checkpoint"), count(len(inv.DatasetVersions), "dataset version"), count(len(faults), "notice"))
	}
	return nil
}
