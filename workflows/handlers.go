package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"firebreak/internal/incident"
)

// handlers installs the query, the updates and the reader of alerts.
func (r *response) handlers(ctx workflow.Context) error {
	err := workflow.SetQueryHandler(ctx, StatusQuery, func() (*incident.Record, error) {
		r.judge()
		return r.rec, nil
	})
	if err != nil {
		return fmt.Errorf("set query handler: %w", err)
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, DecideApprovalUpdate, r.decide, workflow.UpdateHandlerOptions{
		Validator: func(d DecideApproval) error { return wellFormed(d.Step, d.Person) },
	})
	if err != nil {
		return fmt.Errorf("set approval handler: %w", err)
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, CloseIncidentUpdate, r.requestClose, workflow.UpdateHandlerOptions{
		Validator: func(c CloseIncident) error { return wellFormed("-", c.Person) },
	})
	if err != nil {
		return fmt.Errorf("set close handler: %w", err)
	}
	for _, s := range r.steerings() {
		err := workflow.SetUpdateHandlerWithOptions(ctx, s.name, func(ctx workflow.Context, in Steer) (DecisionOutcome, error) {
			return r.steer(ctx, s, in), nil
		}, workflow.UpdateHandlerOptions{Validator: func(in Steer) error { return wellFormed("-", in.Person) }})
		if err != nil {
			return fmt.Errorf("set %s handler: %w", s.name, err)
		}
	}
	workflow.Go(ctx, r.alerts)
	return nil
}

// wellFormed is all that a validator may refuse: what it rejects leaves no trace in history.
func wellFormed(step, person string) error {
	if step == "" || person == "" {
		return errors.New("step and person must not be empty")
	}
	return nil
}
