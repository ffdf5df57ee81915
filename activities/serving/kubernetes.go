package serving

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"firebreak/activities/failure"
	"firebreak/internal/inventory"
)

const (
	requestTimeout = 10 * time.Second
	// objectLimit is above the 1.5 MiB that etcd takes for one object.
	objectLimit = 4 << 20
)

// ErrConflict means that the object was changed since it was read.
var ErrConflict = errors.New("the object was changed meanwhile")

// Kubernetes reads and patches InferenceServices. An endpoint's serving.cluster names the kubeconfig context.
type Kubernetes struct {
	contexts map[string]configContext

	mu      sync.Mutex
	clients map[string]*http.Client
}

// NewKubernetes reads a kubeconfig. An empty path means KUBECONFIG, or else ~/.kube/config. Contexts are checked when
// they are used: a context that nothing names may be anything.
func NewKubernetes(path string) (*Kubernetes, error) {
	if path == "" {
		path = os.Getenv("KUBECONFIG")
	}
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, fmt.Errorf("find kubeconfig: set KUBECONFIG: %w", err)
		}
		path = filepath.Join(home, ".kube", "config")
	}
	contexts, err := loadKubeconfig(path)
	if err != nil {
		return nil, err
	}
	return &Kubernetes{contexts: contexts, clients: map[string]*http.Client{}}, nil
}

// Get reads an InferenceService. One that does not exist is a final error.
func (k *Kubernetes) Get(ctx context.Context, s inventory.Serving) (*InferenceService, error) {
	return k.call(ctx, http.MethodGet, s, nil)
}

// Patch merges patch into an InferenceService (RFC 7386; null removes). A metadata.resourceVersion in the patch is a
// precondition: ErrConflict if the object has another by now.
func (k *Kubernetes) Patch(ctx context.Context, s inventory.Serving, patch map[string]any) (*InferenceService, error) {
	body, err := json.Marshal(patch)
	if err != nil {
		return nil, fmt.Errorf("encode patch: %w", err)
	}
	return k.call(ctx, http.MethodPatch, s, body)
}

func (k *Kubernetes) call(ctx context.Context, method string, s inventory.Serving, body []byte) (*InferenceService, error) {
	what := fmt.Sprintf("%s InferenceService %s/%s in %s", strings.ToLower(method), s.Namespace, s.Name, s.Cluster)
	c, client, err := k.client(s.Cluster)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	address := fmt.Sprintf("%s/apis/serving.kserve.io/v1beta1/namespaces/%s/inferenceservices/%s",
		strings.TrimRight(c.cluster.Server, "/"), url.PathEscape(s.Namespace), url.PathEscape(s.Name))
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	token, err := c.token()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer response.Body.Close()
	out, err := readObject(response)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return out, nil
}

func readObject(response *http.Response) (*InferenceService, error) {
	content, err := io.ReadAll(io.LimitReader(response.Body, objectLimit))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if response.StatusCode/100 != 2 {
		return nil, statusError(response.StatusCode, content)
	}
	var out InferenceService
	if err := json.Unmarshal(content, &out); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if out.Metadata.ResourceVersion == "" {
		return nil, errors.New("read answer: it is not an object of Kubernetes")
	}
	return &out, nil
}

// statusError turns a Kubernetes Status into an error. An object that is not there and a patch that is not valid stay
// so; anything else may pass or be put right by a person, and is tried again.
func statusError(code int, content []byte) error {
	var status struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(content, &status) // a proxy's answer may not be a Status; the code says enough
	text := fmt.Sprintf("HTTP %d", code)
	if status.Message != "" {
		text += ": " + status.Message[:min(len(status.Message), 300)]
	}
	switch code {
	case http.StatusConflict:
		return fmt.Errorf("%w: %s", ErrConflict, text)
	case http.StatusNotFound, http.StatusBadRequest, http.StatusUnprocessableEntity:
		return failure.New(failure.Invalid, "%s", text)
	}
	return errors.New(text)
}

// client returns the context and its HTTP client, which is made once.
func (k *Kubernetes) client(name string) (configContext, *http.Client, error) {
	c, ok := k.contexts[name]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(k.contexts)), ", ")
		return c, nil, failure.New(failure.Invalid, "the kubeconfig has no context %q, which the inventory names as the cluster (it has: %s)", name, known)
	}
	if err := c.check(name); err != nil {
		return c, nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if client, ok := k.clients[name]; ok {
		return c, client, nil
	}
	tls, err := c.tls()
	if err != nil {
		return c, nil, fmt.Errorf("use kubeconfig context %q: %w", name, err)
	}
	client := &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: tls, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: requestTimeout, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 4,
		},
		// A redirect would carry the patch elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	k.clients[name] = client
	return c, client, nil
}
