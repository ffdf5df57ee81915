package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"firebreak/internal/incident"
)

// row is one line of the list. What the incident itself says is empty if it could not be asked.
type row struct {
	ID        string            `json:"incident_id"`
	Run       string            `json:"run_id"`
	StartedAt time.Time         `json:"started_at"`
	Workflow  string            `json:"workflow_status"`
	Mode      incident.Mode     `json:"mode,omitempty"`
	Progress  incident.Progress `json:"progress,omitempty"`
	Verdict   incident.Verdict  `json:"verdict,omitempty"`
	Waiting   int               `json:"approvals_waiting"`
	Error     string            `json:"error,omitempty"`
}

func (a *app) listCommand() *cobra.Command {
	var output string
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: "List open incidents, or all", Args: cobra.NoArgs,
		Long: fmt.Sprintf(`List shows the open incidents, newest first, with the verdict that each of them gives. An incident appears a moment after
it has been started. At most %d are shown.`, listLimit),
		Example: "  trigger list\n  trigger list --all -o json",
		RunE: a.operated(func([]string) error { return checkOutput(output) }, func(ctx context.Context, op operator, _ []string) error {
			runs, err := op.list(ctx, all)
			if err != nil {
				return err
			}
			rows := ask(ctx, op, runs)
			if output == "json" {
				enc := json.NewEncoder(a.stdout)
				enc.SetIndent("", "  ")
				return enc.Encode(rows)
			}
			return writeRows(a.stdout, rows)
		}),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	cmd.Flags().BoolVar(&all, "all", false, "closed incidents too")
	return cmd
}

// asked bounds how many incidents are asked at the same time.
const asked = 8

// ask gets each incident's own words. One that does not answer is listed all the same.
func ask(ctx context.Context, op operator, runs []listed) []row {
	rows := make([]row, len(runs))
	var group errgroup.Group
	group.SetLimit(asked)
	for i, l := range runs {
		group.Go(func() error {
			rows[i] = row{ID: l.id, Run: l.run, StartedAt: l.started, Workflow: l.status}
			r, err := op.record(ctx, l.id, l.run)
			if err != nil {
				rows[i].Error = err.Error()
				return nil
			}
			rows[i].Mode, rows[i].Progress, rows[i].Verdict = r.Mode, r.Progress, r.Verdict
			for _, ap := range r.Approvals {
				if ap.Status == incident.ApprovalWaiting {
					rows[i].Waiting++
				}
			}
			return nil
		})
	}
	// The functions above report through rows and never fail.
	_ = group.Wait()
	return rows
}

func writeRows(w io.Writer, rows []row) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(w, "no incidents")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "VERDICT\tPROGRESS\tMODE\tAPPROVALS\tSTARTED\tWORKFLOW\tINCIDENT")
	for _, r := range rows {
		waiting := "-"
		if r.Waiting > 0 {
			waiting = fmt.Sprintf("%d waiting", r.Waiting)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", cmp.Or(string(r.Verdict), "no answer"), cmp.Or(string(r.Progress), "-"),
			cmp.Or(string(r.Mode), "-"), waiting, clock(r.StartedAt), r.Workflow, plain(r.ID))
	}
	return t.Flush()
}
