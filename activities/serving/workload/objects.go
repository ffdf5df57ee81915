package workload

import (
	"encoding/json"
	"regexp"
	"strings"

	"firebreak/activities/serving/fence"
	"firebreak/activities/serving/kube"
	"firebreak/internal/inventory"
)

const scheme = "s3://"

func deployments() kube.Kind { return kube.Kind{API: "apis/apps/v1", Resource: "deployments"} }
func services() kube.Kind    { return kube.Kind{API: "api/v1", Resource: "services"} }
func scaledObjects() kube.Kind {
	return kube.Kind{API: "apis/keda.sh/v1alpha1", Resource: "scaledobjects"}
}

func ref(e *inventory.Endpoint, kind kube.Kind) kube.Ref {
	return kube.Ref{Kind: kind, Cluster: e.Serving.Cluster, Namespace: e.Serving.Namespace, Name: e.Serving.Name}
}

// Deployment is what is read of a Deployment. Containers are kept as they are, so that what is not known is not lost.
type Deployment struct {
	Metadata kube.Metadata `json:"metadata"`
	Spec     struct {
		Replicas *int `json:"replicas"`
		Template struct {
			Spec struct {
				Containers     []json.RawMessage `json:"containers"`
				InitContainers []json.RawMessage `json:"initContainers"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

// Service is what is read of a Service.
type Service struct {
	Metadata kube.Metadata `json:"metadata"`
	Spec     struct {
		Selector map[string]string `json:"selector"`
	} `json:"spec"`
}

// ScaledObject is what is read of KEDA's resource.
type ScaledObject struct {
	Metadata kube.Metadata `json:"metadata"`
	Spec     struct {
		ScaleTargetRef struct {
			Name string `json:"name"`
		} `json:"scaleTargetRef"`
	} `json:"spec"`
}

// saved is what Restore needs. Nil values stand for what was absent.
type saved struct {
	Replicas   *int               `json:"replicas"`
	URI        string             `json:"uri,omitempty"`
	Deployment map[string]*string `json:"deployment"`
	// Service is true if there is one, and Label the value of IsolatedLabel in its selector.
	Service bool    `json:"service"`
	Label   *string `json:"label,omitempty"`
	Paused  *string `json:"paused,omitempty"`
	// Fenced is true if there was a fence, with these annotations.
	Fenced bool              `json:"fenced"`
	Fence  map[string]string `json:"fence,omitempty"`
}

// replicas is how many are wanted; Kubernetes takes none said for one.
func (d *Deployment) replicas() int {
	if d.Spec.Replicas == nil {
		return 1
	}
	return *d.Spec.Replicas
}

// container is what may name the model in a container.
type container struct {
	Env []struct {
		Value string `json:"value"`
	} `json:"env"`
	Args    []string `json:"args"`
	Command []string `json:"command"`
}

// uri is the one S3 URI in the environment and arguments of the containers, or "" if there is none or more than one.
func (d *Deployment) uri() string {
	found := map[string]bool{}
	for _, raw := range d.containers() {
		var c container
		if json.Unmarshal(raw, &c) != nil {
			return ""
		}
		texts := append(append([]string(nil), c.Args...), c.Command...)
		for _, v := range c.Env {
			texts = append(texts, v.Value)
		}
		for _, text := range texts {
			for _, uri := range uris().FindAllString(text, -1) {
				found[uri] = true
			}
		}
	}
	if len(found) != 1 {
		return ""
	}
	for uri := range found {
		return uri
	}
	return ""
}

func (d *Deployment) containers() []json.RawMessage {
	s := &d.Spec.Template.Spec
	return append(append([]json.RawMessage(nil), s.Containers...), s.InitContainers...)
}

func uris() *regexp.Regexp { return regexp.MustCompile(`s3://[A-Za-z0-9._/@+=-]+`) }

// pointed returns the template's lists of containers with one URI in place of another: a merge patch replaces lists whole.
func (d *Deployment) pointed(from, to string) map[string]any {
	spec := map[string]any{}
	for name, list := range map[string][]json.RawMessage{"containers": d.Spec.Template.Spec.Containers, "initContainers": d.Spec.Template.Spec.InitContainers} {
		if len(list) == 0 {
			continue
		}
		changed := make([]json.RawMessage, len(list))
		for i, raw := range list {
			changed[i] = json.RawMessage(uris().ReplaceAllStringFunc(string(raw), func(uri string) string {
				if uri == from {
					return to
				}
				return uri
			}))
		}
		spec[name] = changed
	}
	return map[string]any{"template": map[string]any{"spec": spec}}
}

// ownAnnotations are those that firebreak sets on a Deployment.
func ownAnnotations() []string {
	return []string{fence.OperationAnnotation, fence.IncidentAnnotation, fence.RestoreAnnotation, ReplicasAnnotation, PointerAnnotation}
}

func values(m *kube.Metadata, names []string) map[string]*string {
	out := map[string]*string{}
	for _, name := range names {
		out[name] = m.Annotation(name)
	}
	return out
}

// stopAnnotations are the values of the annotations that stopping changes.
func (s *saved) stopAnnotations() map[string]any {
	out := map[string]any{}
	for _, name := range ownAnnotations() {
		if name != PointerAnnotation {
			out[name] = kube.Value(s.Deployment[name])
		}
	}
	return out
}

// differs reports whether annotations are not as wanted.
func differs(m *kube.Metadata, wanted map[string]any) bool {
	for name, v := range wanted {
		if kube.Value(m.Annotation(name)) != v {
			return true
		}
	}
	return false
}

// validURI reports whether a text is one S3 URI that can be put in place of another.
func validURI(uri string) bool {
	return strings.HasPrefix(uri, scheme) && uris().FindString(uri) == uri
}
