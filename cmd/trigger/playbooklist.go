package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// shelf is one playbook in the list.
type shelf struct {
	Kind      incident.Kind    `json:"kind"`
	Title     string           `json:"title"`
	File      string           `json:"file"`
	Digest    string           `json:"digest"`
	Rating    playbooks.Rating `json:"rating,omitzero"`
	Phases    int              `json:"phases"`
	Steps     int              `json:"steps"`
	Approvals int              `json:"approvals"`
	Tasks     int              `json:"tasks"`
}

func (a *app) playbookListCommand() *cobra.Command {
	var output, folder string
	cmd := &cobra.Command{
		Use: "list", Short: "List the playbooks", Args: cobra.NoArgs,
		Long:    `List shows the playbooks that firebreak ships, or those of a folder, with the digest by which an incident names them.`,
		Example: "  trigger playbook list\n  trigger playbook list --playbooks ./playbooks -o json",
		RunE: a.verb(func(context.Context, []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			files, err := a.source(folder).LoadAll()
			if err := a.sayFaults(err); err != nil {
				return err
			}
			return a.showShelf(files, output)
		}),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	cmd.Flags().StringVar(&folder, "playbooks", "", playbooksFlag)
	return cmd
}

func (a *app) showShelf(files []*playbooks.File, output string) error {
	list := make([]shelf, 0, len(files))
	for _, f := range files {
		s := shelf{Kind: f.Playbook.Kind, Title: f.Playbook.Title, File: f.Name, Digest: f.Digest, Rating: f.Playbook.Rating, Phases: len(f.Playbook.Phases)}
		f.Playbook.Walk(func(_ string, step *playbooks.Step) {
			s.Steps++
			if step.Approval != nil {
				s.Approvals++
			}
			if step.Task != nil {
				s.Tasks++
			}
		})
		list = append(list, s)
	}
	if output == "json" {
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(list)
	}
	return writeShelf(a.stdout, list)
}

func writeShelf(w io.Writer, list []shelf) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KIND\tSTEPS\tAPPROVALS\tTASKS\tDIGEST\tTITLE")
	for _, s := range list {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\t%s\n", s.Kind, s.Steps, s.Approvals, s.Tasks, short(s.Digest), plain(s.Title))
	}
	return t.Flush()
}
