package modelserver

import (
	"context"
	"reflect"
	"strings"
	"time"
)

// The states are KServe's (pkg/apis/serving/v1beta1/inference_service_status.go).
const (
	stateLoading = "Loading"
	stateLoaded  = "Loaded"
	stateFailed  = "FailedToLoad"

	reasonStopped = "Stopped"
	reasonFailed  = "ModelLoadFailed"
	reasonLoading = "ModelLoading"
)

// publish writes a status where it differs from the one that is there.
func (s *Server) publish(ctx context.Context, service *inferenceService, status serviceStatus) error {
	status.ObservedGeneration = service.Metadata.Generation
	now := s.now().UTC().Format(time.RFC3339)
	for i := range status.Conditions {
		c := &status.Conditions[i]
		c.LastTransitionTime = now
		if before := service.Status.condition(c.Type); before != nil && before.Status == c.Status {
			c.LastTransitionTime = before.LastTransitionTime
		}
	}
	if reflect.DeepEqual(status, service.Status) {
		return nil
	}
	// A merge patch keeps what it does not name: what is not there any more is named with null.
	patch := map[string]any{
		"url": nil, "modelStatus": nil, "address": nil, "components": nil,
		"conditions": status.Conditions, "observedGeneration": status.ObservedGeneration,
	}
	if status.URL != "" {
		patch["url"] = status.URL
	}
	if status.ModelStatus != nil {
		patch["modelStatus"] = status.ModelStatus.patch()
	}
	return s.kube.patchStatus(ctx, service.key(), patch)
}

// patch names every field, so that the failure of an earlier load goes away.
func (m *modelStatus) patch() map[string]any {
	fields := map[string]any{
		"transitionStatus": m.TransitionStatus, "states": m.States, "lastFailureInfo": nil, "copies": nil,
	}
	if m.LastFailureInfo != nil {
		fields["lastFailureInfo"] = m.LastFailureInfo
	}
	if m.Copies != nil {
		fields["copies"] = m.Copies
	}
	return fields
}

// conditions are the three that a predictor without a transformer has.
func conditions(status, reason, message string) []condition {
	return []condition{
		{Type: "IngressReady", Status: status, Reason: reason},
		{Type: "PredictorReady", Status: status, Reason: reason, Message: message},
		{Type: "Ready", Status: status, Reason: reason, Message: message},
	}
}

func (s *Server) loadedStatus(service *inferenceService) serviceStatus {
	return serviceStatus{
		URL:        s.serviceURL(service),
		Conditions: conditions("True", "", ""),
		ModelStatus: &modelStatus{
			TransitionStatus: "UpToDate", States: &modelStates{Active: stateLoaded, Target: stateLoaded}, Copies: &modelCopies{Total: 1},
		},
	}
}

// loadingStatus is not ready while there is nothing to answer with, and stays
// ready while the model before goes on answering, as a rolling update does.
func (s *Server) loadingStatus(service *inferenceService, replaces bool) serviceStatus {
	if replaces {
		status := s.loadedStatus(service)
		status.ModelStatus = &modelStatus{
			TransitionStatus: "InProgress", States: &modelStates{Active: stateLoaded, Target: stateLoading},
		}
		return status
	}
	return serviceStatus{
		Conditions: conditions("False", reasonLoading, ""),
		ModelStatus: &modelStatus{
			TransitionStatus: "InProgress", States: &modelStates{Target: stateLoading},
		},
	}
}

// failedStatus keeps the URL when the model before goes on answering there.
func (s *Server) failedStatus(service *inferenceService, replaces bool, cause error) serviceStatus {
	status := serviceStatus{
		Conditions: conditions("False", reasonFailed, cause.Error()),
		ModelStatus: &modelStatus{
			TransitionStatus: "BlockedByFailedLoad", States: &modelStates{Active: stateFailed, Target: stateFailed},
			LastFailureInfo: &failureInfo{Reason: reasonFailed, Message: cause.Error()}, Copies: &modelCopies{Failed: 1},
		},
	}
	if replaces {
		status.URL = s.serviceURL(service)
	}
	return status
}

// stoppedStatus is all that KServe leaves of the status of a stopped service.
func stoppedStatus() serviceStatus {
	stopped := conditions("False", reasonStopped, "")
	return serviceStatus{Conditions: append(stopped, condition{Type: "Stopped", Status: "True"})}
}

func (s *Server) serviceURL(service *inferenceService) string {
	return strings.TrimSuffix(s.opts.BaseURL, "/") + "/" + service.Metadata.Namespace + "/" + service.Metadata.Name
}
