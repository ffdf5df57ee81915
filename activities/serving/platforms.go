package serving

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"firebreak/activities/failure"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Platforms are the platforms that can be controlled, by the name that the inventory gives them (serving.platform).
type Platforms map[string]Control

// Of returns what controls the operation's endpoint. The error of an unknown platform says what a person can do.
func (p Platforms) Of(op *playbooks.Operation) (Control, error) {
	e := op.Target.Endpoint
	if e == nil {
		return nil, failure.New(failure.Invalid, "%s: target %s is not an endpoint", op.Action, op.Target.ID)
	}
	if c, ok := p[e.Serving.Platform]; ok {
		return c, nil
	}
	return nil, failure.New(failure.Unsupported, "%s: endpoint %s is served by %q, and only %s is supported; do it by hand (the inventory says: %s at %s) and record it in the incident",
		op.Action, e.ID, e.Serving.Platform, strings.Join(slices.Sorted(maps.Keys(p)), ", "), e.Disable.Method, e.Disable.ConfigRef)
}

// PlainURI cuts the version id off a URI of the inventory: platforms take a prefix, which has no versions.
func PlainURI(uri string) string {
	plain, _, _ := strings.Cut(uri, "?versionId=")
	return plain
}

// mode returns the preferred mode if the platform can do it, and else the platform's first.
func mode(c Control, op *playbooks.Operation, preferred Mode) (Mode, error) {
	modes := c.Modes(op.Target.Endpoint)
	if len(modes) == 0 {
		return "", failure.New(failure.Unsupported, "%s: %s cannot be taken out of service by firebreak; do it by hand", op.Action, c.Describe(op.Target.Endpoint))
	}
	if slices.Contains(modes, preferred) {
		return preferred, nil
	}
	return modes[0], nil
}

func named(modes []Mode) string {
	texts := make([]string, len(modes))
	for i, m := range modes {
		texts[i] = string(m)
	}
	return strings.Join(texts, ", ")
}

// knownGood returns the checkpoint to recover to, and its address on the platform.
func knownGood(c Control, op *playbooks.Operation) (*inventory.Checkpoint, string, error) {
	good := op.Target.KnownGood
	if good == nil || good.RootDigest == "" || good.URI == "" {
		return nil, "", failure.New(failure.Invalid, "%s: endpoint %s has no known-good checkpoint; it stays contained", op.Action, op.Target.ID)
	}
	address, err := c.Address(op.Target.Endpoint, good)
	if err != nil {
		return nil, "", fmt.Errorf("%s: find %s on the platform: %w", op.Action, good.ID, err)
	}
	return good, address, nil
}

// KnownGood is knownGood for the actions of other packages.
func (p Platforms) KnownGood(op *playbooks.Operation) (Control, *inventory.Checkpoint, string, error) {
	c, err := p.Of(op)
	if err != nil {
		return nil, nil, "", err
	}
	good, address, err := knownGood(c, op)
	return c, good, address, err
}
