// Package workload controls endpoints that are plain Kubernetes workloads: a Deployment behind a Service of the same name,
// as the images of vLLM, Triton, Ray Serve, Seldon and BentoML are run.
//
// Isolate empties the Service by a selector that no pod has, so that callers are refused and not left waiting, and puts a
// NetworkPolicy around the pods, so that nobody reaches them by their addresses; the pods live on. Stop scales to nothing,
// and holds KEDA off. What the Deployment loads is the one S3 URI in its environment and arguments.
package workload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/activities/serving/fence"
	"firebreak/activities/serving/kube"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// Annotations and labels beside those of package fence.
const (
	// IsolatedLabel in a Service's selector is a label that no pod has.
	IsolatedLabel = "firebreak.dev/isolated"
	// ReplicasAnnotation is how many replicas there were before the Deployment was stopped.
	ReplicasAnnotation = "firebreak.dev/replicas"
	// PointerAnnotation names the operation that chose the model last.
	PointerAnnotation = "firebreak.dev/rollback-operation"
	// PausedAnnotation makes KEDA keep a number of replicas and scale no more.
	PausedAnnotation = "autoscaling.keda.sh/paused-replicas"
)

// Control is serving.Control for Deployments.
type Control struct{ api *kube.Client }

// New returns the control of every Deployment in the clusters of a kubeconfig.
func New(api *kube.Client) *Control { return &Control{api: api} }

var _ serving.Control = (*Control)(nil)

// Modes are isolate, which keeps what forensics needs, and stop.
func (c *Control) Modes(*inventory.Endpoint) []serving.Mode {
	return []serving.Mode{serving.Isolate, serving.Stop}
}

// Address is the prefix of the checkpoint's files.
func (c *Control) Address(_ *inventory.Endpoint, k *inventory.Checkpoint) (string, error) {
	address := serving.PlainURI(k.URI)
	if !strings.HasPrefix(address, scheme) {
		return "", failure.New(failure.Unsupported, "%s is not in S3", address)
	}
	return address, nil
}

// Describe names the Deployment.
func (c *Control) Describe(e *inventory.Endpoint) string {
	return fmt.Sprintf("Deployment %s/%s", e.Serving.Namespace, e.Serving.Name)
}

// seen is what was read of an endpoint. service, scaler and fence are nil if there is none.
type seen struct {
	deployment Deployment
	service    *Service
	scaler     *ScaledObject
	fence      *fence.Policy
	ready      int
}

func (c *Control) read(ctx context.Context, op *playbooks.Operation) (*seen, error) {
	e := op.Target.Endpoint
	now := &seen{}
	if err := c.api.Get(ctx, ref(e, deployments()), &now.deployment); err != nil {
		return nil, err
	}
	var service Service
	switch err := c.api.Get(ctx, ref(e, services()), &service); {
	case err == nil:
		now.service = &service
	case !errors.Is(err, kube.ErrNotFound):
		return nil, err
	}
	var err error
	if now.scaler, err = c.scaler(ctx, e); err != nil {
		return nil, err
	}
	f, err := c.fence(e)
	if err != nil {
		return nil, err
	}
	if now.fence, err = f.Read(ctx); err != nil {
		return nil, err
	}
	now.ready, err = c.ready(ctx, e)
	return now, err
}

// scaler finds the ScaledObject of the Deployment. A cluster without KEDA has none.
func (c *Control) scaler(ctx context.Context, e *inventory.Endpoint) (*ScaledObject, error) {
	var list struct {
		Items []ScaledObject `json:"items"`
	}
	r := ref(e, scaledObjects())
	r.Name = ""
	if err := c.api.Get(ctx, r, &list); err != nil {
		if errors.Is(err, kube.ErrNotFound) {
			return nil, nil
		}
		return nil, err
	}
	for i := range list.Items {
		if list.Items[i].Spec.ScaleTargetRef.Name == e.Serving.Name {
			return &list.Items[i], nil
		}
	}
	return nil, nil
}

// ready counts the addresses to which the Service leads.
func (c *Control) ready(ctx context.Context, e *inventory.Endpoint) (int, error) {
	var list struct {
		Items []struct {
			Endpoints []struct {
				Addresses  []string `json:"addresses"`
				Conditions struct {
					Ready *bool `json:"ready"`
				} `json:"conditions"`
			} `json:"endpoints"`
		} `json:"items"`
	}
	kind := kube.Kind{API: "apis/discovery.k8s.io/v1", Resource: "endpointslices"}
	if err := c.api.List(ctx, ref(e, kind), "kubernetes.io/service-name="+e.Serving.Name, &list); err != nil && !errors.Is(err, kube.ErrNotFound) {
		return 0, err
	}
	n := 0
	for _, slice := range list.Items {
		for _, endpoint := range slice.Endpoints {
			if r := endpoint.Conditions.Ready; r == nil || *r { // nil means ready (discovery.k8s.io/v1)
				n += len(endpoint.Addresses)
			}
		}
	}
	return n, nil
}

// Observe reads the workload.
func (c *Control) Observe(ctx context.Context, op *playbooks.Operation) (serving.State, error) {
	now, err := c.read(ctx, op)
	if err != nil {
		return serving.State{}, err
	}
	return now.state(), nil
}

func (n *seen) state() serving.State {
	d := &n.deployment
	s := serving.State{
		Loads: d.uri(), SaysOff: n.ready == 0, Pointer: d.Metadata.Annotations[PointerAnnotation], Writer: d.Metadata.Writer(),
		Holder: d.Metadata.Annotations[fence.IncidentAnnotation], Operation: d.Metadata.Annotations[fence.OperationAnnotation],
	}
	if n.isolated() {
		s.Off = append(s.Off, serving.Isolate)
	}
	if d.replicas() == 0 {
		s.Off = append(s.Off, serving.Stop)
	}
	if n.fence != nil && s.Holder == "" {
		s.Holder = n.fence.Metadata.Annotations[fence.IncidentAnnotation]
	}
	return s
}

// isolated reports whether the fence stands and the Service, if there is one, leads nowhere.
func (n *seen) isolated() bool {
	return n.fence != nil && len(n.fence.Spec.Ingress) == 0 && (n.service == nil || n.service.Spec.Selector[IsolatedLabel] != "")
}

// Capture reads the workload and what Restore needs of it. Containers are not kept: their environment may hold secrets.
func (c *Control) Capture(ctx context.Context, op *playbooks.Operation) (serving.State, json.RawMessage, error) {
	now, err := c.read(ctx, op)
	if err != nil {
		return serving.State{}, nil, err
	}
	d := &now.deployment
	s := saved{Replicas: d.Spec.Replicas, URI: d.uri(), Deployment: values(&d.Metadata, ownAnnotations())}
	if now.service != nil {
		s.Service = true
		if v, ok := now.service.Spec.Selector[IsolatedLabel]; ok {
			s.Label = &v
		}
	}
	if now.scaler != nil {
		s.Paused = now.scaler.Metadata.Annotation(PausedAnnotation)
	}
	if now.fence != nil {
		s.Fenced, s.Fence = true, maps.Clone(now.fence.Metadata.Annotations)
	}
	content, err := json.Marshal(s)
	if err != nil {
		return serving.State{}, nil, fmt.Errorf("encode state of %s: %w", op.Target.ID, err)
	}
	return now.state(), content, nil
}

// fence is the policy for the pods that the inventory's replicas_selector selects.
func (c *Control) fence(e *inventory.Endpoint) (fence.Fence, error) {
	f := fence.Fence{
		API: c.api, Cluster: e.Serving.Cluster, Namespace: e.Serving.Namespace, Name: "firebreak-" + e.Serving.Name, Pods: map[string]string{},
	}
	for part := range strings.SplitSeq(e.Serving.ReplicasSelector, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || name == "" || value == "" || strings.ContainsAny(part, "!() ") {
			return f, failure.New(failure.Invalid, "find pods of %s: replicas_selector %q of the inventory must be of the form name=value,name=value", e.ID, e.Serving.ReplicasSelector)
		}
		f.Pods[name] = strings.TrimPrefix(value, "=")
	}
	return f, nil
}
