package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firebreak/internal/incident"
)

// completionTimeout is how long a person waits for a tab.
const completionTimeout = 2 * time.Second

// suggestion lists what a shell offers for the argument after the incident.
type suggestion func(r *incident.Record) []string

// complete offers the open incidents, then what the suggestion finds in the one that was typed, and people of the inventory for
// --as. What cannot be found out in time is not offered; nothing is ever printed.
func (a *app) complete(cmd *cobra.Command, suggest suggestion) {
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 1 || len(args) == 1 && suggest == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		return a.offers(ctx, args, suggest), cobra.ShellCompDirectiveNoFileComp
	}
	if cmd.Flags().Lookup("as") != nil {
		// The flag is there, so this cannot fail.
		_ = cmd.RegisterFlagCompletionFunc("as", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return a.people(), cobra.ShellCompDirectiveNoFileComp
		})
	}
}

func (a *app) offers(ctx context.Context, args []string, suggest suggestion) []string {
	conn, err := a.connect(ctx, a.env)
	if err != nil {
		return nil
	}
	defer conn.Close()
	if len(args) == 1 {
		id, err := incidentID(args[0])
		if err != nil {
			return nil
		}
		r, err := conn.record(ctx, id, "")
		if err != nil {
			return nil
		}
		return offered(suggest(r))
	}
	open, err := conn.list(ctx, false)
	if err != nil {
		return nil
	}
	var ids []string
	for _, l := range open {
		ids = append(ids, strings.TrimPrefix(l.id, "incident/"))
	}
	return offered(ids)
}

// offered leaves out what a shell could take for more than one word, and what is there twice.
func offered(words []string) []string {
	var out []string
	for _, w := range words {
		if quoted(w) == w && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// people are those of the inventory that the environment names.
func (a *app) people() []string {
	inv, err := a.inventory("")
	if err != nil || inv == nil {
		return nil
	}
	var out []string
	for _, p := range inv.People {
		out = append(out, p.ID+"\t"+p.Role)
	}
	return out
}

func waitingApprovals(r *incident.Record) []string {
	var out []string
	for i := range r.Approvals {
		if r.Approvals[i].Status == incident.ApprovalWaiting {
			out = append(out, r.Approvals[i].Step)
		}
	}
	return out
}

func openTasks(r *incident.Record) []string {
	var out []string
	for i := range r.Tasks {
		if s := r.Tasks[i].Status; s == incident.TaskOpen || s == incident.TaskOverdue {
			out = append(out, r.Tasks[i].Step)
		}
	}
	return out
}

func openWaits(r *incident.Record) []string {
	var out []string
	for _, w := range r.Waits {
		if w.EndedAt.IsZero() && w.EndedBy == "" {
			out = append(out, w.Step)
		}
	}
	return out
}

func steps(r *incident.Record) []string {
	var out []string
	for i := range r.Steps {
		out = append(out, r.Steps[i].ID)
	}
	return out
}

func runningClocks(r *incident.Record) []string {
	var out []string
	for i := range r.Clocks {
		if clockOpen(&r.Clocks[i]) {
			out = append(out, r.Clocks[i].Regime)
		}
	}
	return out
}
