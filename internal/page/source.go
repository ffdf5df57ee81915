package page

import (
	"context"
	"errors"
	"net/http"
	"time"

	"firebreak/internal/incident"
	"firebreak/internal/signin"
)

// ErrNone means that there is no such incident, or that it is not open.
var ErrNone = errors.New("no such incident")

// Source is where the page gets incidents from.
type Source interface {
	// List returns the newest runs of incidents, newest first.
	List(ctx context.Context) ([]Listed, error)
	// Record returns the state of a run; an empty run is the newest. ErrNone means that there is none.
	Record(ctx context.Context, id, run string) (*incident.Record, error)
}

// Listed is one run of an incident.
type Listed struct {
	ID, Run string
	Started time.Time
	// Status is Temporal's word for the run, in lower case.
	Status string
}

// open reports whether the run goes on.
func (l Listed) open() bool { return l.Status == "running" }

// Desk takes what people decide on the page. Its methods return once the incident has answered; ErrNone means that it is not
// open.
type Desk interface {
	Decide(ctx context.Context, id string, d Decision) (Outcome, error)
	Report(ctx context.Context, id string, r Report) (Outcome, error)
	Acknowledge(ctx context.Context, id, person string) (Outcome, error)
}

// Decision is one person's answer to a request for approval, on the plan that the form showed.
type Decision struct {
	Step, Person, PlanDigest, Reason string
	Approve                          bool
}

// Report says what a task came to.
type Report struct {
	Step, Person, Outcome, Comment string
}

// Outcome is what came of it.
type Outcome struct {
	Accepted bool
	Message  string
}

// Gate knows who sends a request. Its errors are those of package signin.
type Gate interface {
	Routes(mux *http.ServeMux)
	Viewer(r *http.Request) (signin.Viewer, error)
	Flash(w http.ResponseWriter, answer any)
	Flashed(w http.ResponseWriter, r *http.Request, answer any) bool
}
