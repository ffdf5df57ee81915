package serving

import (
	"strings"

	"firebreak/activities/failure"
	"firebreak/playbooks"
)

// Annotations of KServe (kserve pkg/constants) and of firebreak on an InferenceService.
const (
	// StopAnnotation stops the InferenceService if it is "true" (KServe v0.15.1 and later).
	StopAnnotation = "serving.kserve.io/stop"
	// FrozenAnnotation makes KServe's controller return early while the InferenceService is ready: it then ignores
	// StopAnnotation without a word.
	FrozenAnnotation = "serving.kserve.io/disable-auto-update"
	// OperationAnnotation names the operation that set StopAnnotation last.
	OperationAnnotation = "firebreak.dev/operation"
	// IncidentAnnotation names the incident that holds the endpoint.
	IncidentAnnotation = "firebreak.dev/incident"
	// RestoreAnnotation is the prior state as JSON, for a person who must restore it without firebreak.
	RestoreAnnotation = "firebreak.dev/restore"
)

// InferenceService is what firebreak reads of KServe's resource (serving.kserve.io/v1beta1).
type InferenceService struct {
	Metadata struct {
		ResourceVersion string            `json:"resourceVersion"`
		Annotations     map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		Predictor struct {
			Model *struct {
				StorageURI string `json:"storageUri"`
			} `json:"model"`
		} `json:"predictor"`
	} `json:"spec"`
	Status struct {
		Conditions []struct {
			Type   string `json:"type"`
			Status string `json:"status"`
			Reason string `json:"reason"`
		} `json:"conditions"`
	} `json:"status"`
}

// StorageURI is where the predictor loads its model from, or "" if it names no storageUri.
func (s *InferenceService) StorageURI() string {
	if s.Spec.Predictor.Model == nil {
		return ""
	}
	return s.Spec.Predictor.Model.StorageURI
}

// Stopped reports whether the InferenceService is to be stopped. It is what is wished, not what is so.
func (s *InferenceService) Stopped() bool {
	return strings.EqualFold(s.Metadata.Annotations[StopAnnotation], "true")
}

// saysStopped reports whether KServe says that the predictor has stopped.
func (s *InferenceService) saysStopped() bool {
	for _, c := range s.Status.Conditions {
		if (c.Type == "PredictorReady" || c.Type == "Ready") && c.Status == "False" && c.Reason == "Stopped" {
			return true
		}
	}
	return false
}

// PlainURI cuts the version id off a URI of the inventory: KServe takes a prefix, which has no versions.
func PlainURI(uri string) string {
	plain, _, _ := strings.Cut(uri, "?versionId=")
	return plain
}

// RequireKServe returns a final error for a target that KServe does not serve. The error says what a person can do.
func RequireKServe(op *playbooks.Operation) error {
	e := op.Target.Endpoint
	switch {
	case e == nil:
		return failure.New(failure.Invalid, "%s: target %s is not an endpoint", op.Action, op.Target.ID)
	case e.Serving.Platform != "kserve":
		return failure.New(failure.Unsupported, "%s: endpoint %s is served by %q, and only kserve is supported; do it by hand (the inventory says: %s at %s) and record it in the incident",
			op.Action, e.ID, e.Serving.Platform, e.Disable.Method, e.Disable.ConfigRef)
	}
	return nil
}
