package kserve

import (
	"context"
	"encoding/json"

	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/activities/serving/fence"
	"firebreak/activities/serving/kube"
	"firebreak/playbooks"
)

// edit is a change of an InferenceService: annotations, the storageUri unless it is empty, and the canary's share if split
// is true. Nil means no change.
type edit struct {
	annotations map[string]any
	storageURI  string
	split       bool
	canary      *int
}

// Disable stops or isolates the InferenceService.
func (c *Control) Disable(ctx context.Context, op *playbooks.Operation, before *serving.Saved, mode serving.Mode, check serving.Check) (serving.Change, error) {
	by := names(op, before)
	if mode == serving.Isolate {
		return c.isolate(ctx, op, by, check)
	}
	change, err := c.edit(ctx, op, check, func(service *InferenceService) *edit {
		if service.Stopped() && service.Metadata.Annotations[fence.OperationAnnotation] == op.ID {
			return nil
		}
		return &edit{annotations: map[string]any{
			StopAnnotation: "true", fence.OperationAnnotation: by.Operation, fence.IncidentAnnotation: by.Incident, fence.RestoreAnnotation: by.Restore,
		}}
	})
	change.Did = "InferenceService set to stop"
	return change, err
}

func (c *Control) isolate(ctx context.Context, op *playbooks.Operation, by fence.Names, check serving.Check) (serving.Change, error) {
	change := serving.Change{Did: "NetworkPolicy denies all traffic to its pods, which live on"}
	f := c.fence(op.Target.Endpoint)
	err := kube.Insist(ctx, func() error {
		now, err := c.read(ctx, op)
		if err != nil {
			return err
		}
		change.Found = now.state
		change.Found.Warning = isolationWarning(&now.service)
		if f.Raised(now.fence, by) {
			return nil
		}
		if err := check(now.state); err != nil {
			return err
		}
		changed, err := f.Raise(ctx, by)
		change.Changed = change.Changed || changed
		return err
	})
	if err != nil {
		return change, err
	}
	// Not being allowed to list policies is no reason to call a fence a failure.
	if holes, err := f.Holes(ctx); err == nil && holes != "" {
		change.Found.Warning = fence.Warning(holes)
	}
	return change, nil
}

// isolationWarning is why pods without traffic may not live on.
func isolationWarning(service *InferenceService) string {
	if min := service.Spec.Predictor.MinReplicas; min != nil && *min == 0 {
		return "minReplicas is 0: without traffic its pods are scaled away, and their memory with them"
	}
	return ""
}

// Enable lifts the stop and the fence, and gives all traffic to what is loaded. The fence around a revision that got the
// rest of a split stays: the revision may not be without traffic at once, and it is never to be reached again.
func (c *Control) Enable(ctx context.Context, op *playbooks.Operation, _ *serving.Saved, check serving.Check) (serving.Change, error) {
	change, err := c.edit(ctx, op, check, func(service *InferenceService) *edit {
		if !service.Stopped() && service.Metadata.Annotations[fence.OperationAnnotation] == op.ID {
			return nil
		}
		return &edit{split: true, annotations: map[string]any{
			StopAnnotation: "false", fence.OperationAnnotation: op.ID, fence.IncidentAnnotation: nil, fence.RestoreAnnotation: nil,
		}}
	})
	change.Did = "the stop is lifted"
	if err != nil {
		return change, err
	}
	lowered, err := c.restoreFence(ctx, op, saved{}, check)
	if lowered {
		change.Changed = true
		change.Did += ", and the NetworkPolicy is removed"
	}
	return change, err
}

// Load points the predictor at a prefix of files.
func (c *Control) Load(ctx context.Context, op *playbooks.Operation, _ *serving.Saved, address string, check serving.Check) (serving.Change, error) {
	change, err := c.edit(ctx, op, check, func(service *InferenceService) *edit {
		if service.StorageURI() == address && service.Metadata.Annotations[RollbackAnnotation] == op.ID {
			return nil
		}
		return &edit{annotations: map[string]any{RollbackAnnotation: op.ID}, storageURI: address}
	})
	change.Did = "storageUri is " + address
	return change, err
}

// Restore puts back the annotations, the fence or the storageUri that were captured.
func (c *Control) Restore(ctx context.Context, op *playbooks.Operation, before *serving.Saved, part serving.Part, check serving.Check) (serving.Change, error) {
	var s saved
	if err := json.Unmarshal(before.Platform, &s); err != nil {
		return serving.Change{}, failure.New(failure.Invalid, "restore %s: read what was captured: %w", op.Target.ID, err)
	}
	switch {
	case part == serving.Model:
		return c.edit(ctx, op, check, func(service *InferenceService) *edit {
			return differing(service, edit{annotations: map[string]any{RollbackAnnotation: kube.Value(s.Annotations[RollbackAnnotation])}, storageURI: s.StorageURI})
		})
	case part == serving.Contained:
		return c.contain(ctx, op, before, s, check)
	}
	var change serving.Change
	if before.Mode != serving.Isolate {
		var err error
		change, err = c.edit(ctx, op, check, func(service *InferenceService) *edit {
			return differing(service, edit{annotations: s.stop()})
		})
		if err != nil || before.Mode == serving.Stop {
			return change, err
		}
	}
	opened, err := c.restoreFence(ctx, op, s, check)
	change.Changed = change.Changed || opened
	return change, err
}

// contain restores everything as it was, except that the endpoint ends out of service: isolated if it was, or if it was
// open in part, and else stopped. What another incident holds by now is not ours to change, but shutting is always right.
func (c *Control) contain(ctx context.Context, op *playbooks.Operation, before *serving.Saved, s saved, check serving.Check) (serving.Change, error) {
	fenced, isolated := false, before.IsOff(serving.Isolate) || before.Share != nil
	var err error
	switch {
	case s.Fenced:
		fenced, err = c.restoreFence(ctx, op, s, check)
	case isolated:
		fenced, err = c.raise(ctx, op, before)
	}
	if err != nil {
		return serving.Change{}, err
	}
	change, err := c.edit(ctx, op, check, func(service *InferenceService) *edit {
		wanted := edit{annotations: s.stop(), split: true, canary: s.Canary}
		if holder := service.Metadata.Annotations[fence.IncidentAnnotation]; holder != "" && holder != op.IncidentID {
			wanted = edit{annotations: map[string]any{}}
		}
		if !isolated {
			wanted.annotations[StopAnnotation] = "true"
		}
		return differing(service, wanted)
	})
	if err != nil {
		return change, err
	}
	rest, err := c.restFence(op.Target.Endpoint, s.Revision).Restore(ctx, s.Rest, s.RestFenced, func(*fence.Policy) error { return nil })
	change.Changed = change.Changed || fenced || rest
	change.Did = "stopped"
	if isolated {
		change.Did = "isolated"
	}
	return change, err
}

func (c *Control) raise(ctx context.Context, op *playbooks.Operation, before *serving.Saved) (bool, error) {
	raised := false
	err := kube.Insist(ctx, func() error {
		changed, err := c.fence(op.Target.Endpoint).Raise(ctx, names(op, before))
		raised = raised || changed
		return err
	})
	return raised, err
}

func (c *Control) restoreFence(ctx context.Context, op *playbooks.Operation, s saved, check serving.Check) (bool, error) {
	changed := false
	f := c.fence(op.Target.Endpoint)
	err := kube.Insist(ctx, func() error {
		done, err := f.Restore(ctx, s.Fence, s.Fenced, func(p *fence.Policy) error {
			now, err := c.read(ctx, op)
			if err != nil {
				return err
			}
			if p != nil && now.service.Metadata.Annotations[fence.IncidentAnnotation] == "" {
				now.state.Holder = p.Metadata.Annotations[fence.IncidentAnnotation]
			}
			return check(now.state)
		})
		changed = changed || done
		return err
	})
	return changed && err == nil, err
}

// stop are the values of the annotations that stopping changes; nil removes one.
func (s *saved) stop() map[string]any {
	out := map[string]any{}
	for _, name := range stopAnnotations() {
		out[name] = kube.Value(s.Annotations[name])
	}
	return out
}

// differing returns the edit if it would change the InferenceService, or nil.
func differing(service *InferenceService, wanted edit) *edit {
	if wanted.storageURI != "" && service.StorageURI() != wanted.storageURI {
		return &wanted
	}
	if wanted.split && !same(service.Spec.Predictor.CanaryTrafficPercent, wanted.canary) {
		return &wanted
	}
	for name, v := range wanted.annotations {
		if kube.Value(service.Metadata.Annotation(name)) != v {
			return &wanted
		}
	}
	return nil
}

// edit changes an InferenceService as wanted says of a fresh read, with that read as precondition.
func (c *Control) edit(ctx context.Context, op *playbooks.Operation, check serving.Check, wanted func(*InferenceService) *edit) (serving.Change, error) {
	var change serving.Change
	err := kube.Insist(ctx, func() error {
		now, err := c.read(ctx, op)
		if err != nil {
			return err
		}
		change.Found = now.state
		e := wanted(&now.service)
		if e == nil {
			return nil
		}
		if err := check(now.state); err != nil {
			return err
		}
		if err := c.api.Patch(ctx, ref(op.Target.Endpoint), e.patch(&now.service)); err != nil {
			return err
		}
		change.Changed = true
		return nil
	})
	return change, err
}

// patch is the edit as a merge patch, unless the InferenceService has changed since it was read.
func (e *edit) patch(service *InferenceService) map[string]any {
	patch := map[string]any{"metadata": map[string]any{"resourceVersion": service.Metadata.ResourceVersion, "annotations": e.annotations}}
	predictor := map[string]any{}
	if e.storageURI != "" {
		predictor["model"] = map[string]any{"storageUri": e.storageURI}
	}
	if e.split && !same(service.Spec.Predictor.CanaryTrafficPercent, e.canary) {
		predictor["canaryTrafficPercent"] = nil
		if e.canary != nil {
			predictor["canaryTrafficPercent"] = *e.canary
		}
	}
	if len(predictor) > 0 {
		patch["spec"] = map[string]any{"predictor": predictor}
	}
	return patch
}

func same(a, b *int) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}
