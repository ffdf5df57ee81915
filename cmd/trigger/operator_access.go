package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"firebreak/internal/incident"
	"firebreak/workflows"
)

// access asks the incident itself, which takes it into its timeline and its next manifest. One that is closed cannot be
// asked any more: a workflow of its own adds the link to the chain of custody in the store.
func (d *desk) access(ctx context.Context, id string, mode incident.Mode, s workflows.Steer) (workflows.DecisionOutcome, error) {
	outcome, err := d.steer(ctx, id, workflows.RecordAccessUpdate, s)
	if !errors.Is(err, errNone) {
		return outcome, err
	}
	ctx, cancel := context.WithTimeout(ctx, updateTimeout)
	defer cancel()
	once := rand.Text()
	opts := options(workflows.AccessPrefix+id+"/"+once, mode)
	run, err := d.client.ExecuteWorkflow(ctx, opts, workflows.EvidenceAccessWorkflow, workflows.AccessRequest{ID: once, Incident: id, Steer: s})
	if err != nil {
		return outcome, fmt.Errorf("start %s at %s: %w", opts.ID, d.address, err)
	}
	if err := run.Get(ctx, &outcome); err != nil {
		return outcome, fmt.Errorf("record the access to evidence of %s: %s may or may not have done it; look there before trying again: %w", id, opts.ID, err)
	}
	return outcome, nil
}
