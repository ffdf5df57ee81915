package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"firebreak/activities/evidence/objects"
	"firebreak/deploy/sandbox/build"
	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/modelserver"
	"firebreak/deploy/sandbox/server"
)

const (
	controller = "kserve-controller"
	bucket     = "registry"
	suspectURI = "s3://registry/credit/17/"
	goodURI    = "s3://registry/credit/16/"
	otherURI   = "s3://registry/credit/18/"

	// settles bounds what the servers do by themselves: a slow machine takes seconds for it.
	settles = time.Minute
)

// cluster is a real API server and a real store, and the model server that does as their objects say.
type cluster struct {
	kubernetes *server.Kubernetes
	http       *http.Client
	store      *s3.Client
	models     *modelserver.Server
	modelURL   string
	// good is the digest of what is at goodURI.
	good string
	// worlds counts the namespaces.
	worlds atomic.Int64
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	b, err := build.New(t.Context(), os.Stderr)
	require.NoError(t, err)
	c := &cluster{}
	c.startStore(t, b)
	binary, err := b.Server(t.Context(), build.Kubernetes)
	require.NoError(t, err)
	c.kubernetes, err = server.Again(func() (*server.Kubernetes, error) {
		return server.StartKubernetes(t.Context(), binary, t.TempDir(), server.KubernetesOptions{
			Users: []string{company.Operator, company.Responder, controller},
			Roles: map[string]string{company.Responder: filepath.Join(b.Dir, "..", "kubernetes", "worker.yaml")},
		})
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.kubernetes.Stop()) })
	c.http, err = c.kubernetes.Client()
	require.NoError(t, err)
	t.Cleanup(c.http.CloseIdleConnections)
	c.startModels(t)
	return c
}

// startStore starts S3 with three checkpoints of which each has other bytes.
func (c *cluster) startStore(t *testing.T, b *build.Builder) {
	t.Helper()
	binary, err := b.Server(t.Context(), build.S3)
	require.NoError(t, err)
	gateway, err := server.Again(func() (*server.S3, error) { return server.StartS3(t.Context(), binary, t.TempDir()) })
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, gateway.Stop()) })
	c.store = company.S3Client(gateway.Endpoint, gateway.Region, company.Key{Access: gateway.AccessKey, Secret: gateway.SecretKey})
	_, err = c.store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	require.NoError(t, err)
	for _, uri := range []string{suspectURI, goodURI, otherURI} {
		key := strings.TrimPrefix(uri, "s3://"+bucket+"/") + "weights"
		_, err := c.store.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader("bytes of " + key)})
		require.NoError(t, err)
	}
	at, err := objects.ParseURI(goodURI)
	require.NoError(t, err)
	c.good, err = objects.Root(t.Context(), c.store, at, "")
	require.NoError(t, err)
}

func (c *cluster) startModels(t *testing.T) {
	t.Helper()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.models.ServeHTTP(w, r) }))
	t.Cleanup(front.Close)
	c.modelURL = front.URL
	c.models = modelserver.New(modelserver.Options{
		KubernetesURL: c.kubernetes.URL, Token: c.kubernetes.Tokens[controller], HTTPClient: c.http,
		S3: c.store, BaseURL: front.URL, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- c.models.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

type object = map[string]any

// call makes a request as the operator, past the provider.
func (c *cluster) call(ctx context.Context, method, path string, body object) (object, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.kubernetes.URL+path, bytes.NewReader(encoded))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.kubernetes.Tokens[company.Operator])
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, res.Status, answer)
	}
	var out object
	return out, json.Unmarshal(answer, &out)
}
