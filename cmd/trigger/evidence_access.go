package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"firebreak/internal/manifest"
	"firebreak/workflows"
)

func (a *app) evidenceAccessCommand() *cobra.Command {
	var person, reason, output string
	var sent workflows.Steer
	cmd := &cobra.Command{
		Use: "access INCIDENT", Short: "Record in the chain of custody that you handled evidence", Args: cobra.ExactArgs(1),
		Long: `Access records who read, copied, handed over or released evidence of an incident, when and why, as the next link of its chain
of custody: an object under Object Lock, which nobody can take out again. It works on closed incidents too. The manifest that is
sealed next has the link; the store has it at once.

Access gives no access: whoever may read the evidence store reads it with their own credentials, and the store's own log has what
they did not say here.

Without --evidence it is about the sealed manifest.`,
		Example: `  trigger evidence access incident/extraction-event/credit-api --as leg-1 --reason "brief for the authority"
  trigger evidence access extraction-event/credit-api --as sec-1 --action transfer --evidence "s3://vault/KEY?versionId=ID" \
    --reason "handed to the police" --authority "order 4 Gs 12/26"`,
		RunE: a.operated(func(args []string) error {
			_, err := manifest.ParseHandling(sent.Handling)
			if err != nil {
				err = usage("--action %v", err)
			}
			if strings.TrimSpace(reason) == "" {
				err = errors.Join(err, usage("--reason is empty: say why, for the record"))
			}
			return errors.Join(checkIncident(args), checkOutput(output), err)
		}, func(ctx context.Context, op operator, args []string) error {
			id, err := incidentID(args[0])
			if err != nil {
				return err
			}
			r, err := op.record(ctx, id, "")
			if err != nil {
				return known(id, err)
			}
			sent.Person, sent.Reason, sent.Via = person, strings.ToValidUTF8(reason, "\uFFFD"), workflows.ViaCommandLine
			outcome, err := op.access(ctx, id, r.Mode, sent)
			return a.conclude(id, output, outcome, err)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&person, "as", "", "inventory id of the person who handled it")
	f.StringVar(&reason, "reason", "", "why, for the record")
	f.StringVar(&sent.Handling, "action", string(manifest.Read), "read, copy, transfer, release or extend_hold")
	f.StringVar(&sent.Evidence, "evidence", "", "URI of the object with its version id; the sealed manifest if empty")
	f.StringVar(&sent.Authority, "authority", "", "by whose leave, such as the number of an order")
	outputFlag(f, &output)
	for _, name := range []string{"as", "reason"} {
		// The flag is defined above, so this cannot fail.
		_ = cmd.MarkFlagRequired(name)
	}
	a.complete(cmd, nil)
	return cmd
}
