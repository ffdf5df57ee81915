package workload

import (
	"context"
	"encoding/json"
	"strconv"

	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/activities/serving/fence"
	"firebreak/activities/serving/kube"
	"firebreak/playbooks"
)

// Disable isolates or stops the workload.
func (c *Control) Disable(ctx context.Context, op *playbooks.Operation, before *serving.Saved, mode serving.Mode, check serving.Check) (serving.Change, error) {
	by := fence.Names{Operation: op.ID, Incident: op.IncidentID, Restore: before.Note()}
	if mode == serving.Stop {
		return c.stop(ctx, op, by, check)
	}
	change, err := c.isolate(ctx, op, by, check)
	change.Did = "its Service leads nowhere, and a NetworkPolicy denies all traffic to its pods, which live on"
	return change, err
}

func (c *Control) isolate(ctx context.Context, op *playbooks.Operation, by fence.Names, check serving.Check) (serving.Change, error) {
	f, err := c.fence(op.Target.Endpoint)
	if err != nil {
		return serving.Change{}, err
	}
	isolated := "true"
	return c.change(ctx, op, check, func(now *seen) []step {
		steps := []step{c.selector(op, now, &isolated)}
		if !f.Raised(now.fence, by) {
			steps = append(steps, func(ctx context.Context) error { _, err := f.Raise(ctx, by); return err })
		}
		return steps
	})
}

func (c *Control) stop(ctx context.Context, op *playbooks.Operation, by fence.Names, check serving.Check) (serving.Change, error) {
	none := "0"
	change, err := c.change(ctx, op, check, func(now *seen) []step {
		d := &now.deployment
		if d.replicas() == 0 && d.Metadata.Annotations[fence.OperationAnnotation] == by.Operation {
			return []step{c.paused(op, now, &none)}
		}
		annotations := map[string]any{
			fence.OperationAnnotation: by.Operation, fence.IncidentAnnotation: by.Incident, fence.RestoreAnnotation: by.Restore,
		}
		if _, known := d.Metadata.Annotations[ReplicasAnnotation]; !known {
			annotations[ReplicasAnnotation] = strconv.Itoa(d.replicas())
		}
		// KEDA first: it would pull the Deployment up again.
		return []step{c.paused(op, now, &none), c.deployment(op, now, annotations, map[string]any{"replicas": 0})}
	})
	change.Did = "Deployment scaled to 0"
	return change, err
}

// Enable ends isolation and stop: as many replicas as before, and traffic to them.
func (c *Control) Enable(ctx context.Context, op *playbooks.Operation, _ *serving.Saved, check serving.Check) (serving.Change, error) {
	f, err := c.fence(op.Target.Endpoint)
	if err != nil {
		return serving.Change{}, err
	}
	change, err := c.change(ctx, op, check, func(now *seen) []step {
		d := &now.deployment
		var steps []step
		if d.replicas() == 0 || d.Metadata.Annotations[fence.OperationAnnotation] != op.ID {
			spec := map[string]any{}
			if d.replicas() == 0 {
				n, err := strconv.Atoi(d.Metadata.Annotations[ReplicasAnnotation])
				if err != nil || n < 1 {
					n = 1
				}
				spec["replicas"] = n
			}
			steps = append(steps, c.deployment(op, now, map[string]any{
				fence.OperationAnnotation: op.ID, fence.IncidentAnnotation: nil, fence.RestoreAnnotation: nil, ReplicasAnnotation: nil,
			}, spec))
		}
		steps = append(steps, c.paused(op, now, nil))
		if now.fence != nil {
			steps = append(steps, func(ctx context.Context) error { return f.Lower(ctx, now.fence) })
		}
		return append(steps, c.selector(op, now, nil))
	})
	change.Did = "its replicas, its Service and its network are as they were before it was disabled"
	return change, err
}

// Load puts one URI in place of the other in the containers' environment and arguments.
func (c *Control) Load(ctx context.Context, op *playbooks.Operation, _ *serving.Saved, address string, check serving.Check) (serving.Change, error) {
	if !validURI(address) {
		return serving.Change{}, failure.New(failure.Invalid, "load %s: it is not an S3 URI of plain characters", address)
	}
	change, err := c.change(ctx, op, check, func(now *seen) []step {
		d := &now.deployment
		if d.uri() == address && d.Metadata.Annotations[PointerAnnotation] == op.ID {
			return nil
		}
		return []step{c.deployment(op, now, map[string]any{PointerAnnotation: op.ID}, d.pointed(d.uri(), address))}
	})
	change.Did = "the containers load " + address
	return change, err
}

// Restore puts back what was captured.
func (c *Control) Restore(ctx context.Context, op *playbooks.Operation, before *serving.Saved, part serving.Part, check serving.Check) (serving.Change, error) {
	var s saved
	if err := json.Unmarshal(before.Platform, &s); err != nil {
		return serving.Change{}, failure.New(failure.Invalid, "restore %s: read what was captured: %w", op.Target.ID, err)
	}
	if part == serving.Model {
		return c.change(ctx, op, check, func(now *seen) []step { return c.repoint(op, now, &s) })
	}
	mode := before.Mode
	var contained serving.Change
	if part == serving.Contained {
		mode = ""
		if !before.IsOff("") {
			// It was open: what was captured is restored, except for the ways in.
			mode = serving.Stop
			by := fence.Names{Operation: op.ID, Incident: op.IncidentID, Restore: before.Note()}
			var err error
			if contained, err = c.isolate(ctx, op, by, check); err != nil {
				return contained, err
			}
		}
	}
	f, err := c.fence(op.Target.Endpoint)
	if err != nil {
		return serving.Change{}, err
	}
	change, err := c.change(ctx, op, check, func(now *seen) []step {
		var steps []step
		if mode != serving.Stop {
			steps = append(steps, c.selector(op, now, s.Label), c.fenced(f, now, &s))
		}
		if mode != serving.Isolate {
			steps = append(steps, c.scaled(op, now, &s), c.paused(op, now, s.Paused))
		}
		return steps
	})
	change.Changed = change.Changed || contained.Changed
	change.Did = "isolated"
	return change, err
}

// step is one change of one object; a nil one is not needed.
type step func(context.Context) error

// change runs the steps that a fresh read asks for, each with that read as precondition. check is called before the first.
func (c *Control) change(ctx context.Context, op *playbooks.Operation, check serving.Check, wanted func(*seen) []step) (serving.Change, error) {
	var change serving.Change
	err := kube.Insist(ctx, func() error {
		now, err := c.read(ctx, op)
		if err != nil {
			return err
		}
		change.Found = now.state()
		checked := false
		for _, s := range wanted(now) {
			if s == nil {
				continue
			}
			if !checked {
				if err := check(change.Found); err != nil {
					return err
				}
				checked = true
			}
			if err := s(ctx); err != nil {
				return err
			}
			change.Changed = true
		}
		return nil
	})
	return change, err
}
