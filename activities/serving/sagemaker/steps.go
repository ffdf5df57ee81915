package sagemaker

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	api "github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

func tag(name string) *string { return aws.String(tagValue(name)) }

// tagged sets tags, and removes those that are nil.
func (r *region) tagged(now *seen, want map[string]*string) step {
	var add []types.Tag
	var remove []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		have, ok := now.tags[key]
		switch value := want[key]; {
		case value == nil && ok:
			remove = append(remove, key)
		case value != nil && (!ok || have != *value):
			add = append(add, types.Tag{Key: &key, Value: value})
		}
	}
	if len(add)+len(remove) == 0 {
		return nil
	}
	return func(ctx context.Context) error {
		if len(add) > 0 {
			if _, err := r.models.AddTags(ctx, &api.AddTagsInput{ResourceArn: &now.arn, Tags: add}); err != nil {
				return r.failed(ctx, "tag "+now.arn, err)
			}
		}
		if len(remove) > 0 {
			if _, err := r.models.DeleteTags(ctx, &api.DeleteTagsInput{ResourceArn: &now.arn, TagKeys: remove}); err != nil {
				return r.failed(ctx, "remove tags of "+now.arn, err)
			}
		}
		return nil
	}
}

// suspend says which of a component's scaling is suspended. A component that nothing scales needs none.
func (r *region) suspend(op *playbooks.Operation, now *seen, want Suspended) step {
	if now.scaler == nil || now.suspended() == want {
		return nil
	}
	id := scalerID(op.Target.Endpoint.Serving.Component)
	return func(ctx context.Context) error {
		_, err := r.scaling.RegisterScalableTarget(ctx, &scaling.RegisterScalableTargetInput{
			ServiceNamespace: scalingtypes.ServiceNamespaceSagemaker, ResourceId: &id, ScalableDimension: copies,
			SuspendedState: &scalingtypes.SuspendedState{
				DynamicScalingInSuspended: &want.In, DynamicScalingOutSuspended: &want.Out, ScheduledScalingSuspended: &want.Scheduled,
			},
		})
		return r.failed(ctx, "suspend scaling of "+id, err)
	}
}

// copies sets how many copies of a component run, and waits until they do.
func (r *region) copies(op *playbooks.Operation, now *seen, n int32) step {
	if wished, _ := now.copies(); wished == n {
		return nil
	}
	name := op.Target.Endpoint.Serving.Component
	return func(ctx context.Context) error {
		_, err := r.models.UpdateInferenceComponentRuntimeConfig(ctx, &api.UpdateInferenceComponentRuntimeConfigInput{
			InferenceComponentName: &name, DesiredRuntimeConfig: &types.InferenceComponentRuntimeConfig{CopyCount: &n},
		})
		if err != nil {
			return r.failed(ctx, "set copies of inference component "+name, err)
		}
		_, err = r.settle(ctx, op.Target.Endpoint, true)
		return err
	}
}

// weighed sets the weights of the variants, and waits until they hold.
func (r *region) weighed(op *playbooks.Operation, now *seen, want map[string]float32) step {
	if maps.Equal(now.weights(true), want) {
		return nil
	}
	name := op.Target.Endpoint.Serving.Name
	var wanted []types.DesiredWeightAndCapacity
	for _, variant := range slices.Sorted(maps.Keys(want)) {
		wanted = append(wanted, types.DesiredWeightAndCapacity{VariantName: &variant, DesiredWeight: aws.Float32(want[variant])})
	}
	return func(ctx context.Context) error {
		_, err := r.models.UpdateEndpointWeightsAndCapacities(ctx, &api.UpdateEndpointWeightsAndCapacitiesInput{EndpointName: &name, DesiredWeightsAndCapacities: wanted})
		if err != nil {
			return r.failed(ctx, "set weights of endpoint "+name, err)
		}
		_, err = r.settle(ctx, op.Target.Endpoint, true)
		return err
	}
}

// onlyParked are weights that give all traffic to the variant that refuses; onlyOpen give all to the others.
func onlyParked(now *seen, parked string) map[string]float32 {
	weights := now.weights(true)
	for name := range weights {
		if name != parked {
			weights[name] = 0
		}
	}
	if weights[parked] == 0 {
		weights[parked] = 1
	}
	return weights
}

func onlyOpen(now *seen, parked string) map[string]float32 {
	weights := now.weights(true)
	for name := range weights {
		weights[name] = 1
	}
	weights[parked] = 0
	return weights
}

// deployed gives the endpoint a configuration, and waits until it has it. The weights that were set stay.
func (r *region) deployed(op *playbooks.Operation, now *seen, configuration string, guardrails *inventory.Guardrails) step {
	if aws.ToString(now.endpoint.EndpointConfigName) == configuration {
		return nil
	}
	e := op.Target.Endpoint
	return func(ctx context.Context) error {
		policy, err := deployment(guardrails)
		if err != nil {
			return err
		}
		// What is isolated by its weight must not come back by a deployment.
		retain := e.Serving.Parked != "" && now.has(e.Serving.Parked)
		_, err = r.models.UpdateEndpoint(ctx, &api.UpdateEndpointInput{
			EndpointName: &e.Serving.Name, EndpointConfigName: &configuration, RetainAllVariantProperties: &retain, DeploymentConfig: policy,
		})
		if err != nil {
			return r.failed(ctx, "deploy configuration "+configuration+" to endpoint "+e.Serving.Name, err)
		}
		after, err := r.settle(ctx, e, true)
		if err != nil {
			return err
		}
		return after.landed(e, configuration, guardrails != nil)
	}
}
