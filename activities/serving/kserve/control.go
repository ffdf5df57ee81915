// Package kserve controls endpoints that KServe serves, by the Kubernetes API alone.
//
// Stop is KServe's own annotation: it deletes the pods, and what was in their memory. Isolate is a NetworkPolicy for the
// pods, which live on. Each mode keeps its books on the object it changes, so that one can be undone without the other.
package kserve

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"firebreak/activities/serving"
	"firebreak/activities/serving/fence"
	"firebreak/activities/serving/kube"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Control is serving.Control for KServe.
type Control struct{ api *kube.Client }

// New returns the control of every InferenceService in the clusters of a kubeconfig.
func New(api *kube.Client) *Control { return &Control{api: api} }

// saved is what Restore needs: the values of annotations, nil for those absent, and what they stood beside.
type saved struct {
	Annotations map[string]*string `json:"annotations"`
	StorageURI  string             `json:"storage_uri"`
	Canary      *int               `json:"canary,omitempty"`
	// Fenced is true if there was a fence, with these annotations.
	Fenced bool              `json:"fenced"`
	Fence  map[string]string `json:"fence,omitempty"`
	// Rest is the same of the fence around the revision that got the rest of a split; Revision names it.
	RestFenced bool              `json:"rest_fenced"`
	Rest       map[string]string `json:"rest,omitempty"`
	Revision   string            `json:"revision,omitempty"`
}

// seen is what was read of an endpoint.
type seen struct {
	state   serving.State
	service InferenceService
	// fence is around all pods, rest around the revision that gets the rest of a split; nil if there is none.
	fence, rest *fence.Policy
}

// Modes are stop and isolate.
func (c *Control) Modes(*inventory.Endpoint) []serving.Mode {
	return []serving.Mode{serving.Stop, serving.Isolate}
}

// Address is the prefix of the checkpoint's files.
func (c *Control) Address(_ *inventory.Endpoint, k *inventory.Checkpoint) (string, error) {
	return serving.PlainURI(k.URI), nil
}

// Describe names the InferenceService.
func (c *Control) Describe(e *inventory.Endpoint) string {
	return fmt.Sprintf("InferenceService %s/%s", e.Serving.Namespace, e.Serving.Name)
}

// Capture reads the InferenceService and its fences.
func (c *Control) Capture(ctx context.Context, op *playbooks.Operation) (serving.State, json.RawMessage, error) {
	now, err := c.read(ctx, op)
	if err != nil {
		return serving.State{}, nil, err
	}
	service := &now.service
	s := saved{
		Annotations: map[string]*string{RollbackAnnotation: service.Metadata.Annotation(RollbackAnnotation)},
		StorageURI:  service.StorageURI(), Canary: service.Spec.Predictor.CanaryTrafficPercent,
	}
	for _, name := range stopAnnotations() {
		s.Annotations[name] = service.Metadata.Annotation(name)
	}
	if now.fence != nil {
		s.Fenced, s.Fence = true, maps.Clone(now.fence.Metadata.Annotations)
	}
	if now.rest != nil {
		s.RestFenced, s.Rest = true, maps.Clone(now.rest.Metadata.Annotations)
		s.Revision = now.rest.Spec.PodSelector.MatchLabels[RevisionLabel]
	}
	content, err := json.Marshal(s)
	if err != nil {
		return serving.State{}, nil, fmt.Errorf("encode state of %s: %w", op.Target.ID, err)
	}
	return now.state, content, nil
}

// Observe reads the InferenceService and its fences.
func (c *Control) Observe(ctx context.Context, op *playbooks.Operation) (serving.State, error) {
	now, err := c.read(ctx, op)
	if err != nil {
		return serving.State{}, err
	}
	return now.state, nil
}

func (c *Control) read(ctx context.Context, op *playbooks.Operation) (*seen, error) {
	now := &seen{}
	if err := c.api.Get(ctx, ref(op.Target.Endpoint), &now.service); err != nil {
		return nil, err
	}
	f := c.fence(op.Target.Endpoint)
	var err error
	if now.fence, err = f.Read(ctx); err != nil {
		return nil, err
	}
	if now.rest, err = c.restFence(op.Target.Endpoint, "").Read(ctx); err != nil {
		return nil, err
	}
	now.tell(f)
	return now, nil
}

// tell fills in the state.
func (n *seen) tell(f fence.Fence) {
	service := &n.service
	s := serving.State{
		SaysOff: service.saysStopped(), Loads: service.StorageURI(), Writer: service.Metadata.Writer(), Warning: service.warning(),
		Holder: service.Metadata.Annotations[fence.IncidentAnnotation], Operation: service.Metadata.Annotations[fence.OperationAnnotation],
		Pointer: service.Metadata.Annotations[RollbackAnnotation],
	}
	if service.Stopped() {
		s.Off = append(s.Off, serving.Stop)
	}
	if n.rest != nil {
		s.Share = service.Spec.Predictor.CanaryTrafficPercent
	}
	if n.fence != nil {
		if f.Shut(n.fence) {
			s.Off = append(s.Off, serving.Isolate)
		}
		if s.Holder == "" {
			s.Holder = n.fence.Metadata.Annotations[fence.IncidentAnnotation]
		}
	}
	n.state = s
}

func ref(e *inventory.Endpoint) kube.Ref {
	return kube.Ref{Kind: Kind(), Cluster: e.Serving.Cluster, Namespace: e.Serving.Namespace, Name: e.Serving.Name}
}

// fence is the policy for the pods that KServe labels with the InferenceService's name.
func (c *Control) fence(e *inventory.Endpoint) fence.Fence {
	return fence.Fence{
		API: c.api, Cluster: e.Serving.Cluster, Namespace: e.Serving.Namespace, Name: "firebreak-" + e.Serving.Name,
		Pods: map[string]string{ServiceLabel: e.Serving.Name},
	}
}

// restFence is the policy for the pods of one revision.
func (c *Control) restFence(e *inventory.Endpoint, revision string) fence.Fence {
	f := c.fence(e)
	f.Name += "-rest"
	f.Pods[RevisionLabel] = revision
	return f
}

// names are what an operation writes on what it changes.
func names(op *playbooks.Operation, before *serving.Saved) fence.Names {
	return fence.Names{Operation: op.ID, Incident: op.IncidentID, Restore: before.Note()}
}
