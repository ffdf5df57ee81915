package main

import (
	"context"

	"github.com/spf13/cobra"

	"firebreak/playbooks"
)

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of the playbook language, for editors", Args: cobra.NoArgs,
		Long: `Schema prints the JSON Schema of the language, with which an editor can complete and check a playbook as it is written. What
one part says of another is checked by 'trigger playbook validate' alone.`,
		Example: `  trigger playbook schema > playbook.schema.json`,
		RunE: a.verb(func(context.Context, []string) error {
			schema, err := playbooks.Schema()
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(schema)
			return err
		}),
	}
}
