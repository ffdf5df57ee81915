package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firebreak/internal/discovery"
	"firebreak/internal/inventory"
)

// importing is what the flags of an import say.
type importing struct {
	from, into, output, env, cluster, asOf string
	names                                  []string
	incomplete                             bool
	timeout                                time.Duration
}

const importHelp = `Import completes an inventory from what there is: bills of materials, lineage events, a model registry, a cluster.

  --from cyclonedx    SOURCE is a CycloneDX 1.6 or 1.7 document in JSON
  --from openlineage  SOURCE is a file of OpenLineage run events, an array or one a line
  --from kubernetes   SOURCE is what 'kubectl get inferenceservices,deployments,statefulsets -A -o json' writes
  --from mlflow       SOURCE is the address of a tracking server; MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and
                      MLFLOW_TRACKING_PASSWORD, are used if they are set

A SOURCE of - is standard input. Nothing is guessed: what a source does not say is left out and listed as to be filled in, with the
rule that asks for it. What the inventory says already stays, comments and all; a source that says otherwise is reported as a
conflict. The same import again changes nothing.

Without --into the result is written to standard output. With it, the file is replaced in one piece, but only if it can be
loaded afterwards: an incomplete one is refused unless --incomplete is given. Lines that are not completed stay as they are. What
was done goes to standard error.

The exit code is 3 if there was a conflict, and 4 if the result was refused.`

func (a *app) inventoryImportCommand() *cobra.Command {
	x := importing{}
	cmd := &cobra.Command{
		Use: "import --from KIND SOURCE...", Short: "Complete an inventory from CycloneDX, OpenLineage, MLflow or Kubernetes", Args: cobra.MinimumNArgs(1),
		Long: importHelp,
		Example: `  trigger inventory import --from cyclonedx model.cdx.json --env prod > assets.yaml
  trigger inventory import --from mlflow https://mlflow.example.com --env prod --into assets.yaml
  kubectl get inferenceservices -A -o json | trigger inventory import --from kubernetes - --cluster eu-1 --into assets.yaml --incomplete
  trigger inventory import --from openlineage events.ndjson --name s3://nordwall-data/loans=loan-applications --into assets.yaml`,
		RunE: a.verb(func(ctx context.Context, args []string) error {
			if err := x.check(); err != nil {
				return err
			}
			return a.importInventory(ctx, x, args)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&x.from, "from", "", "cyclonedx, openlineage, mlflow or kubernetes")
	flags.StringVar(&x.into, "into", "", "inventory file to complete")
	flags.StringVarP(&x.output, "output", "o", "", "form of the result: yaml or json (default that of the file, or yaml)")
	flags.StringVar(&x.env, "env", "", "environment of what the source describes: prod, staging or drill")
	flags.StringVar(&x.cluster, "cluster", "", "kubeconfig context of the cluster that was exported, for --from kubernetes")
	flags.StringVar(&x.asOf, "as-of", "", "time of the export, where it does not say it itself")
	flags.StringArrayVar(&x.names, "name", nil, "NAME=ID: what the source calls something and its id in the inventory; can be given again")
	flags.DurationVar(&x.timeout, "timeout", 10*time.Minute, "how long --from mlflow may take for each source")
	flags.BoolVar(&x.incomplete, "incomplete", false, "write --into even if the result lacks what the rules ask for")
	return cmd
}

func (x *importing) check() error {
	switch {
	case !slices.Contains([]string{"cyclonedx", "openlineage", "mlflow", "kubernetes"}, x.from):
		return usage("--from %q: want cyclonedx, openlineage, mlflow or kubernetes", x.from)
	case !slices.Contains([]string{"", "yaml", "json"}, x.output):
		return usage("--output %q: want yaml or json", x.output)
	case !slices.Contains([]string{"", "prod", "staging", "drill"}, x.env):
		return usage("--env %q: want prod, staging or drill", x.env)
	case x.cluster != "" && x.from != "kubernetes":
		return usage("--cluster is for --from kubernetes")
	case x.timeout <= 0:
		return usage("--timeout %s: want more than nothing", x.timeout)
	}
	if x.asOf != "" {
		if _, err := time.Parse(time.RFC3339, x.asOf); err != nil {
			return usage("--as-of %q: want a time such as 2026-09-14T06:00:00Z", x.asOf)
		}
	}
	for _, n := range x.names {
		if name, id, ok := cutLast(n); !ok || name == "" || !discovery.Usable(id) {
			return usage("--name %q: want NAME=ID", n)
		}
	}
	return nil
}

// cutLast cuts at the last =, since an address may have one in it.
func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '=')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func (a *app) importInventory(ctx context.Context, x importing, sources []string) error {
	var raw []byte
	var err error
	if x.into != "" {
		if raw, err = inventory.Read(x.into); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	doc, err := a.draft(x.into, raw)
	if err != nil {
		return err
	}
	name, changed, conflicts := x.into, false, 0
	if name == "" {
		name = "result"
	}
	before := faultsOf(name, raw, a.now())
	for _, source := range sources {
		report, err := a.importOne(ctx, x, source, doc)
		if err != nil {
			return fmt.Errorf("import %s: %w", plain(shown(source)), err)
		}
		changed = changed || report.Changed
		conflicts += len(report.Conflicts)
		writeFindings(a.stderr, shown(source), report)
	}
	result, err := x.form(raw)(doc)
	if err != nil {
		return err
	}
	after := faultsOf(name, result, a.now())
	a.saysNew(before, after)
	if err := a.writeInventory(x, raw, result, changed, after); err != nil {
		return err
	}
	if conflicts > 0 {
		return conflict("%s with what the inventory says: nothing of it was changed", count(conflicts, "conflict"))
	}
	return nil
}
