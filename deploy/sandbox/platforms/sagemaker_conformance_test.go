package platforms_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	api "github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"firebreak/activities/conformance"
	"firebreak/activities/failure"
	"firebreak/activities/serving"
	"firebreak/activities/serving/sagemaker"
	"firebreak/deploy/sandbox/platforms"
	"firebreak/internal/inventory"
)

const workerSecret, workerSession = "secret-of-the-worker-2718281828", "session-of-the-worker-1414213562"

// through is a client of moto through a provider that can break. before, if it is not nil, is called with each operation that
// moto gets.
func through(t *testing.T, server *platforms.Moto, before func(operation string)) (*conformance.Provider, *sagemaker.Client) {
	t.Helper()
	operation := func(r *http.Request) string {
		_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		return name
	}
	provider, address := stand(t, server.URL, func(r *http.Request) {
		if before != nil {
			before(operation(r))
		}
	}, func(r *http.Request) bool {
		name := operation(r)
		return !strings.HasPrefix(name, "Describe") && !strings.HasPrefix(name, "List")
	})
	return provider, sagemaker.NewFromConfig(aws.Config{
		Region: "eu-central-1", BaseEndpoint: &address, HTTPClient: awshttp.NewBuildableClient().WithTimeout(5 * time.Second),
		Credentials: credentials.NewStaticCredentialsProvider("worker", workerSecret, workerSession),
	}, 10*time.Millisecond)
}

// TestConformsOnMoto asks the whole kit of what moto can do: the isolation of an endpoint with a variant that refuses, and the
// rejection of a model package. The other shapes of an endpoint, and what loads a model, need calls that moto does not have (see
// studio). The faults are the provider's: moto fails at nothing, and checks no signature.
func TestConformsOnMoto(t *testing.T) {
	t.Parallel()
	server, err := platforms.StartMoto(t.Context(), python(t), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	for name, asked := range map[string]func(*testing.T, *platforms.Moto){"endpoint.disable": disableConforms, "registry.quarantine": packagesConform} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked(t, server)
		})
	}
}

func disableConforms(t *testing.T, server *platforms.Moto) {
	var endpoints atomic.Int64
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		s := newStudio(t, server, fmt.Sprintf("credit-%d", endpoints.Add(1)))
		provider, client := through(t, server, nil)
		s.setup.Platforms = serving.Platforms{"sagemaker": sagemaker.New(client)}
		s.setup.Patience = serving.Patience{Poll: 10 * time.Millisecond, Stop: 3 * time.Second, Start: 3 * time.Second}
		return &conformance.Subject{
			Action: serving.NewDisable(s.setup), Operation: s.operation("endpoint.disable"), Provider: provider,
			Patience: time.Minute, Secrets: []string{workerSecret, workerSession}, State: s.everything, Observes: true,
			WhyNoChange: "a changed model is no reason to leave it running",
			ChangeAfter: s.holds, RefusalAfter: failure.Refused,
			Hollow: s.stubborn,
			Absent: func(t *testing.T) {
				_, err := s.client.DeleteEndpoint(t.Context(), &api.DeleteEndpointInput{EndpointName: &s.name})
				require.NoError(t, err)
			},
		}
	})
}

// everything is all that moto says of the endpoint and its tags, the time of the last change aside. When it is told a weight it
// forgets the number of instances, which SageMaker does not, and of a weight that is zero it says nothing until then.
func (s *studio) everything(t *testing.T) string {
	t.Helper()
	out, err := s.client.DescribeEndpoint(t.Context(), &api.DescribeEndpointInput{EndpointName: &s.name})
	require.NoError(t, err)
	out.LastModifiedTime, out.ResultMetadata = nil, middleware.Metadata{}
	slices.SortFunc(out.ProductionVariants, func(a, b types.ProductionVariantSummary) int { return strings.Compare(*a.VariantName, *b.VariantName) })
	for i := range out.ProductionVariants {
		v := &out.ProductionVariants[i]
		v.CurrentInstanceCount, v.DesiredInstanceCount = nil, nil
		v.CurrentWeight, v.DesiredWeight = aws.Float32(aws.ToFloat32(v.CurrentWeight)), aws.Float32(aws.ToFloat32(v.DesiredWeight))
	}
	return text(t, out) + s.state(t)
}

// holds is another incident that takes the endpoint over.
func (s *studio) holds(t *testing.T) {
	t.Helper()
	_, err := s.client.AddTags(t.Context(), &api.AddTagsInput{
		ResourceArn: aws.String("arn:aws:sagemaker:eu-central-1:123456789012:endpoint/" + s.name),
		Tags:        []types.Tag{{Key: aws.String(sagemaker.IncidentTag), Value: aws.String("incident/other")}},
	})
	require.NoError(t, err)
}

// stubborn is a model that answers whatever SageMaker says of it.
func (s *studio) stubborn(t *testing.T) {
	t.Helper()
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("x-model-digest", "sha256:suspect") }))
	t.Cleanup(model.Close)
	s.endpoint.Probe.URL = model.URL
}

func packagesConform(t *testing.T, server *platforms.Moto) {
	var groups atomic.Int64
	conformance.Run(t, func(t *testing.T) *conformance.Subject {
		s := newStudio(t, server, fmt.Sprintf("packages-%d", groups.Add(1)))
		group := &s.name
		_, err := s.client.CreateModelPackageGroup(t.Context(), &api.CreateModelPackageGroupInput{ModelPackageGroupName: group})
		require.NoError(t, err)
		made, err := s.client.CreateModelPackage(t.Context(), &api.CreateModelPackageInput{ModelPackageGroupName: group, ModelApprovalStatus: types.ModelApprovalStatusApproved})
		require.NoError(t, err)
		decide := func(status types.ModelApprovalStatus, why string) error {
			_, err := s.client.UpdateModelPackage(t.Context(), &api.UpdateModelPackageInput{ModelPackageArn: made.ModelPackageArn, ModelApprovalStatus: status, ApprovalDescription: &why})
			return err
		}
		require.NoError(t, decide(types.ModelApprovalStatusApproved, "by the risk board"))

		var hollow, decided atomic.Bool
		provider, client := through(t, server, func(operation string) {
			if operation == "UpdateModelPackage" {
				decided.Store(true)
				return
			}
			if hollow.Load() && decided.CompareAndSwap(true, false) {
				assert.NoError(t, decide(types.ModelApprovalStatusApproved, "a pipeline"))
			}
		})
		op := s.operation("registry.quarantine")
		op.Target = inventory.Target{
			ID: "credit-scorer@1", Kind: inventory.RegisteredTarget, Registered: &inventory.Registered{Platform: "sagemaker", Name: s.name, Version: "1", Reject: true},
		}
		again := func(t *testing.T) {
			require.NoError(t, decide(types.ModelApprovalStatusPendingManualApproval, "look again"))
		}
		return &conformance.Subject{
			Action: sagemaker.NewPackages(client), Operation: op, Provider: provider,
			Patience: time.Minute, Secrets: []string{workerSecret, workerSession},
			State: func(t *testing.T) string {
				out, err := s.client.DescribeModelPackage(t.Context(), &api.DescribeModelPackageInput{ModelPackageName: made.ModelPackageArn})
				require.NoError(t, err)
				out.LastModifiedTime, out.ResultMetadata = nil, middleware.Metadata{}
				return text(t, out)
			},
			Change: again, ChangeAfter: again, Hollow: func(*testing.T) { hollow.Store(true) },
			Absent: func(*testing.T) { op.Target.Registered.Version = "9" },
		}
	})
}
