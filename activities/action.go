package activities

import (
	"context"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// Action is one capability.verb. Each method is registered as an activity of its own.
//
// Capture reads the target's prior state and changes nothing. Do is idempotent under Operation.ID: it observes first and
// reports Changed false if its effect is there already. Verify takes another path than Do; a false Proof means that the
// effect was observed not to hold, an error that it could not be observed. Undo restores what Capture saved and is
// idempotent too.
type Action interface {
	Capture(context.Context, *playbooks.Operation) (*incident.Capture, error)
	Do(context.Context, *playbooks.Operation) (*incident.Effect, error)
	Verify(context.Context, *playbooks.Operation) (*incident.Proof, error)
	Undo(context.Context, *playbooks.Operation) (*incident.Effect, error)
}
