package main

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: a.verb(func(context.Context, []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			if output == "json" {
				return a.writeJSON(map[string]string{"version": version()})
			}
			_, err := fmt.Fprintln(a.stdout, version())
			return err
		}),
	}
	outputFlag(cmd.Flags(), &output)
	return cmd
}

// version is what the Go toolchain recorded when it built the program.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "trigger, version unknown"
	}
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = " " + s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = " modified"
		}
	}
	return "trigger " + info.Main.Version + revision + modified + " " + info.GoVersion
}
