package platforms_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	api "github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/stretchr/testify/require"

	"firebreak/activities"
	"firebreak/activities/failure"
	"firebreak/activities/probe"
	"firebreak/activities/serving"
	"firebreak/activities/serving/sagemaker"
	"firebreak/deploy/sandbox/platforms"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// studio is moto with an endpoint that has a variant which refuses, and a model server that does as the weights say.
//
// moto knows endpoints, their configurations, models, tags and weights, so that isolation, stages and recovery of an
// endpoint with a variant that refuses are tried on it. It stops at UpdateEndpoint and at inference components, which it does
// not have: parking, rollback and components are held to sagemakerfake alone. A change is done at once on moto, no call is refused
// while one is under way, nor for its signature or policy, and a tag that is set again is listed twice, the last value last.
type studio struct {
	name     string
	client   *api.Client
	control  *sagemaker.Control
	setup    serving.Setup
	endpoint *inventory.Endpoint
	cfg      aws.Config
}

func newStudio(t *testing.T, server *platforms.Moto, name string) *studio {
	t.Helper()
	s := &studio{name: name, cfg: aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "c")}}
	s.client = api.NewFromConfig(s.cfg)
	var variants []types.ProductionVariant
	for variant, uri := range map[string]string{"model": "s3://registry/credit/16/", "parked": "s3://registry/refuses/"} {
		model := name + "-" + variant
		_, err := s.client.CreateModel(t.Context(), &api.CreateModelInput{
			ModelName: &model, ExecutionRoleArn: aws.String("arn:aws:iam::123456789012:role/sagemaker-model-credit"),
			PrimaryContainer: &types.ContainerDefinition{Image: aws.String("vllm"), ModelDataSource: &types.ModelDataSource{S3DataSource: &types.S3ModelDataSource{
				S3Uri: &uri, S3DataType: types.S3ModelDataTypeS3Prefix, CompressionType: types.ModelCompressionTypeNone,
			}}},
		})
		require.NoError(t, err)
		weight := float32(0)
		if variant == "model" {
			weight = 3
		}
		variants = append(variants, types.ProductionVariant{
			VariantName: &variant, ModelName: &model, InitialVariantWeight: &weight, InitialInstanceCount: aws.Int32(1), InstanceType: types.ProductionVariantInstanceTypeMlM5Large,
		})
	}
	_, err := s.client.CreateEndpointConfig(t.Context(), &api.CreateEndpointConfigInput{EndpointConfigName: &name, ProductionVariants: variants})
	require.NoError(t, err)
	_, err = s.client.CreateEndpoint(t.Context(), &api.CreateEndpointInput{EndpointName: &name, EndpointConfigName: &name, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("risk")}}})
	require.NoError(t, err)
	s.control = sagemaker.New(sagemaker.NewFromConfig(s.cfg, 50*time.Millisecond))
	model := httptest.NewServer(http.HandlerFunc(s.predict(t)))
	t.Cleanup(model.Close)
	s.endpoint = &inventory.Endpoint{
		ID: "credit-api", Serving: inventory.Serving{Platform: "sagemaker", Name: name, Parked: "parked"},
		Probe: inventory.Probe{URL: model.URL, ExpectDigestHeader: "x-model-digest"},
	}
	s.setup = serving.Setup{Platforms: serving.Platforms{"sagemaker": s.control}, Outside: probe.New()}
	return s
}

// predict answers by the weights: those that let a share in, let every other call in.
func (s *studio) predict(t *testing.T) http.HandlerFunc {
	var calls atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		out, err := s.client.DescribeEndpoint(context.WithoutCancel(t.Context()), &api.DescribeEndpointInput{EndpointName: &s.name})
		weights := map[string]float32{}
		if err == nil {
			for _, v := range out.ProductionVariants {
				weights[*v.VariantName] = aws.ToFloat32(v.CurrentWeight)
			}
		}
		if n := calls.Add(1); weights["model"] == 0 || weights["parked"] > 0 && n%2 != 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("x-model-digest", "sha256:good")
	}
}

func (s *studio) operation(action string) *playbooks.Operation {
	const id = "incident/backdoor-discovery/m"
	return &playbooks.Operation{
		ID: playbooks.NewOperationID(id, time.Time{}, action, "credit-api"), IncidentID: id, Step: action, Action: action,
		Target: inventory.Target{
			ID: "credit-api", Kind: inventory.EndpointTarget, Endpoint: s.endpoint,
			KnownGood: &inventory.Checkpoint{ID: "credit-scorer@16", URI: "s3://registry/credit/16/", RootDigest: "sha256:good"},
		},
		With: map[string]string{"probes": "5", "interval": "1ms"},
	}
}

// state is all that moto holds of the endpoint and its tags, times aside.
func (s *studio) state(t *testing.T) string {
	t.Helper()
	out, err := s.client.DescribeEndpoint(t.Context(), &api.DescribeEndpointInput{EndpointName: &s.name})
	require.NoError(t, err)
	tags, err := s.client.ListTags(t.Context(), &api.ListTagsInput{ResourceArn: out.EndpointArn})
	require.NoError(t, err)
	weights, held := map[string]float32{}, map[string]string{}
	for _, v := range out.ProductionVariants {
		weights[*v.VariantName] = aws.ToFloat32(v.DesiredWeight)
	}
	for _, tag := range tags.Tags {
		held[*tag.Key] = *tag.Value
	}
	text, err := json.Marshal([]any{out.EndpointConfigName, weights, held})
	require.NoError(t, err)
	return string(text)
}

// prove runs an action twice and proves it.
func prove(t *testing.T, a activities.Action, op *playbooks.Operation) {
	t.Helper()
	var err error
	op.Capture, err = a.Capture(t.Context(), op)
	require.NoError(t, err)
	for _, changed := range []bool{true, false} {
		effect, err := a.Do(t.Context(), op)
		require.NoError(t, err)
		require.Equal(t, changed, effect.Changed)
		if changed {
			op.Effect = effect
		}
	}
	proof, err := a.Verify(t.Context(), op)
	require.NoError(t, err)
	require.True(t, proof.Proved, proof.Method)
}

func TestSageMakerOnMoto(t *testing.T) {
	t.Parallel()
	server, err := platforms.StartMoto(t.Context(), python(t), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	for name, try := range map[string]func(*testing.T, *studio){"recovered": recovered, "refused": refused, "rejected": rejected} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			try(t, newStudio(t, server, name))
		})
	}
}

// recovered takes an endpoint out of service, opens half of it, opens it, and undoes it all.
func recovered(t *testing.T, s *studio) {
	before := s.state(t)
	disable, op := serving.NewDisable(s.setup), s.operation("endpoint.disable")
	prove(t, disable, op)
	require.Contains(t, s.state(t), `"model":0`)
	contained := s.state(t)

	shift, stage := serving.NewShift(s.setup), s.operation("endpoint.shift")
	stage.With = map[string]string{"percent": "50", "probes": "20", "interval": "0s", "hold": "0s", "max_errors": "0"}
	prove(t, shift, stage)
	require.Contains(t, s.state(t), `"model":50,"parked":50`)
	stage.With["probes"] = "10"
	_, err := shift.Undo(t.Context(), stage)
	require.NoError(t, err)
	require.Equal(t, contained, s.state(t), "a stage that is undone is contained")

	enable, open := serving.NewEnable(s.setup), s.operation("endpoint.enable")
	prove(t, enable, open)
	require.Contains(t, s.state(t), `"model":3,"parked":0`)
	_, err = enable.Undo(t.Context(), open)
	require.NoError(t, err)
	require.Equal(t, contained, s.state(t))

	for _, changed := range []bool{true, false} {
		effect, err := disable.Undo(t.Context(), op)
		require.NoError(t, err)
		require.Equal(t, changed, effect.Changed)
		require.Equal(t, before, s.state(t), "byte for byte")
	}
}

// rejected rejects a version of a model package group, and approves it again.
func rejected(t *testing.T, s *studio) {
	group := aws.String("credit")
	_, err := s.client.CreateModelPackageGroup(t.Context(), &api.CreateModelPackageGroupInput{ModelPackageGroupName: group})
	require.NoError(t, err)
	made, err := s.client.CreateModelPackage(t.Context(), &api.CreateModelPackageInput{ModelPackageGroupName: group, ModelApprovalStatus: types.ModelApprovalStatusApproved})
	require.NoError(t, err)
	status := func() types.ModelApprovalStatus {
		out, err := s.client.DescribeModelPackage(t.Context(), &api.DescribeModelPackageInput{ModelPackageName: made.ModelPackageArn})
		require.NoError(t, err)
		return out.ModelApprovalStatus
	}
	op := s.operation("registry.quarantine")
	op.Target = inventory.Target{
		ID: "credit-scorer@1", Kind: inventory.RegisteredTarget, Registered: &inventory.Registered{Platform: "sagemaker", Name: "credit", Version: "1", Reject: true},
	}
	packages := sagemaker.NewPackages(sagemaker.NewFromConfig(s.cfg, 0))
	prove(t, packages, op)
	require.Equal(t, types.ModelApprovalStatusRejected, status())
	for _, changed := range []bool{true, false} {
		effect, err := packages.Undo(t.Context(), op)
		require.NoError(t, err)
		require.Equal(t, changed, effect.Changed)
		require.Equal(t, types.ModelApprovalStatusApproved, status())
	}
	op.Target.Registered.Version = "9"
	_, err = packages.Capture(t.Context(), op)
	code, _ := failure.CodeOf(err)
	require.Equal(t, failure.Invalid, code, "%v", err)
}

// refused is what another incident holds, and what is not there.
func refused(t *testing.T, s *studio) {
	op := s.operation("endpoint.disable")
	disable := serving.NewDisable(s.setup)
	prove(t, disable, op)
	_, err := s.client.AddTags(t.Context(), &api.AddTagsInput{
		ResourceArn: aws.String("arn:aws:sagemaker:eu-central-1:123456789012:endpoint/" + s.name),
		Tags:        []types.Tag{{Key: aws.String(sagemaker.IncidentTag), Value: aws.String("incident/other")}},
	})
	require.NoError(t, err)
	_, err = disable.Undo(t.Context(), op)
	code, _ := failure.CodeOf(err)
	require.Equal(t, failure.Refused, code, "%v", err)

	s.endpoint.Serving.Name = "nobodys"
	_, err = disable.Capture(t.Context(), op)
	code, _ = failure.CodeOf(err)
	require.Equal(t, failure.Invalid, code, "%v", err)

	s.endpoint.Serving.Name, s.endpoint.Serving.Component = s.name, "scorer"
	_, err = disable.Capture(t.Context(), op)
	require.Error(t, err, "moto has no inference components")
	_, final := failure.CodeOf(err)
	require.False(t, final)
}
