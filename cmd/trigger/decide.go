package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

type decideFlags struct {
	person, plan, comment string
	yes                   bool
	output                string
}

// decideCommand is approve or deny: they differ in the answer alone.
func (a *app) decideCommand(approve bool) *cobra.Command {
	var f decideFlags
	name, short := "approve", "Approve a step that waits for approval"
	if !approve {
		name, short = "deny", "Deny a step that waits for approval"
	}
	cmd := &cobra.Command{
		Use: name + " INCIDENT STEP", Short: short, Args: cobra.ExactArgs(2),
		Long: short + `. The decision is bound to the digest of the plan: with --plan to the one given there, as 'trigger status'
prints it; without, the plan is shown and you are asked. Away from a terminal, give --plan or --yes. The incident checks
who may decide and records every decision, also those it refuses (exit code 4).`,
		Example: fmt.Sprintf(`  trigger %[1]s incident/backdoor-discovery/credit-scorer@17 approve-rollback --as mlo-1
  trigger %[1]s backdoor-discovery/credit-scorer@17 approve-rollback --as mlo-1 --plan sha256:4f1e… --comment "checked with IC"`, name),
		RunE: a.operated(func(args []string) error {
			return errors.Join(checkIncident(args), checkOutput(f.output), a.answerable(f))
		}, func(ctx context.Context, op operator, args []string) error {
			id, err := incidentID(args[0])
			if err != nil {
				return err
			}
			d := workflows.DecideApproval{
				Step: args[1], Person: f.person, Approve: approve, PlanDigest: f.plan, Comment: strings.ToValidUTF8(f.comment, "\uFFFD"), Via: workflows.ViaCommandLine,
			}
			if d.PlanDigest == "" {
				if d.PlanDigest, err = a.confirm(ctx, op, id, d, f); err != nil {
					return err
				}
			}
			outcome, err := op.decide(ctx, id, d)
			return a.conclude(id, f.output, outcome, err)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.person, "as", "", "inventory id of the person who decides")
	flags.StringVar(&f.plan, "plan", "", "digest of the plan that you have seen")
	flags.StringVar(&f.comment, "comment", "", "why, for the record")
	flags.BoolVar(&f.yes, "yes", false, "decide on the plan as it is now, without being asked")
	outputFlag(flags, &f.output)
	// The flag is defined above, so this cannot fail.
	_ = cmd.MarkFlagRequired("as")
	a.complete(cmd, waitingApprovals)
	return cmd
}

// answerable refuses a decision that would have to be asked for where nobody can answer.
func (a *app) answerable(f decideFlags) error {
	if f.plan == "" && !f.yes && !terminal(a.stdin) {
		return usage("standard input is not a terminal: give --plan with the digest that you have seen, or --yes")
	}
	return nil
}

// confirm shows what is decided on and returns the digest of the plan that was shown.
func (a *app) confirm(ctx context.Context, op operator, id string, d workflows.DecideApproval, f decideFlags) (string, error) {
	r, err := op.record(ctx, id, "")
	if err != nil {
		return "", known(id, err)
	}
	approval, err := waiting(r, d.Step)
	if err != nil {
		return "", err
	}
	// What is asked is no result: with -o json standard output holds the result alone.
	ask := a.stdout
	if f.output == "json" {
		ask = a.stderr
	}
	fmt.Fprint(ask, proposal(r, approval, d))
	if f.yes {
		return approval.PlanDigest, nil
	}
	fmt.Fprint(ask, "Type yes to go on: ")
	line, err := bufio.NewReader(a.stdin).ReadString('\n')
	if strings.TrimSpace(strings.ToLower(line)) != "yes" {
		if err != nil {
			fmt.Fprintln(ask)
		}
		return "", refused("nothing was decided")
	}
	return approval.PlanDigest, nil
}

// waiting finds the open request for approval of a step.
func waiting(r *incident.Record, step string) (*incident.Approval, error) {
	var open []string
	for i := range r.Approvals {
		ap := &r.Approvals[i]
		if ap.Status != incident.ApprovalWaiting {
			continue
		}
		if ap.Step == step {
			return ap, nil
		}
		open = append(open, plain(ap.Step))
	}
	if len(open) == 0 {
		return nil, conflict("%s has nothing that waits for approval", r.ID)
	}
	return nil, conflict("step %q of %s does not wait for approval; waiting: %s", step, r.ID, strings.Join(open, ", "))
}

// proposal says what the person is about to decide.
func proposal(r *incident.Record, ap *incident.Approval, d workflows.DecideApproval) string {
	p := &page{}
	word := "APPROVE"
	if !d.Approve {
		word = "DENY"
	}
	p.line("%s %s of %s as %s", word, ap.Step, r.ID, d.Person)
	p.line("  %s", ap.Title)
	p.line("  verdict   %s", strings.ReplaceAll(string(r.Verdict), "_", " "))
	p.line("  needs     %s, has %s", fmt.Sprintf("%d of %s", ap.Quorum, strings.Join(ap.Roles, ", ")), fmt.Sprint(ap.Granted()))
	for _, u := range ap.Unlocks {
		p.line("  unlocks   %s", stepLabel(r, u))
	}
	p.line("  plan      %s", ap.PlanDigest)
	return p.String()
}
