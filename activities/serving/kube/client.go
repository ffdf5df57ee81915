// Package kube is the little of the Kubernetes API that containment needs, over plain HTTP: objects are read, created,
// merged into and deleted, each change with a precondition. Nothing here knows what an object means.
package kube

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
)

const (
	// Manager is the field manager under which firebreak's changes are recorded in an object's managedFields.
	Manager = "firebreak"

	requestTimeout = 10 * time.Second
	// answerLimit is above the 1.5 MiB that etcd takes for one object; lists are of the few objects of one endpoint.
	answerLimit = 4 << 20
)

// Client reads and changes objects in every cluster of a kubeconfig.
type Client struct {
	contexts map[string]configContext
	timeout  time.Duration

	mu      sync.Mutex
	clients map[string]*http.Client
}

// New reads a kubeconfig. An empty path means KUBECONFIG, or else the service account of the pod that this runs in, or
// else ~/.kube/config. Contexts are checked when they are used: a context that nothing names may be anything.
func New(path string) (*Client, error) {
	if path == "" {
		path = os.Getenv("KUBECONFIG")
	}
	if path == "" {
		if c, ok := inCluster(os.Getenv, serviceAccountDir); ok {
			return newClient(map[string]configContext{InCluster: c}), nil
		}
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
	return newClient(contexts), nil
}

func newClient(contexts map[string]configContext) *Client {
	return &Client{contexts: contexts, timeout: requestTimeout, clients: map[string]*http.Client{}}
}

// WithTimeout returns a client of the same clusters that gives each request d.
func (c *Client) WithTimeout(d time.Duration) *Client {
	other := newClient(c.contexts)
	other.timeout = d
	return other
}

// Get reads an object, or a list if the reference has no name, into out. ErrNotFound is a final error.
func (c *Client) Get(ctx context.Context, r Ref, out any) error {
	return c.call(ctx, request{method: http.MethodGet, ref: r}, out)
}

// List reads the objects of a kind in a namespace that the label selector selects.
func (c *Client) List(ctx context.Context, r Ref, selector string, out any) error {
	r.Name = ""
	return c.call(ctx, request{method: http.MethodGet, ref: r, query: url.Values{"labelSelector": {selector}}}, out)
}

// Patch merges patch into an object (RFC 7386; null removes). A metadata.resourceVersion in the patch is a precondition:
// ErrConflict if the object has another by now.
func (c *Client) Patch(ctx context.Context, r Ref, patch map[string]any) error {
	return c.change(ctx, request{method: http.MethodPatch, ref: r, kind: "application/merge-patch+json"}, patch)
}

// Create makes an object. ErrExists if there is one of that name.
func (c *Client) Create(ctx context.Context, r Ref, object map[string]any) error {
	r.Name = ""
	return c.change(ctx, request{method: http.MethodPost, ref: r, kind: "application/json"}, object)
}

// Delete removes the object that was read with this metadata: ErrConflict if it has changed, or is another, by now.
func (c *Client) Delete(ctx context.Context, r Ref, m Metadata) error {
	return c.change(ctx, request{method: http.MethodDelete, ref: r, kind: "application/json"}, map[string]any{
		"apiVersion": "v1", "kind": "DeleteOptions",
		"preconditions": map[string]any{"uid": m.UID, "resourceVersion": m.ResourceVersion},
	})
}

// request is one call of the API.
type request struct {
	method string
	ref    Ref
	query  url.Values
	kind   string
	body   []byte
}

func (c *Client) change(ctx context.Context, r request, body any) error {
	var err error
	if r.body, err = json.Marshal(body); err != nil {
		return fmt.Errorf("encode %s of %s: %w", strings.ToLower(r.method), r.ref, err)
	}
	if r.method != http.MethodDelete {
		r.query = url.Values{"fieldManager": {Manager}}
	}
	return c.call(ctx, r, nil)
}

func (c *Client) call(ctx context.Context, r request, out any) error {
	what := strings.ToLower(r.method) + " " + r.ref.String()
	cluster, client, err := c.client(r.ref.Cluster)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	address := strings.TrimRight(cluster.cluster.Server, "/") + r.ref.path()
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	hr, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(r.body))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	hr.Header.Set("Accept", "application/json")
	if r.kind != "" {
		hr.Header.Set("Content-Type", r.kind)
	}
	token, err := cluster.bearer(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if token != "" {
		hr.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(hr)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer response.Body.Close()
	if err := readAnswer(response, out, token); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func readAnswer(response *http.Response, out any, token string) error {
	content, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if response.StatusCode/100 != 2 {
		return statusError(response, content, token)
	}
	var object struct {
		Kind     string   `json:"kind"`
		Metadata Metadata `json:"metadata"`
	}
	if err := json.Unmarshal(content, &object); err != nil {
		return errors.New("read answer: it is not JSON")
	}
	// A proxy's page or another server's JSON is no word of Kubernetes; the answer to a delete may be a Status.
	if object.Metadata.ResourceVersion == "" && object.Kind != "Status" {
		return errors.New("read answer: it is not an object of Kubernetes")
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(content, out); err != nil {
		return errors.New("read answer: it does not have the fields of its kind")
	}
	return nil
}

// client returns the context and its HTTP client, which is made once.
func (c *Client) client(name string) (configContext, *http.Client, error) {
	in, ok := c.contexts[name]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(c.contexts)), ", ")
		return in, nil, failure.New(failure.Invalid, "the kubeconfig has no context %q, which the inventory names as the cluster (it has: %s)", name, known)
	}
	if err := in.check(name); err != nil {
		return in, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if client, ok := c.clients[name]; ok {
		return in, client, nil
	}
	tls, err := in.tls()
	if err != nil {
		return in, nil, fmt.Errorf("use kubeconfig context %q: %w", name, err)
	}
	client := &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: tls, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: requestTimeout, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 4,
		},
		// A redirect would carry the patch elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.clients[name] = client
	return in, client, nil
}
