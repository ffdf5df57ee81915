package modelserver

// The two annotations of KServe that the controller knows
// (pkg/constants/constants.go of KServe).
const (
	stopAnnotation              = "serving.kserve.io/stop"
	disableAutoUpdateAnnotation = "serving.kserve.io/disable-auto-update"
)

// inferenceService is what the controller reads of the v1beta1 object.
type inferenceService struct {
	Metadata struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Generation  int64             `json:"generation"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		Predictor struct {
			Model struct {
				StorageURI string `json:"storageUri"`
			} `json:"model"`
		} `json:"predictor"`
	} `json:"spec"`
	Status serviceStatus `json:"status"`
}

type serviceStatus struct {
	URL                string       `json:"url,omitempty"`
	ObservedGeneration int64        `json:"observedGeneration,omitempty"`
	Conditions         []condition  `json:"conditions,omitempty"`
	ModelStatus        *modelStatus `json:"modelStatus,omitempty"`
}

type condition struct {
	Type               string `json:"type"`
	Status             string `json:"status"`
	Reason             string `json:"reason,omitempty"`
	Message            string `json:"message,omitempty"`
	LastTransitionTime string `json:"lastTransitionTime,omitempty"`
}

type modelStatus struct {
	TransitionStatus string       `json:"transitionStatus,omitempty"`
	States           *modelStates `json:"states,omitempty"`
	LastFailureInfo  *failureInfo `json:"lastFailureInfo,omitempty"`
	Copies           *modelCopies `json:"copies,omitempty"`
}

type modelStates struct {
	Active string `json:"activeModelState"`
	Target string `json:"targetModelState"`
}

type failureInfo struct {
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
}

type modelCopies struct {
	Failed int `json:"failedCopies"`
	Total  int `json:"totalCopies"`
}

func (i *inferenceService) key() endpointKey {
	return endpointKey{namespace: i.Metadata.Namespace, name: i.Metadata.Name}
}

func (i *inferenceService) storageURI() string { return i.Spec.Predictor.Model.StorageURI }

func (i *inferenceService) stopped() bool { return i.Metadata.Annotations[stopAnnotation] == "true" }

func (i *inferenceService) autoUpdateDisabled() bool {
	return i.Metadata.Annotations[disableAutoUpdateAnnotation] == "true"
}

func (i *inferenceService) ready() bool {
	c := i.Status.condition("Ready")
	return c != nil && c.Status == "True"
}

// failedToLoad says that the status tells of a failed load of this generation.
func (i *inferenceService) failedToLoad() bool {
	model := i.Status.ModelStatus
	return model != nil && model.TransitionStatus == "BlockedByFailedLoad" &&
		i.Status.ObservedGeneration == i.Metadata.Generation
}

func (s *serviceStatus) condition(kind string) *condition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			return &s.Conditions[i]
		}
	}
	return nil
}
