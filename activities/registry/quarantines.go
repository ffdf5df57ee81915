package registry

import (
	"context"

	"firebreak/internal/incident"
	"firebreak/playbooks"
)

// quarantining is the action on one registry. *Quarantine and *sagemaker.Packages have it.
type quarantining interface {
	Capture(context.Context, *playbooks.Operation) (*incident.Capture, error)
	Do(context.Context, *playbooks.Operation) (*incident.Effect, error)
	Verify(context.Context, *playbooks.Operation) (*incident.Proof, error)
	Undo(context.Context, *playbooks.Operation) (*incident.Effect, error)
}

// Quarantines is the action registry.quarantine on whatever registry the target is in.
type Quarantines struct{ mlflow, sageMaker quarantining }

// NewQuarantines returns the action.
func NewQuarantines(mlflow *Quarantine, sageMaker quarantining) *Quarantines {
	return &Quarantines{mlflow: mlflow, sageMaker: sageMaker}
}

// of is the registry of the target; what is in no registry that is known here, MLflow's refuses.
func (q *Quarantines) of(op *playbooks.Operation) quarantining {
	if at := op.Target.Registered; at != nil && at.Platform == "sagemaker" {
		return q.sageMaker
	}
	return q.mlflow
}

// Capture saves the version's marks.
func (q *Quarantines) Capture(ctx context.Context, op *playbooks.Operation) (*incident.Capture, error) {
	return q.of(op).Capture(ctx, op)
}

// Do marks the version.
func (q *Quarantines) Do(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	return q.of(op).Do(ctx, op)
}

// Verify reads the marks by another path.
func (q *Quarantines) Verify(ctx context.Context, op *playbooks.Operation) (*incident.Proof, error) {
	return q.of(op).Verify(ctx, op)
}

// Undo restores the marks.
func (q *Quarantines) Undo(ctx context.Context, op *playbooks.Operation) (*incident.Effect, error) {
	return q.of(op).Undo(ctx, op)
}
