package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"firebreak/internal/incident"
	"firebreak/workflows/rehearsal"
)

// caseFlags are what export-case is told beside the incident.
type caseFlags struct {
	file, playbook, inventory string
	situation                 situation
}

func (a *app) exportCaseCommand() *cobra.Command {
	var f caseFlags
	cmd := &cobra.Command{
		Use: "export-case INCIDENT", Short: "Make a case for 'trigger playbook test' of a closed incident", Args: cobra.ExactArgs(1),
		Long: `Export-case writes what happened in a closed incident as a case: what failed or was not proved, what people decided and when,
and, as the expectation, what came of it. It asks Temporal for the incident's record, which holds no secret. A file that is
there already is not replaced.

The record does not hold the severity, confidence and facet with which the incident was started: give them, if the playbook
asks for them.`,
		Example: `  trigger playbook export-case incident/dataset-compromise/loan-applications@2026-07-31 -o cases/loans.yaml --inventory inventory.yaml
  trigger playbook export-case secret-leak/assist-chat --playbook playbooks/secret-leak.yaml --confidence 0.95 > leak.yaml`,
		RunE: a.operated(func(args []string) error {
			return errors.Join(checkIncident(args), f.situation.fill(&incident.Request{}))
		}, func(ctx context.Context, op operator, args []string) error {
			id, err := incidentID(args[0])
			if err != nil {
				return err
			}
			rec, err := op.record(ctx, id, "")
			if err != nil {
				return known(id, err)
			}
			return a.exportCase(rec, f)
		}),
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.file, "output", "o", "", "file to write instead of standard output")
	flags.StringVar(&f.playbook, "playbook", "", "playbook file of the incident, if its kind is not built in")
	flags.StringVar(&f.inventory, "inventory", "", "inventory file that the case names (default $"+inventoryVariable+")")
	f.situation.flags(flags)
	return cmd
}

func (a *app) exportCase(rec *incident.Record, f caseFlags) error {
	var r incident.Request
	if err := f.situation.fill(&r); err != nil {
		return err
	}
	o := rehearsal.Origin{Severity: r.Severity, Confidence: r.Confidence, Facet: r.Facet}
	var err error
	if o.Playbook, err = seenFrom(f.file, f.playbook); err != nil {
		return err
	}
	if o.Inventory, err = seenFrom(f.file, a.inventoryPath(f.inventory)); err != nil {
		return err
	}
	c, err := rehearsal.Export(rec, o)
	if err != nil {
		return refused("%w", err)
	}
	raw, err := rehearsal.Marshal(c)
	if err != nil {
		return err
	}
	raw = append([]byte(fmt.Sprintf("# playbook %s, inventory %s\n", plain(rec.Playbook.Digest), plain(rec.Playbook.InventoryDigest))), raw...)
	if f.file == "" {
		_, err = a.stdout.Write(raw)
		return err
	}
	if err := writeNew(f.file, raw); err != nil {
		return err
	}
	_, err = io.WriteString(a.stdout, "wrote "+f.file+"; run it with: "+commandLine("trigger", "playbook", "test", f.file)+"\n")
	return err
}

// seenFrom is the path as a case in the file names it: relative to the file's folder.
func seenFrom(file, path string) (string, error) {
	if path == "" || filepath.IsAbs(path) {
		return path, nil
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return "", fmt.Errorf("find the folder of %s: %w", file, err)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", path, err)
	}
	return filepath.Rel(dir, abs)
}

func writeNew(file string, raw []byte) error {
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write case: %w", err)
	}
	if _, err := out.Write(raw); err != nil {
		return fmt.Errorf("write case %s: %w", file, errors.Join(err, out.Close()))
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write case %s: %w", file, err)
	}
	return nil
}
