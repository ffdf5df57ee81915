package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"firebreak/internal/inventory"
)

func (a *app) inventoryDiffCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "diff OLD NEW", Short: "Say what changed between two inventories, and whose blast radius changes with it", Args: cobra.ExactArgs(2),
		Long: `Diff compares two inventories: assets and their fields, the runs of the lineage, and of every production endpoint what an
incident about it reaches and what an incident about data or a checkpoint must be about to reach it. The snapshot is not
compared.

The exit code is 0 if they say the same and 3 if they differ.`,
		Example: `  trigger inventory diff assets.yaml proposed.yaml
  trigger inventory diff assets.yaml proposed.yaml -o json | jq '.endpoints[] | {id, reached_by}'`,
		RunE: a.verb(func(_ context.Context, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			before, err := a.goodInventory(args[0])
			if err != nil {
				return err
			}
			after, err := a.goodInventory(args[1])
			if err != nil {
				return err
			}
			return a.showDifference(inventory.Diff(before, after), output)
		}),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return cmd
}

func (a *app) showDifference(d inventory.Difference, output string) error {
	if output == "json" {
		if err := a.writeJSON(d); err != nil {
			return err
		}
	} else {
		writeDifference(a.stdout, d, colourful(terminal(a.stdout), a.env))
	}
	if d.Empty() {
		return nil
	}
	return conflict("the inventories differ: %s, %s of the lineage, %s", count(len(d.Assets), "asset"), count(len(d.Edges), "edge"),
		count(len(d.Endpoints), "production endpoint")+" with another blast radius")
}

func writeDifference(w io.Writer, d inventory.Difference, colour bool) {
	head := func(kind, format string, args ...any) {
		sign := map[string][2]string{inventory.Added: {"+", "32"}, inventory.Removed: {"-", "31"}, inventory.Changed: {"~", "33"}}[kind]
		fmt.Fprintln(w, painted(sign[0]+" "+plain(fmt.Sprintf(format, args...)), sign[1], colour))
	}
	line := func(format string, args ...any) { fmt.Fprintln(w, plain(fmt.Sprintf(format, args...))) }
	for _, c := range d.Assets {
		head(c.Kind, "%s %s", c.Section, c.ID)
		for _, f := range c.Fields {
			line("    %s: %s -> %s", f.Path, orNone(f.Old), orNone(f.New))
		}
	}
	for _, e := range d.Edges {
		run := ""
		if e.Run != "" {
			run = " (" + e.Run + ")"
		}
		head(e.Kind, "lineage %s -> %s%s", e.From, e.To, run)
	}
	for _, e := range d.Endpoints {
		head(e.Kind, "blast radius of %s", e.ID)
		list := func(what string, ids []string) {
			if len(ids) > 0 {
				line("    %s %s", what, strings.Join(ids, ", "))
			}
		}
		list("reaches now", e.Gained)
		list("no longer reaches", e.Lost)
		list("is reached now by", e.ReachedBy)
		list("is no longer reached by", e.NoLongerReachedBy)
	}
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
