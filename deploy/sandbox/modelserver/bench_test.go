package modelserver_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/modelserver"
)

// bucket is an S3 that lists one object a page, so that paging is exercised.
type bucket struct {
	mu      sync.Mutex
	objects map[string]string
	down    bool
}

func (b *bucket) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return nil, errors.New("503 SlowDown")
	}
	var keys []string
	for key := range b.objects {
		path := *in.Bucket + "/" + *in.Prefix
		if strings.HasPrefix(key, path) && key > *in.Bucket+"/"+aws.ToString(in.ContinuationToken) {
			keys = append(keys, strings.TrimPrefix(key, *in.Bucket+"/"))
		}
	}
	slices.SortFunc(keys, cmp.Compare[string])
	if len(keys) == 0 {
		return &s3.ListObjectsV2Output{}, nil
	}
	return &s3.ListObjectsV2Output{
		Contents: []types.Object{{Key: &keys[0]}}, IsTruncated: aws.Bool(len(keys) > 1), NextContinuationToken: &keys[0],
	}, nil
}

func (b *bucket) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, ok := b.objects[*in.Bucket+"/"+*in.Key]
	if !ok {
		return nil, &types.NoSuchKey{}
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(strings.NewReader(content))}, nil
}

func (b *bucket) set(down bool, objects map[string]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
	for key, content := range objects {
		b.objects[key] = content
	}
}

// The figures are from `printf`, `sha256sum` and `xxd -r -p`, not from Go.
const (
	goodURI    = "s3://models/credit/v1/"
	goodDigest = "sha256:d406970a9091f7f9a694d740d1dff619fa0bac9ba19f71d4eef8c26652d7eb58"
	badURI     = "s3://models/credit/v2"
	badDigest  = "sha256:6405e06f65889ed778762d1d443e31c0ed6cd6f0896f1d4e31784a0d67efb243"
	service    = "lending/credit-scorer"
)

// How long an event may take on a busy machine, and how often it is looked for.
const (
	wait = 20 * time.Second
	tick = 5 * time.Millisecond
)

type bench struct {
	kube    *fakeKubernetes
	s3      *bucket
	server  *modelserver.Server
	url     string
	records *bytes.Buffer
	mu      *sync.Mutex
}

// newBench runs a model server over fakes; change may adapt its options.
func newBench(t *testing.T, change func(*modelserver.Options)) *bench {
	t.Helper()
	b := &bench{kube: newFakeKubernetes(t), records: new(bytes.Buffer), mu: new(sync.Mutex), s3: &bucket{objects: map[string]string{
		"models/credit/v1/":                    "",
		"models/credit/v1/weights.safetensors": "good weights",
		"models/credit/v1/config/a.json":       "{}",
		"models/credit/v1/config.json":         `{"layers":2}`,
		"models/credit/v10/weights":            "a neighbour with the same first letters",
		"models/credit/v2/weights.safetensors": "poisoned weights",
	}}}
	handler := http.NewServeMux()
	listener := httptest.NewServer(handler)
	t.Cleanup(listener.Close)
	b.url = listener.URL
	write := modelserver.RecordTo(b.records, func(err error) { t.Error(err) })
	opts := modelserver.Options{
		KubernetesURL: b.kube.URL, Token: apiToken, S3: b.s3, BaseURL: listener.URL + "/",
		Logger: slog.New(slog.DiscardHandler),
		Now:    func() time.Time { return time.Unix(1_700_000_000, 0) },
		Record: func(r modelserver.Request) {
			b.mu.Lock()
			defer b.mu.Unlock()
			write(r)
		},
	}
	if change != nil {
		change(&opts)
	}
	b.server = modelserver.New(opts)
	handler.Handle("/", b.server)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	return b
}

func storage(uri string) object {
	return object{"spec": object{"predictor": object{"model": object{"storageUri": uri}}}}
}

func annotate(name, value string) object {
	return object{"metadata": object{"annotations": object{"serving.kserve.io/" + name: value}}}
}

func (b *bench) get(t *testing.T, path string) (int, string, map[string]any) {
	t.Helper()
	res, err := http.Get(b.url + "/" + service + path)
	require.NoError(t, err)
	defer res.Body.Close()
	var body map[string]any
	_ = json.NewDecoder(res.Body).Decode(&body) // a 404 has no JSON
	return res.StatusCode, res.Header.Get("X-Model-Digest"), body
}

const predictPath = "/v1/models/credit-scorer:predict"

// digest is what the data plane states, "" when there is no route.
func (b *bench) digest(t *testing.T) string {
	t.Helper()
	status, digest, body := b.get(t, predictPath)
	if status == http.StatusNotFound {
		return ""
	}
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, digest, body["digest"])
	return digest
}

func (b *bench) waitFor(t *testing.T, want status) {
	t.Helper()
	if want.url == "-" {
		want.url = b.url + "/" + service
	}
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		require.Equal(c, want, b.kube.status(t, service))
	}, wait, tick)
}

func loaded() status {
	return status{ready: "True", predictor: "True", active: "Loaded", target: "Loaded", url: "-"}
}

func stopped() status { return status{ready: "False", predictor: "False", reason: "Stopped"} }

func failedToLoad(url string) status {
	return status{ready: "False", predictor: "False", reason: "ModelLoadFailed", active: "FailedToLoad", target: "FailedToLoad", url: url}
}
