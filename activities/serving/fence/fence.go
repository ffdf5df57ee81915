// Package fence cuts pods off by a Kubernetes NetworkPolicy while their processes live on.
//
// A policy holds only where the cluster's network plug-in enforces it, connections that are open already may outlive it,
// and policies add up: one that lets traffic in still lets it in. None of this shows in the API, so the proof is a call
// from outside.
package fence

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"firebreak/activities/failure"
	"firebreak/activities/serving/kube"
)

// Annotations of firebreak on what it changes.
const (
	// OperationAnnotation names the operation that disabled or enabled the endpoint last.
	OperationAnnotation = "firebreak.dev/operation"
	// IncidentAnnotation names the incident that holds the endpoint.
	IncidentAnnotation = "firebreak.dev/incident"
	// RestoreAnnotation is the prior state as JSON, for a person who must restore it without firebreak.
	RestoreAnnotation = "firebreak.dev/restore"
)

// Kind is the kind of the policies.
func Kind() kube.Kind {
	return kube.Kind{API: "apis/networking.k8s.io/v1", Resource: "networkpolicies"}
}

// Policy is what is read of a NetworkPolicy.
type Policy struct {
	Metadata kube.Metadata `json:"metadata"`
	Spec     struct {
		PodSelector struct {
			MatchLabels      map[string]string `json:"matchLabels"`
			MatchExpressions []any             `json:"matchExpressions"`
		} `json:"podSelector"`
		Ingress     []any    `json:"ingress"`
		PolicyTypes []string `json:"policyTypes"`
	} `json:"spec"`
}

// Fence is a policy that denies all traffic to the pods with the labels. What they send is not denied: a replica that is
// to load the known-good checkpoint must reach its store.
type Fence struct {
	API *kube.Client
	// Cluster, Namespace and Name say where the policy is kept.
	Cluster, Namespace, Name string
	// Pods are the labels of the pods.
	Pods map[string]string
}

// Names are the annotations by which the policy names who raised it, and why.
type Names struct{ Operation, Incident, Restore string }

func (n Names) annotations() map[string]any {
	return map[string]any{OperationAnnotation: n.Operation, IncidentAnnotation: n.Incident, RestoreAnnotation: n.Restore}
}

func (f Fence) ref() kube.Ref {
	return kube.Ref{Kind: Kind(), Cluster: f.Cluster, Namespace: f.Namespace, Name: f.Name}
}

// Read returns the policy, or nil if there is none.
func (f Fence) Read(ctx context.Context) (*Policy, error) {
	var p Policy
	err := f.API.Get(ctx, f.ref(), &p)
	if errors.Is(err, kube.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// Shut reports whether the policy, if there is one, is the fence: somebody may have opened it, or may have a policy of the
// same name.
func (f Fence) Shut(p *Policy) bool {
	return p != nil && len(p.Spec.Ingress) == 0 && len(p.Spec.PodSelector.MatchExpressions) == 0 &&
		maps.Equal(p.Spec.PodSelector.MatchLabels, f.Pods)
}

// Raised reports whether the policy is the fence, raised by this operation.
func (f Fence) Raised(p *Policy, names Names) bool {
	return f.Shut(p) && p.Metadata.Annotations[OperationAnnotation] == names.Operation
}

// Raise makes the policy, or names the operation in the one that is there, and reports whether it changed anything. One
// that somebody has opened is shut again.
func (f Fence) Raise(ctx context.Context, names Names) (bool, error) {
	if len(f.Pods) == 0 {
		return false, failure.New(failure.Invalid, "raise fence %s: it would cut off every pod of the namespace; name the endpoint's pods in the inventory (serving.replicas_selector)", f.ref())
	}
	p, err := f.Read(ctx)
	switch {
	case err != nil:
		return false, err
	case p == nil:
		return true, f.create(ctx, names.annotations())
	case f.Raised(p, names):
		return false, nil
	}
	return true, f.API.Patch(ctx, f.ref(), map[string]any{
		"metadata": map[string]any{"resourceVersion": p.Metadata.ResourceVersion, "annotations": names.annotations()},
		"spec":     f.spec(),
	})
}

func (f Fence) create(ctx context.Context, annotations map[string]any) error {
	return f.API.Create(ctx, f.ref(), map[string]any{
		"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
		"metadata": map[string]any{"name": f.Name, "namespace": f.Namespace, "annotations": annotations},
		"spec":     f.spec(),
	})
}

func (f Fence) spec() map[string]any {
	pods := make(map[string]any, len(f.Pods))
	for name, value := range f.Pods {
		pods[name] = value
	}
	return map[string]any{
		"podSelector": map[string]any{"matchLabels": pods}, "policyTypes": []any{"Ingress"}, "ingress": []any{},
	}
}

// Lower removes the policy that was read.
func (f Fence) Lower(ctx context.Context, p *Policy) error {
	err := f.API.Delete(ctx, f.ref(), p.Metadata)
	if errors.Is(err, kube.ErrNotFound) {
		return nil
	}
	return err
}

// Restore puts the policy back as it was captured: before is nil if there was none. It reports whether it changed
// anything, and calls check before it does.
func (f Fence) Restore(ctx context.Context, before map[string]string, existed bool, check func(*Policy) error) (bool, error) {
	p, err := f.Read(ctx)
	switch {
	case err != nil:
		return false, err
	case !existed && p == nil, existed && f.Shut(p) && maps.Equal(own(p.Metadata.Annotations), own(before)):
		return false, nil
	}
	if err := check(p); err != nil {
		return false, err
	}
	annotations := Names{}.annotations()
	for name := range annotations {
		annotations[name] = nil
		if v, ok := before[name]; ok {
			annotations[name] = v
		}
	}
	switch {
	case !existed:
		return true, f.Lower(ctx, p)
	case p == nil:
		return true, f.create(ctx, annotations)
	}
	return true, f.API.Patch(ctx, f.ref(), map[string]any{
		"metadata": map[string]any{"resourceVersion": p.Metadata.ResourceVersion, "annotations": annotations},
		"spec":     f.spec(),
	})
}

// own are firebreak's annotations.
func own(all map[string]string) map[string]string {
	out := map[string]string{}
	for _, name := range []string{OperationAnnotation, IncidentAnnotation, RestoreAnnotation} {
		if v, ok := all[name]; ok {
			out[name] = v
		}
	}
	return out
}

// Holes names the other policies that let traffic in to the same pods, or "". Policies add up, so the fence cannot take
// back what they allow.
func (f Fence) Holes(ctx context.Context) (string, error) {
	var list struct {
		Items []Policy `json:"items"`
	}
	r := f.ref()
	r.Name = ""
	if err := f.API.Get(ctx, r, &list); err != nil {
		return "", err
	}
	text := ""
	for _, p := range list.Items {
		if p.Metadata.Name == f.Name || len(p.Spec.Ingress) == 0 || !f.touches(&p) {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += p.Metadata.Name
	}
	return text, nil
}

// touches reports whether a policy selects pods that the fence selects too, as far as labels tell.
func (f Fence) touches(p *Policy) bool {
	for name, value := range p.Spec.PodSelector.MatchLabels {
		if mine, ok := f.Pods[name]; ok && mine != value {
			return false
		}
	}
	return true
}

// Warning is Holes for people.
func Warning(holes string) string {
	if holes == "" {
		return ""
	}
	return fmt.Sprintf("network policies add up, and %s lets traffic in to the same pods; remove it if the endpoint goes on answering", holes)
}
