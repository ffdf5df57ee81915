package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/pflag"

	"firebreak/workflows"
)

// outputFlag adds the flag that chooses between words and JSON.
func outputFlag(flags *pflag.FlagSet, output *string) {
	flags.StringVarP(output, "output", "o", "table", "table or json")
}

// conclusion is what a verb prints that asked something of an incident.
type conclusion struct {
	ID       string `json:"incident_id"`
	Accepted bool   `json:"accepted"`
	Message  string `json:"message"`
}

// conclude prints what came of a decision that was sent. As JSON a refusal is printed too; its exit code says the rest.
func (a *app) conclude(id, output string, outcome workflows.DecisionOutcome, err error) error {
	if err != nil {
		return known(id, err)
	}
	if output == "json" {
		if err := a.writeJSON(conclusion{ID: id, Accepted: outcome.Accepted, Message: outcome.Message}); err != nil {
			return err
		}
	}
	if !outcome.Accepted {
		return refused("refused: %s", plain(outcome.Message))
	}
	if output == "json" {
		return nil
	}
	_, err = fmt.Fprintln(a.stdout, plain(outcome.Message))
	return err
}

// writeJSON prints a result for programs.
func (a *app) writeJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
