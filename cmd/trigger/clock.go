package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"firebreak/internal/incident"
	"firebreak/internal/legal"
	"firebreak/workflows"
)

func (a *app) clockCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "clock", Short: "Set anchors of legal clocks, dismiss them, record filings", Args: cobra.NoArgs,
		Long: `Clock records what counsel finds and decides about duties to notify. Nothing is ever filed by firebreak: a filing is made by
people and recorded here with its reference. 'trigger status' shows the clocks, what is left, and the anchors that miss.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.setAnchorCommand(), a.dismissClockCommand(), a.fileClockCommand())
	return cmd
}

func (a *app) setAnchorCommand() *cobra.Command {
	var regime string
	return a.steerCommand(steering{
		completes: func(*incident.Record) []string { return anchors() },
		use:       "set-anchor INCIDENT ANCHOR TIME", short: "Record the instant from which duties run", update: workflows.SetAnchorUpdate, reason: reasonRequired,
		long: `Set-anchor records a finding of people, for instance the time at which the controller became aware. Findings are only ever
added: a correction is a further one. Deadlines are computed anew. TIME is RFC 3339.

Anchors: ` + strings.Join(anchors(), ", ") + ".",
		example: `  trigger clock set-anchor dataset-compromise/loans@7 aware_at 2026-09-14T09:30:00Z --as leg-1 --reason "forensics confirmed reads"`,
		flags: func(flags *pflag.FlagSet) {
			flags.StringVar(&regime, "regime", "", "only for this clock; without it, for every clock that runs from the anchor")
		},
		fill: func(s *workflows.Steer, args []string) (err error) {
			if !slices.Contains(anchors(), args[0]) {
				return usage("anchor %q: want one of %s", args[0], strings.Join(anchors(), ", "))
			}
			s.Anchor, s.Clock = args[0], regime
			s.At, err = instant("TIME", args[1])
			return err
		},
	})
}

func (a *app) dismissClockCommand() *cobra.Command {
	return a.steerCommand(steering{
		completes: runningClocks,
		use:       "dismiss INCIDENT REGIME", short: "Record that a duty does not apply", update: workflows.DismissClockUpdate, reason: reasonRequired,
		long:    `Dismiss ends a clock because counsel found that the duty does not apply. The clock stays listed with the reason.`,
		example: `  trigger clock dismiss dataset-compromise/loans@7 gdpr-33-1 --as priv-1 --reason "no risk to persons: rows were synthetic"`,
		fill:    regimeArgument,
	})
}

func (a *app) fileClockCommand() *cobra.Command {
	var reference, at string
	return a.steerCommand(steering{
		completes: runningClocks,
		use:       "file INCIDENT REGIME", short: "Record a filing that people made", update: workflows.FileClockUpdate, reason: reasonAllowed,
		long: `File records that people have notified a recipient, with the reference that the recipient gave. Clocks that run from this
filing start. Without --at the filing counts from the time at which it is recorded.`,
		example: `  trigger clock file dataset-compromise/loans@7 gdpr-33-1 --reference BfDI-2026-4711 --at 2026-09-15T08:00:00Z --as leg-1`,
		flags: func(flags *pflag.FlagSet) {
			flags.StringVar(&reference, "reference", "", "the reference that the recipient gave (required)")
			flags.StringVar(&at, "at", "", "when it was filed, RFC 3339")
		},
		fill: func(s *workflows.Steer, args []string) (err error) {
			if strings.TrimSpace(reference) == "" {
				return usage("--reference is empty: give the reference that the recipient gave")
			}
			s.Reference = strings.ToValidUTF8(reference, "\uFFFD")
			if at != "" {
				if s.At, err = instant("--at", at); err != nil {
					return err
				}
			}
			return regimeArgument(s, args)
		},
	})
}

func regimeArgument(s *workflows.Steer, args []string) error {
	s.Clock = args[0]
	return nil
}

// anchors are those that people set. The first signal is the engine's own, and filings set theirs.
func anchors() []string {
	var out []string
	for _, anchor := range legal.Anchors() {
		if anchor != legal.DetectedAt && anchor != legal.FiledAt {
			out = append(out, string(anchor))
		}
	}
	return out
}

// instant reads a time in UTC.
func instant(name, text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, usage("%s %q: want an RFC 3339 time such as 2026-09-14T09:30:00Z", name, text)
	}
	return at.UTC(), nil
}
