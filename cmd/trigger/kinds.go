package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

const playbooksVariable = "FIREBREAK_PLAYBOOKS"

// playbooksFlag documents the flag --playbooks, which every verb that knows kinds has.
const playbooksFlag = "a folder of playbooks instead of the ones built in (default $" + playbooksVariable + ")"

// source is the folder that the flag or the environment names, or else the playbooks built in.
func (a *app) source(dir string) playbooks.Source {
	if dir == "" {
		dir = a.env.get(playbooksVariable)
	}
	if dir == "" {
		return playbooks.BuiltIn()
	}
	return playbooks.Folder(dir)
}

// kinds lists those of which there is a playbook.
func (a *app) kinds(dir string) ([]incident.Kind, error) {
	kinds, err := a.source(dir).Kinds()
	if err != nil {
		return nil, fmt.Errorf("look for playbooks (--playbooks or %s): %w", playbooksVariable, err)
	}
	return kinds, nil
}

// knownKind returns the kind of the name, or an error that lists the known ones.
func knownKind(name string, kinds []incident.Kind) (incident.Kind, error) {
	if slices.Contains(kinds, incident.Kind(name)) {
		return incident.Kind(name), nil
	}
	known := make([]string, 0, len(kinds))
	for _, k := range kinds {
		known = append(known, string(k))
	}
	return "", fmt.Errorf("unknown incident kind %q (known: %s)", name, strings.Join(known, ", "))
}

// kindShape is how a kind is written. Which kinds there are is known to the worker; a verb that only follows an incident
// need not know.
var kindShape = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
