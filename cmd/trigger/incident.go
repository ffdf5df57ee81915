package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"firebreak/internal/incident"
)

// incidentID reads an incident as people type it: incident/KIND/ASSET, or KIND/ASSET for short.
func incidentID(arg string) (string, error) {
	if incident.IsWorkflowID(arg) {
		return arg, nil
	}
	kind, asset, _ := strings.Cut(arg, "/")
	if !kindShape.MatchString(kind) || asset == "" {
		return "", usage("incident %q: want incident/KIND/ASSET, as 'trigger list' shows it", arg)
	}
	return incident.WorkflowID(incident.Kind(kind), asset, ""), nil
}

// checkIncident refuses a first argument that is no incident, before anything is connected.
func checkIncident(args []string) error {
	if len(args) == 0 {
		return nil
	}
	_, err := incidentID(args[0])
	return err
}

// chosen is the incident that the arguments name, or the only open one if they name none.
func chosen(ctx context.Context, op operator, args []string) (string, error) {
	if len(args) > 0 {
		return incidentID(args[0])
	}
	open, err := op.list(ctx, false)
	switch {
	case err != nil:
		return "", err
	case len(open) == 0:
		return "", conflict("no incident is open; 'trigger list --all' shows the closed ones")
	case len(open) > 1:
		ids := make([]string, 0, len(open))
		for _, l := range open {
			ids = append(ids, "  "+l.id)
		}
		return "", conflict("%d incidents are open; name one of them:\n%s", len(open), strings.Join(ids, "\n"))
	}
	return open[0].id, nil
}

// known turns errNone into the message and the exit code for it.
func known(id string, err error) error {
	if errors.Is(err, errNone) {
		return conflict("there is no open incident %s; 'trigger list --all' shows every one", id)
	}
	return err
}

func checkOutput(format string) error {
	if format != "table" && format != "json" {
		return usage("--output %q: want table or json", format)
	}
	return nil
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	word = plain(word)
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+=,", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !safe(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// commandLine is a command as a person can paste it.
func commandLine(words ...string) string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, quoted(w))
	}
	return strings.Join(out, " ")
}

// stepLabel describes a step/target pair that an approval unlocks.
func stepLabel(r *incident.Record, unlocks string) string {
	for i := range r.Steps {
		if s := &r.Steps[i]; s.ID+"/"+s.Target == unlocks {
			return fmt.Sprintf("%s on %s (step %s)", s.Action, s.Target, s.ID)
		}
	}
	return unlocks
}
