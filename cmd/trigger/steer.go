package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"firebreak/workflows"
)

// reasonRule says whether a person must say why.
type reasonRule int

const (
	noReason reasonRule = iota
	reasonAllowed
	reasonRequired
)

// steering is a verb that steers an open incident. They differ in what they ask for, and in nothing else.
type steering struct {
	// use names the verb and its arguments, of which the first is the incident.
	use, short, long, example string
	update                    string
	reason                    reasonRule
	// flags adds flags of the verb's own; fill puts the arguments after the incident into what is sent. Both may be nil.
	flags func(*pflag.FlagSet)
	fill  func(s *workflows.Steer, args []string) error
	// completes lists what a shell offers for the argument after the incident; it may be nil.
	completes suggestion
}

// steerCommand makes the command of a steering verb.
func (a *app) steerCommand(v steering) *cobra.Command {
	var person, reason, output string
	var sent workflows.Steer
	cmd := &cobra.Command{Use: v.use, Short: v.short, Long: v.long, Example: v.example, Args: cobra.ExactArgs(len(strings.Fields(v.use)) - 1)}
	check := func(args []string) error {
		sent = workflows.Steer{Person: person, Reason: strings.ToValidUTF8(reason, "\uFFFD"), Via: workflows.ViaCommandLine}
		var wrong error
		if v.reason == reasonRequired && strings.TrimSpace(reason) == "" {
			wrong = usage("--reason is empty: say why, for the record")
		}
		if v.fill != nil {
			wrong = errors.Join(wrong, v.fill(&sent, args[1:]))
		}
		return errors.Join(checkIncident(args), checkOutput(output), wrong)
	}
	cmd.RunE = a.operated(check, func(ctx context.Context, op operator, args []string) error {
		id, err := incidentID(args[0])
		if err != nil {
			return err
		}
		outcome, err := op.steer(ctx, id, v.update, sent)
		return a.conclude(id, output, outcome, err)
	})
	flags := cmd.Flags()
	flags.StringVar(&person, "as", "", "inventory id of the person who does this")
	outputFlag(flags, &output)
	required := []string{"as"}
	if v.reason != noReason {
		flags.StringVar(&reason, "reason", "", "why, for the record")
	}
	if v.reason == reasonRequired {
		required = append(required, "reason")
	}
	if v.flags != nil {
		v.flags(flags)
	}
	for _, name := range required {
		// The flag is defined above, so this cannot fail.
		_ = cmd.MarkFlagRequired(name)
	}
	a.complete(cmd, v.completes)
	return cmd
}

// stepArgument takes the step that follows the incident.
func stepArgument(s *workflows.Steer, args []string) error {
	s.Step = args[0]
	return nil
}
