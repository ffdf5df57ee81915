package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"firebreak/internal/incident"
	"firebreak/workflows/rehearsal"
)

func (a *app) playbookTestCommand() *cobra.Command {
	var inventory, folder, output string
	cmd := &cobra.Command{
		Use: "test DIR|FILE...", Short: "Run playbooks against cases: given these failures, expect this sequence, verdict and undo", Args: cobra.MinimumNArgs(1),
		Long: `Test runs cases. A case says what fails, what people decide and when, and what must come of it. The playbook is run by the
engine itself in a test environment that skips time; nothing is touched, and nothing is simulated but the activities. Of a
directory, every *.yaml directly in it is a case. The exit code is 1 if a case fails or is faulty.

The keys of a case are documented in the Go package workflows/rehearsal; 'trigger playbook export-case' makes one of an
incident.`,
		Example: `  trigger playbook test testdata/playbooks/cases
  trigger playbook test denied.yaml --inventory inventory.yaml --playbooks playbooks/ -o json | jq '.[] | select(.passed | not)'`,
		RunE: a.verb(func(ctx context.Context, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			if folder == "" {
				folder = a.env.get(playbooksVariable)
			}
			return a.playbookTest(ctx, args, rehearsal.Runner{Inventory: a.inventoryPath(inventory), Playbooks: folder}, output)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&inventory, "inventory", "", "inventory file of the cases that name none (default $"+inventoryVariable+")")
	flags.StringVar(&folder, "playbooks", "", playbooksFlag)
	flags.StringVarP(&output, "output", "o", "table", "table or json")
	return cmd
}

// rehearsed is what came of one case, as tools read it.
type rehearsed struct {
	File    string           `json:"file"`
	Title   string           `json:"title,omitempty"`
	Passed  bool             `json:"passed"`
	Verdict incident.Verdict `json:"verdict,omitempty"`
	// Fault says why the case could not be run.
	Fault      string               `json:"fault,omitempty"`
	Mismatches []rehearsal.Mismatch `json:"mismatches,omitempty"`
}

func (a *app) playbookTest(ctx context.Context, paths []string, runner rehearsal.Runner, output string) error {
	files, err := rehearsal.Find(paths)
	if err != nil {
		return err
	}
	var all []rehearsed
	failed := 0
	for _, waiting := range rehearseAll(ctx, files, runner) {
		r := <-waiting
		if ctx.Err() != nil {
			return fmt.Errorf("run cases: %w", ctx.Err())
		}
		all = append(all, r)
		if !r.Passed {
			failed++
		}
		if output == "table" {
			writeRehearsed(a.stdout, r)
		}
	}
	if output == "json" {
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(all); err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %s failed", failed, count(len(all), "case"))
	}
	if output == "table" {
		fmt.Fprintf(a.stdout, "%s passed\n", count(len(all), "case"))
	}
	return nil
}

// rehearseAll runs the cases side by side. The results come one by one, in the order of the files.
func rehearseAll(ctx context.Context, files []string, runner rehearsal.Runner) []chan rehearsed {
	places := make(chan struct{}, runtime.GOMAXPROCS(0))
	out := make([]chan rehearsed, len(files))
	for i, file := range files {
		out[i] = make(chan rehearsed, 1)
		go func() {
			places <- struct{}{}
			defer func() { <-places }()
			if ctx.Err() != nil {
				out[i] <- rehearsed{File: file}
				return
			}
			out[i] <- rehearse(file, runner)
		}()
	}
	return out
}

func rehearse(file string, runner rehearsal.Runner) rehearsed {
	r := rehearsed{File: file}
	c, err := rehearsal.Load(file)
	if err != nil {
		r.Fault = err.Error()
		return r
	}
	r.Title = c.Title
	res, err := runner.Run(c)
	if err != nil {
		r.Fault = err.Error()
		return r
	}
	r.Passed, r.Mismatches = res.Passed(), res.Mismatches
	if res.Record != nil {
		r.Verdict = res.Record.Verdict
	}
	return r
}

// writeRehearsed writes a line, and for a case that failed what was expected and what happened.
func writeRehearsed(w io.Writer, r rehearsed) {
	name := r.File
	if r.Title != "" {
		name += ": " + r.Title
	}
	if r.Passed {
		fmt.Fprintf(w, "ok    %s\n", plain(name))
		return
	}
	fmt.Fprintf(w, "FAIL  %s\n", plain(name))
	if r.Fault != "" {
		indented(w, "        ", r.Fault)
	}
	for _, m := range r.Mismatches {
		indented(w, "        ", m.What)
		fmt.Fprintln(w, "          want")
		indented(w, "            ", m.Want)
		fmt.Fprintln(w, "          got")
		indented(w, "            ", m.Got)
	}
}

func indented(w io.Writer, by, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintln(w, by+plain(strings.TrimSuffix(line, "\n")))
	}
}
