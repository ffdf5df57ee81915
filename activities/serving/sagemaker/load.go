package sagemaker

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/playbooks"
)

// Load makes the endpoint serve what is at an address: a copy of its model, and of its configuration, with that address in
// place of the other. Both are named by the operation, so that they are made once; they stay when the load is undone.
func (c *Control) Load(ctx context.Context, op *playbooks.Operation, _ *serving.Saved, address string, check serving.Check) (serving.Change, error) {
	change, err := c.change(ctx, op, check, func(r *region, now *seen) ([]step, error) {
		if now.loads == "" {
			return nil, failure.New(failure.Unsupported, "load %s on %s: %s; repoint it by hand", address, op.Target.ID, now.why)
		}
		books := r.tagged(now, map[string]*string{PointerTag: tag(op.ID)})
		switch {
		case now.loads == address:
			return []step{books}, nil
		case now.component != nil:
			return []step{r.respecified(op, now, address, ""), books}, nil
		}
		name := objectName(op, address)
		make := func(ctx context.Context) error {
			if err := r.model(ctx, now, name, address); err != nil {
				return err
			}
			return r.configuration(ctx, op, now, name)
		}
		if now.parkedByConfig(op.Target.Endpoint) {
			return []step{make, r.tagged(now, map[string]*string{ConfigTag: &name, PointerTag: tag(op.ID)})}, nil
		}
		return []step{make, r.deployed(op, now, name, op.Target.Endpoint.Serving.Guardrails), books}, nil
	})
	change.Did = "its model is " + address
	return change, err
}

// repoint puts the model that was captured back.
func (r *region) repoint(op *playbooks.Operation, now *seen, s *saved) ([]step, error) {
	var pointer *string
	if value, had := s.Tags[PointerTag]; had {
		pointer = &value
	}
	books := map[string]*string{PointerTag: pointer}
	if now.component != nil {
		var same bool
		if s.Model != "" {
			same = now.model != nil && aws.ToString(now.model.ModelName) == s.Model
		} else {
			same = now.loads == s.Artifact
		}
		if same {
			return []step{r.tagged(now, books)}, nil
		}
		return []step{r.respecified(op, now, s.Artifact, s.Model), r.tagged(now, books)}, nil
	}
	e := op.Target.Endpoint
	back := s.Config
	if parkingConfig(e) != "" && back == parkingConfig(e) {
		back = s.Tags[ConfigTag]
	}
	if back == "" {
		return nil, failure.New(failure.Invalid, "restore the model of %s: no configuration was captured", op.Target.ID)
	}
	if now.parkedByConfig(e) {
		books[ConfigTag] = &back
		return []step{r.tagged(now, books)}, nil
	}
	return []step{r.deployed(op, now, back, nil), r.tagged(now, books)}, nil
}

// model makes a copy of the model that loads from an address, unless it is there.
func (r *region) model(ctx context.Context, now *seen, name, address string) error {
	_, err := r.models.DescribeModel(ctx, &api.DescribeModelInput{ModelName: &name})
	if err == nil {
		return nil
	}
	if err = r.failed(ctx, "read model "+name, err); !notFound(err) {
		return err
	}
	m := now.model
	container := *m.PrimaryContainer
	if d := container.ModelDataSource; d != nil && d.S3DataSource != nil {
		source := *d.S3DataSource
		// An ETag is of the old object.
		source.S3Uri, source.ETag, source.ManifestEtag, source.ManifestS3Uri = &address, nil, nil, nil
		container.ModelDataSource = &types.ModelDataSource{S3DataSource: &source}
		container.ModelDataUrl = nil
	} else {
		container.ModelDataUrl = &address
	}
	container.ModelPackageName = nil // it would bring its own artifact
	_, err = r.models.CreateModel(ctx, &api.CreateModelInput{
		ModelName: &name, PrimaryContainer: &container, ExecutionRoleArn: m.ExecutionRoleArn, VpcConfig: m.VpcConfig,
		EnableNetworkIsolation: m.EnableNetworkIsolation, InferenceExecutionConfig: m.InferenceExecutionConfig,
	})
	return r.failed(ctx, "create model "+name, err)
}

// configuration makes a copy of the endpoint's configuration with another model, unless it is there.
func (r *region) configuration(ctx context.Context, op *playbooks.Operation, now *seen, name string) error {
	_, err := r.models.DescribeEndpointConfig(ctx, &api.DescribeEndpointConfigInput{EndpointConfigName: &name})
	if err == nil {
		return nil
	}
	if err = r.failed(ctx, "read endpoint configuration "+name, err); !notFound(err) {
		return err
	}
	from := now.config
	served := now.variant(op.Target.Endpoint)
	variants := slices.Clone(from.ProductionVariants)
	for i := range variants {
		if aws.ToString(variants[i].VariantName) == aws.ToString(served.VariantName) {
			variants[i].ModelName = &name
		}
	}
	_, err = r.models.CreateEndpointConfig(ctx, &api.CreateEndpointConfigInput{
		EndpointConfigName: &name, ProductionVariants: variants, AsyncInferenceConfig: from.AsyncInferenceConfig, DataCaptureConfig: from.DataCaptureConfig,
		EnableNetworkIsolation: from.EnableNetworkIsolation, ExecutionRoleArn: from.ExecutionRoleArn, ExplainerConfig: from.ExplainerConfig,
		KmsKeyId: from.KmsKeyId, MetricsConfig: from.MetricsConfig, ShadowProductionVariants: from.ShadowProductionVariants, VpcConfig: from.VpcConfig,
	})
	return r.failed(ctx, "create endpoint configuration "+name, err)
}

// respecified gives an inference component another model: the one named, or else one that loads from an address.
func (r *region) respecified(op *playbooks.Operation, now *seen, address, model string) step {
	component := op.Target.Endpoint.Serving.Component
	return func(ctx context.Context) error {
		spec := specification(now.component.Specification)
		if spec.Container != nil && model == "" {
			spec.Container.ArtifactUrl = &address
		} else {
			if model == "" {
				model = objectName(op, address)
				if err := r.model(ctx, now, model, address); err != nil {
					return err
				}
			}
			spec.ModelName = &model
		}
		_, err := r.models.UpdateInferenceComponent(ctx, &api.UpdateInferenceComponentInput{InferenceComponentName: &component, Specification: spec})
		if err != nil {
			return r.failed(ctx, "give inference component "+component+" another model", err)
		}
		after, err := r.settle(ctx, op.Target.Endpoint, true)
		if err != nil {
			return err
		}
		if wanted := address; wanted != "" && after.loads != wanted {
			return fmt.Errorf("give inference component %s another model: SageMaker went back to %s", component, after.loads)
		}
		return nil
	}
}

// specification is what an inference component runs, in the form in which it can be asked for again.
func specification(s *types.InferenceComponentSpecificationSummary) *types.InferenceComponentSpecification {
	out := &types.InferenceComponentSpecification{
		BaseInferenceComponentName: s.BaseInferenceComponentName, ComputeResourceRequirements: s.ComputeResourceRequirements, InstanceType: s.InstanceType,
		ModelName: s.ModelName, SchedulingConfig: s.SchedulingConfig, StartupParameters: s.StartupParameters,
	}
	if s.DataCacheConfig != nil {
		out.DataCacheConfig = &types.InferenceComponentDataCacheConfig{EnableCaching: s.DataCacheConfig.EnableCaching}
	}
	if c := s.Container; c != nil && s.ModelName == nil {
		out.Container = &types.InferenceComponentContainerSpecification{ArtifactUrl: c.ArtifactUrl, ContainerMetricsConfig: c.ContainerMetricsConfig, Environment: c.Environment}
		if c.DeployedImage != nil {
			out.Container.Image = c.DeployedImage.SpecifiedImage
		}
	}
	return out
}
