package sagemaker

import (
	"maps"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	api "github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"firebreak/activities/serving"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// seen is what was read of an endpoint. component and scaler are nil unless the inventory names an inference component, and
// scaler if nothing scales it; config is nil if it does.
type seen struct {
	endpoint  *api.DescribeEndpointOutput
	component *api.DescribeInferenceComponentOutput
	scaler    *scalingtypes.ScalableTarget
	// config is the one that is in service, or that a parked endpoint goes back to.
	config *api.DescribeEndpointConfigOutput
	model  *api.DescribeModelOutput
	arn    string
	tags   map[string]string
	loads  string
	// why says why loads is empty.
	why string
}

// variant is the variant of the configuration that serves the model: the only one that does not refuse.
func (n *seen) variant(e *inventory.Endpoint) *types.ProductionVariant {
	var found *types.ProductionVariant
	for i := range n.config.ProductionVariants {
		v := &n.config.ProductionVariants[i]
		if aws.ToString(v.VariantName) == e.Serving.Parked {
			continue
		}
		if found != nil {
			return nil
		}
		found = v
	}
	return found
}

// artifact is where a container's model is.
func artifact(c *types.ContainerDefinition) string {
	if c.ModelDataSource != nil && c.ModelDataSource.S3DataSource != nil {
		return aws.ToString(c.ModelDataSource.S3DataSource.S3Uri)
	}
	return aws.ToString(c.ModelDataUrl)
}

// parkedByConfig reports whether the endpoint uses the configuration that refuses.
func (n *seen) parkedByConfig(e *inventory.Endpoint) bool {
	parking := parkingConfig(e)
	return parking != "" && n.endpoint != nil && aws.ToString(n.endpoint.EndpointConfigName) == parking
}

// weights are the variants' weights, as wished or as they are.
func (n *seen) weights(wished bool) map[string]float32 {
	out := map[string]float32{}
	if n.endpoint == nil {
		return out
	}
	for _, v := range n.endpoint.ProductionVariants {
		w := v.CurrentWeight
		if wished || w == nil {
			w = v.DesiredWeight
		}
		if w == nil {
			w = v.CurrentWeight
		}
		if w == nil {
			w = n.initialWeight(aws.ToString(v.VariantName))
		}
		out[aws.ToString(v.VariantName)] = *w
	}
	return out
}

func (n *seen) initialWeight(name string) *float32 {
	if n.config != nil {
		for _, v := range n.config.ProductionVariants {
			if aws.ToString(v.VariantName) == name && v.InitialVariantWeight != nil {
				return v.InitialVariantWeight
			}
		}
	}
	return aws.Float32(1) // what SageMaker takes if nothing is said
}

// share is the percentage of the traffic that does not go to the parked variant; 100 without one.
func share(weights map[string]float32, parked string) int {
	var all float64
	for _, w := range weights {
		all += float64(w)
	}
	if all == 0 {
		return 0
	}
	return int(math.Round(100 * (all - float64(weights[parked])) / all))
}

func (n *seen) suspended() Suspended {
	if n.scaler == nil || n.scaler.SuspendedState == nil {
		return Suspended{}
	}
	s := n.scaler.SuspendedState
	return Suspended{aws.ToBool(s.DynamicScalingInSuspended), aws.ToBool(s.DynamicScalingOutSuspended), aws.ToBool(s.ScheduledScalingSuspended)}
}

func (n *seen) copies() (wished, current int32) {
	rc := n.component.RuntimeConfig
	if rc == nil {
		return 0, 0
	}
	return aws.ToInt32(rc.DesiredCopyCount), aws.ToInt32(rc.CurrentCopyCount)
}

func (n *seen) state(op *playbooks.Operation) serving.State {
	e := op.Target.Endpoint
	s := serving.State{
		Loads: n.loads, Operation: named(n.tags[OperationTag], op.ID), Holder: named(n.tags[IncidentTag], op.IncidentID), Pointer: named(n.tags[PointerTag], op.ID),
	}
	if n.component != nil {
		wished, current := n.copies()
		if s.SaysOff = current == 0; wished == 0 {
			s.Off = append(s.Off, serving.Stop)
		}
		return s
	}
	status := n.endpoint.EndpointStatus
	s.SaysOff = slices.Contains([]types.EndpointStatus{types.EndpointStatusOutOfService, types.EndpointStatusFailed, types.EndpointStatusDeleting}, status)
	if n.parkedByConfig(e) {
		s.Off = append(s.Off, serving.Stop)
		s.SaysOff = s.SaysOff || status == types.EndpointStatusInService
		return s
	}
	if parked := e.Serving.Parked; parked != "" && n.has(parked) {
		switch wished := share(n.weights(true), parked); {
		case wished == 0:
			s.Off = append(s.Off, serving.Isolate)
		case wished < 100:
			s.Share = &wished
		}
		s.SaysOff = s.SaysOff || share(n.weights(false), parked) == 0
		s.Warning = "a caller that names a variant (TargetVariant) reaches it whatever the weights are"
	}
	return s
}

// has reports whether the endpoint runs a variant.
func (n *seen) has(variant string) bool {
	_, ok := n.weights(true)[variant]
	return ok
}

// saved is what Restore needs. It has no environment of a container, which may hold secrets.
type saved struct {
	Tags      map[string]string  `json:"tags"`
	Copies    *int32             `json:"copies,omitempty"`
	Suspended *Suspended         `json:"suspended,omitempty"`
	Config    string             `json:"config,omitempty"`
	Weights   map[string]float32 `json:"weights,omitempty"`
	Model     string             `json:"model,omitempty"`
	Artifact  string             `json:"artifact,omitempty"`
}

func (n *seen) saved() saved {
	s := saved{Tags: maps.Clone(n.tags)}
	if n.component == nil {
		s.Config, s.Weights = aws.ToString(n.endpoint.EndpointConfigName), n.weights(true)
		return s
	}
	wished, _ := n.copies()
	s.Copies = &wished
	if n.scaler != nil {
		held := n.suspended()
		s.Suspended = &held
	}
	if n.model != nil {
		s.Model = aws.ToString(n.model.ModelName)
	} else {
		s.Artifact = n.loads
	}
	return s
}
