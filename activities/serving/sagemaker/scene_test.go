package sagemaker_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"firebreak/activities"
	"firebreak/activities/conformance"
	"firebreak/activities/probe"
	"firebreak/activities/serving"
	"firebreak/activities/serving/sagemaker"
	"firebreak/activities/serving/sagemaker/sagemakerfake"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

const (
	suspectURI = "s3://registry/credit/17/"
	goodURI    = "s3://registry/credit/16/"
	otherURI   = "s3://registry/credit/18/"
	suspect    = "sha256:suspect"
	good       = "sha256:good"
	incidentID = "incident/backdoor-discovery/credit-scorer@17"
	envSecret  = "env-secret-hunter4"
	policyFile = "../../../deploy/iam/worker-sagemaker.json"
)

// shape is how an endpoint is built, which decides what can be done.
type shape string

const (
	component shape = "inference component"
	variants  shape = "variant that refuses"
	parking   shape = "configuration that refuses"
)

// world is an account with the endpoint credit-api in one of the shapes, and a model server that does as SageMaker says.
type world struct {
	aws             *sagemakerfake.Server
	provider        *conformance.Provider
	client          *sagemaker.Client
	control         *sagemaker.Control
	setup           serving.Setup
	endpoint        *inventory.Endpoint
	stubborn, stale atomic.Bool
	calls           atomic.Int64
}

func newWorld(t *testing.T, as shape) *world {
	t.Helper()
	w := &world{aws: sagemakerfake.New(t, sagemakerfake.ReadPolicy(t, policyFile))}
	for name, uri := range map[string]string{"credit-17": suspectURI, "credit-16": goodURI, "credit-18": otherURI, "refuses": "s3://registry/refuses/"} {
		w.aws.Model(name, uri, envSecret)
	}
	w.endpoint = &inventory.Endpoint{ID: "credit-api", Serving: inventory.Serving{Platform: "sagemaker", Cluster: sagemakerfake.Region, Name: "credit-api"}}
	for _, n := range []string{"16", "17", "18"} {
		w.aws.Config("credit-"+n, sagemakerfake.Variant("model", "credit-"+n, 1))
		w.aws.Config("beside-"+n, sagemakerfake.Variant("model", "credit-"+n, 3), sagemakerfake.Variant("parked", "refuses", 0))
	}
	w.aws.Config("refuses", sagemakerfake.Variant("model", "refuses", 1))
	switch as {
	case component:
		w.endpoint.Serving.Component = "scorer"
		w.aws.Endpoint("credit-api", "credit-17")
		w.aws.Component("scorer", "credit-api", "credit-17", 2, true)
	case variants:
		w.endpoint.Serving.Parked = "parked"
		w.aws.Endpoint("credit-api", "beside-17")
	case parking:
		w.endpoint.Disable.Method, w.endpoint.Disable.ConfigRef = "endpoint-config", "refuses"
		w.aws.Endpoint("credit-api", "credit-17")
	}
	w.provider = conformance.NewProvider(w.aws, sagemakerfake.Changes)
	server := httptest.NewServer(w.provider)
	t.Cleanup(server.Close)
	w.client = sagemaker.NewFromConfig(aws.Config{
		Region: sagemakerfake.Region, BaseEndpoint: aws.String(server.URL), HTTPClient: awshttp.NewBuildableClient().WithTimeout(time.Second),
		Credentials: credentials.NewStaticCredentialsProvider(sagemakerfake.KeyID, sagemakerfake.SecretKey, sagemakerfake.SessionToken),
	}, time.Millisecond)
	w.control = sagemaker.New(w.client)
	model := httptest.NewServer(http.HandlerFunc(w.predict))
	t.Cleanup(model.Close)
	w.endpoint.Probe = inventory.Probe{URL: model.URL, ExpectDigestHeader: "x-model-digest"}
	w.setup = serving.Setup{
		Platforms: serving.Platforms{"sagemaker": w.control}, Outside: probe.New(),
		Patience: serving.Patience{Poll: 2 * time.Millisecond, Stop: 60 * time.Millisecond, Start: 60 * time.Millisecond},
	}
	return w
}

// predict answers as the model whose turn it is. A refusing container answers 503.
func (w *world) predict(out http.ResponseWriter, _ *http.Request) {
	uri := w.uri(int(w.calls.Add(1)))
	if w.stubborn.Load() && uri != goodURI {
		uri = suspectURI
	}
	if w.stale.Load() && uri == goodURI {
		uri = suspectURI
	}
	digest, ok := map[string]string{suspectURI: suspect, goodURI: good, otherURI: "sha256:other"}[uri]
	if !ok {
		out.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	out.Header().Set("x-model-digest", digest)
}

// uri is what answers the nth call: the variants take turns by their weights.
func (w *world) uri(n int) string {
	if name := w.endpoint.Serving.Component; name != "" {
		return w.aws.ComponentServes(name)
	}
	uris, weights := w.aws.Serves("credit-api")
	all := weights["model"] + weights["parked"]
	if all == 0 || float64(n*61%100) < 100*weights["model"]/all {
		return uris["model"]
	}
	return uris["parked"]
}

func (w *world) state(*testing.T) string { return w.aws.State() }

// pointAt makes somebody else give the endpoint the model of a version.
func (w *world) pointAt(version string) {
	switch {
	case w.endpoint.Serving.Component != "":
		w.aws.Specify("scorer", "credit-"+version)
	case w.endpoint.Serving.Parked != "":
		w.aws.Deploy("credit-api", "beside-"+version)
	case w.aws.TagsOf("endpoint", "credit-api")[sagemaker.ConfigTag] != "":
		w.aws.Tag("endpoint", "credit-api", sagemaker.ConfigTag, "credit-"+version)
	default:
		w.aws.Deploy("credit-api", "credit-"+version)
	}
}

// holds makes another incident hold the endpoint.
func (w *world) holds(*testing.T) {
	kind, name := "endpoint", "credit-api"
	if w.endpoint.Serving.Component != "" {
		kind, name = "inference-component", "scorer"
	}
	w.aws.Tag(kind, name, sagemaker.IncidentTag, "incident/other")
}

func (w *world) operation(action string) *playbooks.Operation {
	return &playbooks.Operation{
		ID: playbooks.NewOperationID(incidentID, action, "credit-api"), IncidentID: incidentID, Step: action, Action: action,
		Target: inventory.Target{
			ID: "credit-api", Kind: inventory.EndpointTarget, Endpoint: w.endpoint,
			KnownGood: &inventory.Checkpoint{ID: "credit-scorer@16", URI: goodURI + "?versionId=c2", RootDigest: good},
		},
		With: map[string]string{"probes": "3", "interval": "1ms"},
	}
}

func (w *world) subject(action string) *conformance.Subject {
	name := "credit-api"
	if w.endpoint.Serving.Component != "" {
		name = "scorer"
	}
	return &conformance.Subject{
		Operation: w.operation(action), Provider: w.provider, State: w.state, Observes: true,
		Secrets: []string{sagemakerfake.SecretKey, sagemakerfake.SessionToken, envSecret}, Absent: func(*testing.T) { w.aws.Drop(name) },
	}
}

// contained is a world whose endpoint this incident has taken out of service and given the known-good model.
func contained(t *testing.T, as shape) *world {
	t.Helper()
	w := newWorld(t, as)
	run(t, serving.NewDisable(w.setup), w.operation("endpoint.disable"))
	w.pointAt("16")
	w.provider.Forget()
	return w
}

func stage(percent int) map[string]string {
	return map[string]string{"percent": strconv.Itoa(percent), "probes": "100", "interval": "0s", "hold": "0s", "max_errors": "0"}
}

func run(t *testing.T, a activities.Action, op *playbooks.Operation) {
	t.Helper()
	var err error
	op.Capture, err = a.Capture(t.Context(), op)
	require.NoError(t, err)
	op.Effect, err = a.Do(t.Context(), op)
	require.NoError(t, err)
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
