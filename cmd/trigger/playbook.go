package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

func (a *app) playbookCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "playbook", Short: "Check, preview, test, print and draw playbooks", Args: cobra.NoArgs,
		Long: `Playbook shows what playbooks say and do. Its verbs read files and nothing else: they connect to nothing and start nothing.
Export-case alone asks Temporal for an incident's record.

Where KIND is asked for, it is one that firebreak ships or one of the folder that --playbooks names; FILE is a path that ends
in .yaml.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.validateCommand(), a.planCommand(), a.renderCommand(), a.graphCommand(), a.playbookListCommand(), a.schemaCommand(),
		a.playbookTestCommand(), a.exportCaseCommand())
	return cmd
}

// open reads the playbook that an argument names, by its kind or by its path. Its faults go to standard error.
func (a *app) open(name, folder string) (*playbooks.File, error) {
	if !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".yml") {
		kinds, err := a.kinds(folder)
		if err != nil {
			return nil, err
		}
		kind, err := knownKind(name, kinds)
		if err != nil {
			return nil, usage("%w; a file ends in .yaml", err)
		}
		file, err := a.source(folder).Load(kind)
		return file, a.sayFaults(err)
	}
	raw, err := readPlaybook(name)
	if err != nil {
		return nil, err
	}
	pb, err := playbooks.Parse(name, raw)
	if err != nil {
		return nil, a.sayFaults(err)
	}
	return &playbooks.File{Name: filepath.Base(name), Digest: playbooks.Digest(raw), Playbook: pb}, nil
}

// readPlaybook reads a file, but not one that is far too large: Parse says what the limit is.
func readPlaybook(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read playbook: %w", err)
	}
	if info.Size() > 2*playbooks.MaxBytes || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read playbook %s: it is no file of at most %d bytes", path, playbooks.MaxBytes)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read playbook: %w", err)
	}
	return raw, nil
}

// sayFaults writes the faults of a playbook to standard error, one a line, and returns a short error instead of them.
func (a *app) sayFaults(err error) error {
	faults, other := split(err)
	if len(faults) == 0 {
		return other
	}
	for _, f := range faults {
		fmt.Fprintln(a.stderr, plain(f.Error()))
	}
	return errors.Join(fmt.Errorf("%s in %s", count(len(faults), "fault"), plain(faults[0].File)), other)
}

// split parts the faults of playbooks from other errors, such as a file that cannot be read.
func split(err error) (faults []playbooks.Fault, other error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			f, o := split(e)
			faults, other = append(faults, f...), errors.Join(other, o)
		}
		return faults, other
	}
	var f playbooks.Fault
	if errors.As(err, &f) {
		return []playbooks.Fault{f}, nil
	}
	return nil, err
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// aim is the asset that a playbook is resolved for.
type aim struct {
	inventory, asset, mode, person string
	situation                      situation
}

func (x *aim) flags(flags *pflag.FlagSet) {
	flags.StringVar(&x.inventory, "inventory", "", "inventory file (default $"+inventoryVariable+")")
	flags.StringVar(&x.asset, "asset", "", "inventory id of the asset that the incident is about")
	flags.StringVar(&x.mode, "mode", string(incident.Live), "live or drill")
}

// aimed loads the inventory, nil if none is named, and makes the request that the flags describe, nil without an asset.
func (a *app) aimed(x aim, kind incident.Kind) (*inventory.Inventory, *incident.Request, error) {
	mode, err := parseMode(x.mode)
	if err != nil {
		return nil, nil, err
	}
	r := &incident.Request{Kind: kind, Asset: x.asset, Mode: mode, Requester: x.person, DetectedAt: a.now().UTC()}
	if err := x.situation.fill(r); err != nil {
		return nil, nil, err
	}
	inv, err := a.inventory(x.inventory)
	switch {
	case err != nil:
		return nil, nil, err
	case x.asset == "":
		return inv, nil, nil
	case inv == nil:
		return nil, nil, usage("--asset needs an inventory: set --inventory or %s", inventoryVariable)
	}
	if err := inv.CheckAsset(x.asset); err != nil {
		return nil, nil, refused("%w", err)
	}
	if env := inv.Env(x.asset); !mode.Allows(env) {
		return nil, nil, refused("asset %q is in environment %q, which a %s incident may not touch (--mode)", x.asset, env, mode)
	}
	if x.person != "" && inv.Person(x.person) == nil {
		return nil, nil, refused("%q is not a person of the inventory (--as)", x.person)
	}
	return inv, r, nil
}
