package serving

import (
	"context"
	"encoding/json"
	"errors"

	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Mode says how an endpoint is taken out of service.
type Mode string

// The modes. Stop leaves no capacity, and the memory of what ran is lost with it; Isolate cuts the traffic and keeps the
// process for forensics; Deny refuses the callers by authorisation.
const (
	Stop    Mode = "stop"
	Isolate Mode = "isolate"
	Deny    Mode = "deny"
)

// Part says what of the captured state Restore puts back.
type Part string

// The parts. Availability is all that Disable and Enable change. Contained is the same, but the endpoint ends out of
// service in any case, in the mode in which it was before or else the platform's first: it is how a recovery is undone.
// Model is what Load changes.
const (
	Availability Part = "availability"
	Contained    Part = "contained"
	Model        Part = "model"
)

// State is what a platform says of an endpoint. It is what is wished, and no proof of anything.
type State struct {
	// Off lists the modes in which the endpoint is set to be out of service; it is in service if there is none.
	Off []Mode `json:"off,omitempty"`
	// Share is the percentage of the traffic that is let in while the rest is refused; nil if traffic is not split.
	Share *int `json:"share,omitempty"`
	// SaysOff reports whether the platform says that it has come to pass: nothing runs, or nothing is reached.
	SaysOff bool `json:"says_off"`
	// Loads is where the endpoint loads its model from, in the words of Address; "" if the platform does not tell.
	Loads string `json:"loads,omitempty"`
	// Holder is the incident that holds the endpoint, Operation the operation that disabled or enabled it last, and Pointer
	// the one that chose its model last; each is "" if there is none.
	Holder    string `json:"holder,omitempty"`
	Operation string `json:"operation,omitempty"`
	Pointer   string `json:"pointer,omitempty"`
	// Writer is who else changed the object last, if the platform keeps that.
	Writer string `json:"writer,omitempty"`
	// Warning is why the platform may not do as it is told, for people.
	Warning string `json:"warning,omitempty"`
}

// Saved is the state of a Capture: what the platform said and how the endpoint answered before anything changed.
type Saved struct {
	State
	// Mode is the mode that is about to be set; Restore of Availability undoes that mode alone, or every one if it is empty.
	Mode Mode `json:"mode,omitempty"`
	// Answered says whether a call from outside was answered, with Digest; otherwise Reason says how it was refused.
	Answered bool   `json:"answered"`
	Digest   string `json:"digest,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// Platform is what the platform's adapter needs to restore, byte for byte. It holds no secret.
	Platform json.RawMessage `json:"platform,omitempty"`
}

// Check looks at what an adapter has just read and refuses the change by an error, which the adapter returns as it is.
type Check func(State) error

// Change is what a change did.
type Change struct {
	// Changed is false if everything was as wanted already.
	Changed bool
	// Found is the state that was read before the change.
	Found State
	// Did says in a few words what was set, for people.
	Did string
}

// Control is endpoint control on one platform. Implementations hold no state: operations survive workers.
//
// Disable, Enable, Load and Restore are idempotent under the operation's ID. Each reads first; if something differs from
// what is wanted it calls check with what it read, and then changes it with that read as precondition, so that no other
// writer's change is lost. What is wanted includes that the target names the operation (State.Operation, State.Pointer)
// and, while it is disabled, the incident (State.Holder) and the prior state for a person who must restore it by hand.
//
// An error that trying again cannot mend has a code of package failure. No error holds a secret.
type Control interface {
	// Modes lists the modes that the platform can do for the target; the first is what endpoint.disable does.
	Modes(*inventory.Endpoint) []Mode
	// Address is a checkpoint in the platform's words, as State.Loads has it. It is an error if the platform cannot load it.
	Address(*inventory.Endpoint, *inventory.Checkpoint) (string, error)
	// Describe names the platform's object for people, e.g. "InferenceService lending/credit-scorer".
	Describe(*inventory.Endpoint) string
	// Capture reads the state and what Restore needs of it. It changes nothing.
	Capture(context.Context, *playbooks.Operation) (State, json.RawMessage, error)
	// Observe reads the state.
	Observe(context.Context, *playbooks.Operation) (State, error)
	// Disable takes the endpoint out of service in one of its modes, whatever it serves by now.
	Disable(context.Context, *playbooks.Operation, *Saved, Mode, Check) (Change, error)
	// Enable ends every mode in which firebreak took the endpoint out of service.
	Enable(context.Context, *playbooks.Operation, *Saved, Check) (Change, error)
	// Load makes the endpoint load what is at an address. It does not start what is stopped.
	Load(ctx context.Context, op *playbooks.Operation, before *Saved, address string, check Check) (Change, error)
	// Restore puts a part of what was captured back.
	Restore(context.Context, *playbooks.Operation, *Saved, Part, Check) (Change, error)
}

// ErrNoSplit means that there is nothing that an endpoint's traffic could be split with; its text goes on to say why.
var ErrNoSplit = errors.New("its traffic cannot be split")

// Splitter is a Control that can let a share of the traffic in.
type Splitter interface {
	// Split lets a percentage of the traffic reach what the endpoint loads, and sees to it that the rest is refused: it must
	// never reach what was contained. It is idempotent as Control's changes are. Restore with Contained undoes it.
	Split(ctx context.Context, op *playbooks.Operation, before *Saved, percent int, check Check) (Change, error)
}
