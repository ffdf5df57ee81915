package sagemaker

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	api "github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"firebreak/activities/failure"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// region is SageMaker in one region.
type region struct {
	models      *api.Client
	scaling     *scaling.Client
	credentials aws.CredentialsProvider
	poll        time.Duration
}

func (c *Control) region(op *playbooks.Operation) (*region, error) {
	name := c.client.Region(op.Target.Endpoint.Serving.Cluster)
	if name == "" {
		return nil, failure.New(failure.Invalid, "%s of %s: there is no AWS region; set AWS_REGION, or the endpoint's serving.cluster in the inventory", op.Action, op.Target.ID)
	}
	return &region{c.client.models(name), c.client.scaling(name), c.client.cfg.Credentials, c.client.poll}, nil
}

func (r *region) read(ctx context.Context, e *inventory.Endpoint) (*seen, error) {
	now := &seen{}
	var err error
	if e.Serving.Component != "" {
		err = r.readComponent(ctx, e, now)
	} else {
		err = r.readEndpoint(ctx, e, now)
	}
	if err != nil {
		return nil, err
	}
	if err := r.readTags(ctx, now); err != nil {
		return nil, err
	}
	if now.component != nil {
		return now, r.readComponentModel(ctx, now)
	}
	return now, r.readVariantModel(ctx, e, now)
}

func (r *region) readEndpoint(ctx context.Context, e *inventory.Endpoint, now *seen) error {
	var err error
	now.endpoint, err = r.models.DescribeEndpoint(ctx, &api.DescribeEndpointInput{EndpointName: &e.Serving.Name})
	if err != nil {
		return r.failed(ctx, "read endpoint "+e.Serving.Name, err)
	}
	now.arn = aws.ToString(now.endpoint.EndpointArn)
	return nil
}

func (r *region) readComponent(ctx context.Context, e *inventory.Endpoint, now *seen) error {
	name := e.Serving.Component
	var err error
	now.component, err = r.models.DescribeInferenceComponent(ctx, &api.DescribeInferenceComponentInput{InferenceComponentName: &name})
	if err != nil {
		return r.failed(ctx, "read inference component "+name, err)
	}
	if host := aws.ToString(now.component.EndpointName); host != e.Serving.Name {
		return failure.New(failure.Invalid, "read inference component %s: it is on endpoint %s, and the inventory says %s", name, host, e.Serving.Name)
	}
	now.arn = aws.ToString(now.component.InferenceComponentArn)
	out, err := r.scaling.DescribeScalableTargets(ctx, &scaling.DescribeScalableTargetsInput{
		ServiceNamespace: scalingtypes.ServiceNamespaceSagemaker, ResourceIds: []string{scalerID(name)}, ScalableDimension: copies,
	})
	if err != nil {
		return r.failed(ctx, "read scaling of inference component "+name, err)
	}
	if len(out.ScalableTargets) > 0 {
		now.scaler = &out.ScalableTargets[0]
	}
	return nil
}

const copies = scalingtypes.ScalableDimensionSageMakerInferenceComponentDesiredCopyCount

func scalerID(component string) string { return "inference-component/" + component }

func (r *region) readTags(ctx context.Context, now *seen) error {
	now.tags = map[string]string{}
	pages := api.NewListTagsPaginator(r.models, &api.ListTagsInput{ResourceArn: &now.arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return r.failed(ctx, "read tags of "+now.arn, err)
		}
		for _, t := range page.Tags {
			if key := aws.ToString(t.Key); strings.HasPrefix(key, tagPrefix) {
				now.tags[key] = aws.ToString(t.Value)
			}
		}
	}
	return nil
}

func (r *region) readComponentModel(ctx context.Context, now *seen) error {
	spec := now.component.Specification
	switch {
	case spec == nil:
		now.why = "it has a specification for each instance type"
	case spec.ModelName != nil:
		return r.readModel(ctx, *spec.ModelName, now)
	case spec.Container != nil && spec.Container.ArtifactUrl != nil:
		now.loads = *spec.Container.ArtifactUrl
	default:
		now.why = "its container says nothing of a model"
	}
	return nil
}

func (r *region) readVariantModel(ctx context.Context, e *inventory.Endpoint, now *seen) error {
	name := aws.ToString(now.endpoint.EndpointConfigName)
	if now.parkedByConfig(e) {
		if name = now.tags[ConfigTag]; name == "" {
			now.why = "it is parked, and no tag " + ConfigTag + " says what it goes back to"
			return nil
		}
	}
	var err error
	now.config, err = r.models.DescribeEndpointConfig(ctx, &api.DescribeEndpointConfigInput{EndpointConfigName: &name})
	if err != nil {
		return r.failed(ctx, "read endpoint configuration "+name, err)
	}
	v := now.variant(e)
	if v == nil || v.ModelName == nil {
		now.why = "it has more than one variant with a model, or none"
		return nil
	}
	return r.readModel(ctx, *v.ModelName, now)
}

func (r *region) readModel(ctx context.Context, name string, now *seen) error {
	var err error
	now.model, err = r.models.DescribeModel(ctx, &api.DescribeModelInput{ModelName: &name})
	if err != nil {
		return r.failed(ctx, "read model "+name, err)
	}
	if now.model.PrimaryContainer == nil {
		now.why = "model " + name + " is a pipeline of containers"
		return nil
	}
	now.loads = artifact(now.model.PrimaryContainer)
	if now.loads == "" {
		now.why = "model " + name + " names no artifact"
	}
	return nil
}

func notFound(err error) bool { return errors.Is(err, errNotFound) }
