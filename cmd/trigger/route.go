package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"firebreak/internal/alert/route"
)

func (a *app) routeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "route", Short: "Check and try the file that says which alert becomes which incident", Args: cobra.NoArgs,
		Long: `A routing file says which alert becomes which incident. Its first rule that fits decides; what fits none is kept and a
person is paged. Without a file these routes count:

` + indent(route.BuiltInText()) + `
A rule matches on source (one or a list) and on fields; a field must be one text, one of a list of texts, or pass
{prefix: TEXT}, {glob: TEXT with *} or {present: true}. It yields an incident - kind, asset, and if wanted severity,
confidence, facet (each a text or {field: NAME}) and mode - or says triage: followed by the reason that the person reads.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.routeTestCommand(), a.routeValidateCommand())
	return cmd
}

// register adds the flags that choose the routes.
func (f *routeFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.file, "routes", "", "routing file (default $"+routesVariable+", or the built-in routes)")
	flags.StringVar(&f.kindField, "kind-label", "", "for the built-in routes: the field that names the kind instead of firebreak_kind")
	flags.StringVar(&f.assetField, "asset-label", "", "for the built-in routes: the field that names the asset instead of firebreak_asset")
}

func (a *app) routeValidateCommand() *cobra.Command {
	var output, folder string
	cmd := &cobra.Command{
		Use: "validate FILE", Short: "Check a routing file and say everything that is wrong with it", Args: cobra.ExactArgs(1),
		Long: `Validate checks a routing file by the rules by which 'trigger serve' loads it, and prints every fault as

  file:line:column: code: message (hint)

The exit code is 1 if there is any fault.`,
		Example: `  trigger route validate routes.yaml
  trigger route validate routes.yaml -o json | jq -r .[].code`,
	}
	cmd.RunE = a.verb(func(_ context.Context, args []string) error {
		if err := checkOutput(output); err != nil {
			return err
		}
		return a.validateRoutes(args[0], folder, output)
	})
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	cmd.Flags().StringVar(&folder, "playbooks", "", playbooksFlag)
	return cmd
}

func (a *app) validateRoutes(path, folder, output string) error {
	kinds, err := a.kinds(folder)
	if err != nil {
		return err
	}
	r, err := loadRoutes(path, kinds)
	faults := []fault{}
	for _, f := range route.Faults(err) {
		faults = append(faults, fault(f))
	}
	if err != nil && len(faults) == 0 {
		return err
	}
	if err := a.showFaults(faults, output); err != nil {
		return err
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s in %s", count(len(faults), "fault"), path)
	}
	if output == "json" {
		return nil
	}
	_, err = fmt.Fprintf(a.stdout, "%s, no fault\n", count(len(r.Rules), "rule"))
	return err
}

// showJSON writes one value for tools.
func (a *app) showJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// indent puts two spaces before each line.
func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}
