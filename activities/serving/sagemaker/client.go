package sagemaker

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	api "github.com/aws/aws-sdk-go-v2/service/sagemaker"
)

const (
	// callTimeout bounds one call; Temporal repeats calls, so the client itself never does.
	callTimeout = 10 * time.Second
	// defaultPoll is the time between two looks at an endpoint that is on its way.
	defaultPoll = 3 * time.Second
)

// Client calls SageMaker and the scaling that goes with it, in the region that an endpoint's inventory entry names.
type Client struct {
	cfg  aws.Config
	poll time.Duration
}

// NewClient returns a client from the SDK's default chain: environment, shared configuration, role. It calls nobody.
// AWS_ENDPOINT_URL_SAGEMAKER and AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING point it at another server than AWS.
func NewClient(ctx context.Context) (*Client, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(httpClient()))
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration for SageMaker: %w", err)
	}
	return NewFromConfig(cfg, 0), nil
}

// NewFromConfig returns a client with a configuration of the SDK, that looks at what is on its way every poll (three
// seconds if it is zero).
func NewFromConfig(cfg aws.Config, poll time.Duration) *Client {
	if poll == 0 {
		poll = defaultPoll
	}
	return &Client{cfg: cfg, poll: poll}
}

func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTimeout(callTimeout).WithTransportOptions(func(t *http.Transport) {
		t.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext
		t.TLSHandshakeTimeout = 5 * time.Second
	})
}

// Region is where an endpoint is: the cluster of its inventory entry, or else the worker's own region; "" if there is none.
func (c *Client) Region(cluster string) string {
	if cluster != "" {
		return cluster
	}
	return c.cfg.Region
}

func (c *Client) models(region string) *api.Client {
	return api.NewFromConfig(c.cfg, func(o *api.Options) {
		o.Region, o.Retryer = region, aws.NopRetryer{}
	})
}

func (c *Client) scaling(region string) *scaling.Client {
	return scaling.NewFromConfig(c.cfg, func(o *scaling.Options) {
		o.Region, o.Retryer = region, aws.NopRetryer{}
	})
}
