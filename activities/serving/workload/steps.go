package workload

import (
	"context"
	"maps"

	"firebreak/activities/serving/fence"
	"firebreak/activities/serving/kube"
	"firebreak/playbooks"
)

// deployment patches the Deployment that was read.
func (c *Control) deployment(op *playbooks.Operation, now *seen, annotations, spec map[string]any) step {
	patch := map[string]any{"metadata": map[string]any{"resourceVersion": now.deployment.Metadata.ResourceVersion, "annotations": annotations}}
	if len(spec) > 0 {
		patch["spec"] = spec
	}
	return func(ctx context.Context) error {
		return c.api.Patch(ctx, ref(op.Target.Endpoint, deployments()), patch)
	}
}

// selector sets IsolatedLabel in the Service's selector, or removes it for nil. A workload without a Service has only the
// fence.
func (c *Control) selector(op *playbooks.Operation, now *seen, label *string) step {
	if now.service == nil {
		return nil
	}
	have, ok := now.service.Spec.Selector[IsolatedLabel]
	if label == nil && !ok || label != nil && ok && have == *label {
		return nil
	}
	return func(ctx context.Context) error {
		return c.api.Patch(ctx, ref(op.Target.Endpoint, services()), map[string]any{
			"metadata": map[string]any{"resourceVersion": now.service.Metadata.ResourceVersion},
			"spec":     map[string]any{"selector": map[string]any{IsolatedLabel: kube.Value(label)}},
		})
	}
}

// paused sets how many replicas KEDA holds, or lets it scale again for nil.
func (c *Control) paused(op *playbooks.Operation, now *seen, replicas *string) step {
	if now.scaler == nil || !differs(&now.scaler.Metadata, map[string]any{PausedAnnotation: kube.Value(replicas)}) {
		return nil
	}
	r := ref(op.Target.Endpoint, scaledObjects())
	r.Name = now.scaler.Metadata.Name
	return func(ctx context.Context) error {
		return c.api.Patch(ctx, r, map[string]any{"metadata": map[string]any{
			"resourceVersion": now.scaler.Metadata.ResourceVersion, "annotations": map[string]any{PausedAnnotation: kube.Value(replicas)},
		}})
	}
}

// scaled puts replicas and annotations back.
func (c *Control) scaled(op *playbooks.Operation, now *seen, s *saved) step {
	d, annotations := &now.deployment, s.stopAnnotations()
	have, want := d.Spec.Replicas, s.Replicas
	same := have == nil && want == nil || have != nil && want != nil && *have == *want
	if same && !differs(&d.Metadata, annotations) {
		return nil
	}
	spec := map[string]any{}
	if !same {
		spec["replicas"] = nil
		if want != nil {
			spec["replicas"] = *want
		}
	}
	return c.deployment(op, now, annotations, spec)
}

// fenced puts the fence back.
func (c *Control) fenced(f fence.Fence, now *seen, s *saved) step {
	if !s.Fenced && now.fence == nil || s.Fenced && f.Shut(now.fence) && maps.Equal(s.Fence, now.fence.Metadata.Annotations) {
		return nil
	}
	return func(ctx context.Context) error {
		_, err := f.Restore(ctx, s.Fence, s.Fenced, func(*fence.Policy) error { return nil })
		return err
	}
}

// repoint puts the captured URI back.
func (c *Control) repoint(op *playbooks.Operation, now *seen, s *saved) []step {
	d := &now.deployment
	annotations := map[string]any{PointerAnnotation: kube.Value(s.Deployment[PointerAnnotation])}
	if d.uri() == s.URI && !differs(&d.Metadata, annotations) {
		return nil
	}
	return []step{c.deployment(op, now, annotations, d.pointed(d.uri(), s.URI))}
}
