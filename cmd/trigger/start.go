package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firebreak/internal/incident"
)

type startFlags struct {
	kind, asset, person, summary, mode, inventory, playbooks, output string
	situation                                                        situation
}

// maxAssetBytes keeps the workflow id well below Temporal's limit of 1,000 bytes.
const maxAssetBytes = 512

func (a *app) startCommand() *cobra.Command {
	var f startFlags
	cmd := &cobra.Command{
		Use: "start", Short: "Start an incident by hand", Args: cobra.NoArgs,
		Long: `Start opens an incident for an asset without waiting for an alert. The person who starts it cannot approve its steps.
With an inventory, the asset, its environment and the person are checked before anything is started. An incident that is
already open is an error (exit code 3): follow that one instead.`,
		Example: `  trigger start --kind dataset-compromise --asset loan-applications@2026-07-31 --as sec-1 \
      --summary "rows differ from the signed manifest" --severity SEV1 --confidence 0.95 --facet both
  trigger start --kind extraction-event --asset credit-api-stg --as sec-1 --mode drill`,
	}
	var request incident.Request
	check := func([]string) (err error) {
		request, err = a.request(f, a.now().UTC())
		return errors.Join(checkOutput(f.output), err)
	}
	cmd.RunE = a.operated(check, func(ctx context.Context, op operator, _ []string) error {
		return a.start(ctx, op, request, f.output)
	})
	flags := cmd.Flags()
	flags.StringVar(&f.kind, "kind", "", "backdoor-discovery, extraction-event, dataset-compromise, or another of which there is a playbook")
	flags.StringVar(&f.asset, "asset", "", "inventory id of a dataset, checkpoint, model or endpoint")
	flags.StringVar(&f.person, "as", "", "inventory id of the person who starts it")
	flags.StringVar(&f.summary, "summary", "", "what was seen, in one sentence")
	flags.StringVar(&f.mode, "mode", string(incident.Live), "live or drill")
	flags.StringVar(&f.inventory, "inventory", "", "inventory file to check against (default $"+inventoryVariable+")")
	flags.StringVar(&f.playbooks, "playbooks", "", playbooksFlag)
	outputFlag(flags, &f.output)
	f.situation.flags(flags)
	for _, name := range []string{"kind", "asset", "as"} {
		// The flag is defined above, so this cannot fail.
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

// request turns the flags into what starts an incident, checked against the inventory if there is one.
func (a *app) request(f startFlags, now time.Time) (incident.Request, error) {
	var none incident.Request
	kinds, err := a.kinds(f.playbooks)
	if err != nil {
		return none, err
	}
	kind, err := knownKind(f.kind, kinds)
	if err != nil {
		return none, usage("--kind: %w", err)
	}
	mode, err := parseMode(f.mode)
	if err != nil {
		return none, err
	}
	for name, value := range map[string]string{"--asset": f.asset, "--as": f.person} {
		if !isID(value) {
			return none, usage("%s %q: want an id of the inventory", name, value)
		}
	}
	r := incident.Request{
		Kind: kind, Asset: f.asset, Mode: mode, Requester: f.person, Summary: strings.ToValidUTF8(f.summary, "\uFFFD"), DetectedAt: now,
	}
	if err := f.situation.fill(&r); err != nil {
		return none, err
	}
	inv, err := a.inventory(f.inventory)
	if err != nil || inv == nil {
		return r, err
	}
	if err := inv.CheckAsset(r.Asset); err != nil {
		return none, refused("%w", err)
	}
	if env := inv.Env(r.Asset); !mode.Allows(env) {
		return none, refused("asset %q is in environment %q, which a %s incident may not touch (--mode)", r.Asset, env, mode)
	}
	person := inv.Person(r.Requester)
	if person == nil {
		return none, refused("%q is not a person of the inventory (--as)", r.Requester)
	}
	r.Requester = person.ID
	return r, nil
}

func (a *app) start(ctx context.Context, op operator, r incident.Request, output string) error {
	id := incident.WorkflowID(r.Kind, r.Asset, "")
	err := op.start(ctx, id, r)
	if errors.Is(err, errOpen) {
		return conflict("%s is already open; follow it with: %s", id, commandLine("trigger", "status", id, "--watch"))
	}
	if err != nil {
		return err
	}
	if output == "json" {
		return a.writeJSON(struct {
			ID   string        `json:"incident_id"`
			Mode incident.Mode `json:"mode"`
		}{id, r.Mode})
	}
	fmt.Fprintf(a.stdout, "started %s (%s)\nfollow it with: %s\n", id, r.Mode, commandLine("trigger", "status", id, "--watch"))
	return nil
}
