package kube

import (
	"fmt"
	"net/url"
	"strings"
)

// Kind is a kind of object, e.g. {"apis/apps/v1", "deployments"} or {"api/v1", "services"}.
type Kind struct{ API, Resource string }

// Ref names one object, or all objects of a kind in a namespace if Name is empty. Cluster is the kubeconfig context.
type Ref struct {
	Kind
	Cluster, Namespace, Name string
}

// String is the object's name for people.
func (r Ref) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%s %s/%s", r.Resource, r.Namespace, r.Name), "/") + " in " + r.Cluster
}

// path is where the API keeps the object.
func (r Ref) path() string {
	path := fmt.Sprintf("/%s/namespaces/%s/%s", r.API, url.PathEscape(r.Namespace), r.Resource)
	if r.Name != "" {
		path += "/" + url.PathEscape(r.Name)
	}
	return path
}

// Metadata is what every object has and firebreak reads.
type Metadata struct {
	Name            string            `json:"name"`
	UID             string            `json:"uid"`
	ResourceVersion string            `json:"resourceVersion"`
	Generation      int64             `json:"generation"`
	Labels          map[string]string `json:"labels"`
	Annotations     map[string]string `json:"annotations"`
	ManagedFields   []struct {
		Manager string `json:"manager"`
		Time    string `json:"time"`
	} `json:"managedFields"`
}

// Annotation returns an annotation, or nil if there is none: an empty value is not the same as no value.
func (m *Metadata) Annotation(name string) *string {
	if v, ok := m.Annotations[name]; ok {
		return &v
	}
	return nil
}

// Writer names who but firebreak changed the object last, and when, as far as the API server keeps it.
func (m *Metadata) Writer() string {
	last, at := "", ""
	for _, f := range m.ManagedFields {
		if f.Manager != Manager && f.Time >= at {
			last, at = f.Manager, f.Time
		}
	}
	if last == "" {
		return ""
	}
	return last + " at " + at
}

// Value is an annotation's value for a merge patch: null removes it.
func Value(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}
