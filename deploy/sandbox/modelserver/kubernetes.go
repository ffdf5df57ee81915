package modelserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// resource is where the API keeps InferenceServices.
const resource = "/apis/serving.kserve.io/v1beta1"

// kubernetes is the little of the API that a controller needs, over plain HTTP
// (https://kubernetes.io/docs/reference/using-api/api-concepts/).
type kubernetes struct {
	base   string
	token  string
	client *http.Client
}

// errExpired is HTTP 410 Gone: the resourceVersion is too old, list again.
var errExpired = errors.New("resource version has expired")

type serviceList struct {
	Metadata struct {
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Items []inferenceService `json:"items"`
}

func (k *kubernetes) list(ctx context.Context) (*serviceList, error) {
	res, err := k.do(ctx, http.MethodGet, resource+"/inferenceservices", nil)
	if err != nil {
		return nil, fmt.Errorf("list inference services: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	var list serviceList
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
		return nil, fmt.Errorf("decode list of inference services: %w", err)
	}
	return &list, nil
}

type watchEvent string

const (
	added    watchEvent = "ADDED"
	modified watchEvent = "MODIFIED"
	deleted  watchEvent = "DELETED"
	failed   watchEvent = "ERROR"
)

// watch calls see for each change after version, until the stream ends, which
// is no error, or breaks.
func (k *kubernetes) watch(ctx context.Context, version string, see func(watchEvent, *inferenceService)) error {
	query := url.Values{"watch": {"true"}, "resourceVersion": {version}, "timeoutSeconds": {"300"}}
	res, err := k.do(ctx, http.MethodGet, resource+"/inferenceservices?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("watch inference services: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	stream := json.NewDecoder(res.Body)
	for {
		var event struct {
			Type   watchEvent      `json:"type"`
			Object json.RawMessage `json:"object"`
		}
		if err := stream.Decode(&event); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read watch of inference services: %w", err)
		}
		switch event.Type {
		case added, modified, deleted:
			var service inferenceService
			if err := json.Unmarshal(event.Object, &service); err != nil {
				return fmt.Errorf("decode watched inference service: %w", err)
			}
			see(event.Type, &service)
		case failed:
			return watchFailure(event.Object)
		}
	}
}

func watchFailure(object json.RawMessage) error {
	var status struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(object, &status); err != nil {
		return fmt.Errorf("decode watch error: %w", err)
	}
	if status.Code == http.StatusGone {
		return errExpired
	}
	return fmt.Errorf("watch inference services: %d %s", status.Code, status.Message)
}

// patchStatus merges into the status subresource. An object that is gone needs
// no status and is no error.
func (k *kubernetes) patchStatus(ctx context.Context, key endpointKey, status map[string]any) error {
	body, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return fmt.Errorf("encode status of %s/%s: %w", key.namespace, key.name, err)
	}
	path := resource + "/namespaces/" + url.PathEscape(key.namespace) + "/inferenceservices/" + url.PathEscape(key.name) + "/status"
	res, err := k.do(ctx, http.MethodPatch, path, body)
	var answer *statusError
	if errors.As(err, &answer) && answer.code == http.StatusNotFound {
		return nil
	}
	if err != nil {
		return fmt.Errorf("patch status of %s/%s: %w", key.namespace, key.name, err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body) // so that the connection is used again
	return nil
}

// statusError is an answer other than 2xx.
type statusError struct {
	code int
	body string
}

func (e *statusError) Error() string { return fmt.Sprintf("http status %d: %s", e.code, e.body) }

func (e *statusError) Is(target error) bool {
	return target == errExpired && e.code == http.StatusGone
}

func (k *kubernetes) do(ctx context.Context, method, path string, patch []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, k.base+path, bytes.NewReader(patch))
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	if patch != nil {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	req.Header.Set("Accept", "application/json")
	if k.token != "" {
		req.Header.Set("Authorization", "Bearer "+k.token)
	}
	res, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 512)) // the status says enough without it
	return nil, &statusError{code: res.StatusCode, body: string(text)}
}
