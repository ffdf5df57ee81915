package main

import (
	"context"

	"github.com/spf13/cobra"

	"firebreak/internal/runbook"
)

func (a *app) graphCommand() *cobra.Command {
	var folder string
	cmd := &cobra.Command{
		Use: "graph KIND|FILE", Short: "Draw a playbook as a Mermaid flowchart", Args: cobra.ExactArgs(1),
		Long: `Graph writes a playbook as a Mermaid flowchart: phases and parallel sets are boxes, approvals diamonds, tasks rounded. Dotted
arrows are the order of the file, solid ones what a step needs, thick ones what is done if nobody decides.`,
		Example: `  trigger playbook graph backdoor-discovery > backdoor-discovery.mmd`,
		RunE: a.verb(func(_ context.Context, args []string) error {
			file, err := a.open(args[0], folder)
			if err != nil {
				return err
			}
			return runbook.Graph(a.stdout, file.Playbook)
		}),
	}
	cmd.Flags().StringVar(&folder, "playbooks", "", playbooksFlag)
	return cmd
}
