package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// fault is a fault as tools read it.
type fault struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func (a *app) validateCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "validate FILE...", Short: "Check playbooks and say everything that is wrong with them", Args: cobra.MinimumNArgs(1),
		Long: `Validate checks playbooks by the rules by which the worker loads them, and prints every fault as

  file:line:column: code: message (hint)

A directory is checked as a whole, as the folder of --playbooks: the names of the files, the kinds that must be there, and the
playbooks that others run. The exit code is 1 if there is any fault.`,
		Example: `  trigger playbook validate playbooks/
  trigger playbook validate secret-leak.yaml -o json | jq -r .[].code`,
		RunE: a.verb(func(_ context.Context, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return a.validate(args, output)
		}),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return cmd
}

// validate checks everything before it says anything, so that the output is whole.
func (a *app) validate(paths []string, output string) error {
	faults := []fault{}
	checked := 0
	var failed error
	for _, path := range paths {
		n, err := check(path)
		checked += n
		found, other := split(err)
		failed = errors.Join(failed, other)
		for _, f := range found {
			faults = append(faults, fault(f))
		}
	}
	if err := a.showFaults(faults, output); err != nil {
		return err
	}
	switch {
	case failed != nil:
		return failed
	case len(faults) > 0:
		return fmt.Errorf("%s in %s", count(len(faults), "fault"), count(checked, "playbook"))
	case output == "table":
		_, err := fmt.Fprintf(a.stdout, "%s, no fault\n", count(checked, "playbook"))
		return err
	}
	return nil
}

func (a *app) showFaults(faults []fault, output string) error {
	if output == "json" {
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(faults)
	}
	for _, f := range faults {
		if _, err := fmt.Fprintln(a.stdout, plain(playbooks.Fault(f).Error())); err != nil {
			return err
		}
	}
	return nil
}

// check checks a file or a folder and returns how many playbooks that were.
func check(path string) (int, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("check playbook: %w", err)
	}
	if !info.IsDir() {
		return 1, checkFile(path)
	}
	kinds, err := playbooks.Folder(path).Kinds()
	if err != nil {
		return 0, err
	}
	_, err = playbooks.Folder(path).LoadAll()
	return len(kinds), err
}

// checkFile checks one file; it must bear the name of its kind.
func checkFile(path string) error {
	raw, err := readPlaybook(path)
	if err != nil {
		return err
	}
	name, yaml := strings.CutSuffix(filepath.Base(path), ".yaml")
	if yaml && kindShape.MatchString(name) {
		_, err := playbooks.Folder(filepath.Dir(path)).Load(incident.Kind(name))
		return err
	}
	_, err = playbooks.Parse(path, raw)
	return errors.Join(playbooks.Fault{
		File: path, Line: 1, Column: 1, Code: "file-name", Message: "the file's name says no kind", Hint: "a playbook file bears its kind's name and ends in .yaml",
	}, err)
}
