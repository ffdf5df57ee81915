package kserve

import (
	"strings"

	"firebreak/activities/serving/fence"
	"firebreak/activities/serving/kube"
)

// Annotations of KServe (kserve pkg/constants) and of firebreak on an InferenceService.
const (
	// StopAnnotation stops the InferenceService if it is "true" (KServe v0.15.1 and later).
	StopAnnotation = "serving.kserve.io/stop"
	// FrozenAnnotation makes KServe's controller return early while the InferenceService is ready: it then ignores
	// StopAnnotation without a word.
	FrozenAnnotation = "serving.kserve.io/disable-auto-update"
	// RollbackAnnotation names the operation that set storageUri last.
	RollbackAnnotation = "firebreak.dev/rollback-operation"
	// ServiceLabel is KServe's label on every pod of an InferenceService.
	ServiceLabel = "serving.kserve.io/inferenceservice"
	// RevisionLabel is Knative's label on every pod of a revision.
	RevisionLabel = "serving.knative.dev/revision"
)

// InferenceService is what firebreak reads of KServe's resource (serving.kserve.io/v1beta1).
type InferenceService struct {
	Metadata kube.Metadata `json:"metadata"`
	Spec     struct {
		Predictor struct {
			MinReplicas          *int `json:"minReplicas"`
			CanaryTrafficPercent *int `json:"canaryTrafficPercent"`
			Model                *struct {
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
		Components struct {
			Predictor struct {
				LatestCreated     string `json:"latestCreatedRevision"`
				LatestReady       string `json:"latestReadyRevision"`
				LatestRolledout   string `json:"latestRolledoutRevision"`
				PreviousRolledout string `json:"previousRolledoutRevision"`
			} `json:"predictor"`
		} `json:"components"`
	} `json:"status"`
}

// Kind is the kind of InferenceServices.
func Kind() kube.Kind {
	return kube.Kind{API: "apis/serving.kserve.io/v1beta1", Resource: "inferenceservices"}
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

// warning is why KServe may not stop it.
func (s *InferenceService) warning() string {
	if s.Metadata.Annotations[FrozenAnnotation] == "true" {
		return FrozenAnnotation + " is true: KServe may ignore the stop; remove that annotation if the endpoint goes on answering"
	}
	return ""
}

// annotations are the ones that stopping changes.
func stopAnnotations() []string {
	return []string{StopAnnotation, fence.OperationAnnotation, fence.IncidentAnnotation, fence.RestoreAnnotation}
}
