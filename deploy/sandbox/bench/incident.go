package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.temporal.io/sdk/client"

	"firebreak/deploy/sandbox/standin"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
	"firebreak/workflows"
)

// kind is that of the measured playbook; no playbook of that name is shipped.
const kind incident.Kind = "five-actions"

// asset has one checkpoint, one endpoint, one writing credential and one channel in its blast radius.
const asset = "assist-llm@5"

// fiveActions is a playbook of five actions in a row with one target each and nothing that waits for people.
func fiveActions(incident.Kind) (*playbooks.File, error) {
	pb := &playbooks.Playbook{Kind: kind, Title: "Five actions in a row", Phases: []playbooks.Phase{{ID: "contain", Title: "Contain"}}}
	for _, s := range []struct {
		action string
		target inventory.Query
	}{
		{"checkpoint.snapshot", inventory.Checkpoints}, {"endpoint.disable", inventory.Endpoints}, {"vault.revoke", inventory.Writers},
		{"checkpoint.rollback", inventory.Endpoints}, {"endpoint.enable", inventory.Endpoints},
	} {
		action, ok := playbooks.FindAction(s.action)
		if !ok {
			return nil, fmt.Errorf("make playbook: there is no action %s", s.action)
		}
		step := playbooks.Step{ID: action.Name, Action: action.Name, Targets: s.target, Timeout: action.Timeout, With: map[string]string{}}
		for _, p := range action.Params {
			step.With[p.Name] = p.Default
		}
		pb.Phases[0].Steps = append(pb.Phases[0].Steps, step)
	}
	return &playbooks.File{Name: string(kind) + ".yaml", Digest: playbooks.Digest([]byte(kind)), Playbook: pb}, nil
}

// bench runs contenders on one server.
type bench struct {
	client   client.Client
	platform *standin.Platform
	runs     int
}

// runTimeout bounds one run of a contender.
const runTimeout = time.Minute

// incident runs one incident until it has settled, closes it, and returns its cost until it settled.
func (b *bench) incident(ctx context.Context) (cost, error) {
	id, err := b.settle(ctx)
	if err != nil {
		return cost{}, err
	}
	return readCost(ctx, b.client, id)
}

// settle runs one incident, waits until its manifest is sealed, checks that it is contained, and closes it.
func (b *bench) settle(ctx context.Context) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	b.runs++
	id = incident.WorkflowID(kind, asset, strconv.Itoa(b.runs))
	sealed := make(chan struct{}, 4)
	b.platform.Set(standin.Hooks{After: func(c standin.Call) {
		if c.Activity == playbooks.SealActivity && c.Incident == id {
			sealed <- struct{}{}
		}
	}})
	req := incident.Request{Kind: kind, Asset: asset, Mode: incident.Live, Requester: "bench", DetectedAt: time.Now().UTC()}
	_, err = b.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: workflows.TaskQueue(req.Mode)}, workflows.WorkflowType(kind), req)
	if err != nil {
		return "", fmt.Errorf("start incident: %w", err)
	}
	select {
	case <-sealed:
	case <-ctx.Done():
		return "", fmt.Errorf("wait for incident %s: %w", id, ctx.Err())
	}
	return id, b.close(ctx, id)
}

// close waits until the incident has settled, which a query alone can tell, and closes it.
func (b *bench) close(ctx context.Context, id string) error {
	for {
		value, err := b.client.QueryWorkflow(ctx, id, "", workflows.StatusQuery)
		if err != nil {
			return fmt.Errorf("read status of %s: %w", id, err)
		}
		var rec incident.Record
		if err := value.Get(&rec); err != nil {
			return fmt.Errorf("decode status of %s: %w", id, err)
		}
		if rec.Progress != incident.Settled {
			continue
		}
		for i := range rec.Steps {
			if rec.Steps[i].Status != incident.Done || rec.Steps[i].Attempts != 1 {
				return fmt.Errorf("step %s of %s is %s: %s", rec.Steps[i].ID, id, rec.Steps[i].Status, rec.Steps[i].Reason)
			}
		}
		break
	}
	h, err := b.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: workflows.CloseIncidentUpdate, WaitForStage: client.WorkflowUpdateStageCompleted,
		Args: []any{workflows.CloseIncident{Person: "ic-1", Reason: "measured", HandOverClocks: true}}})
	var outcome workflows.DecisionOutcome
	if err == nil {
		err = h.Get(ctx, &outcome)
	}
	if err == nil && !outcome.Accepted {
		err = errors.New(outcome.Message)
	}
	if err != nil {
		return fmt.Errorf("close %s: %w", id, err)
	}
	return b.client.GetWorkflow(ctx, id, "").Get(ctx, nil)
}
