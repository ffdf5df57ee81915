package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/build"
)

const services = "/apis/serving.kserve.io/v1beta1/namespaces/fraud/inferenceservices"

// kubernetesClient makes requests as one user of a server.
type kubernetesClient struct {
	t      *testing.T
	server *Kubernetes
	http   *http.Client
	token  string
}

func startKubernetes(t *testing.T) kubernetesClient {
	t.Helper()
	path, began := binary(t, build.Kubernetes), time.Now()
	server, err := Again(func() (*Kubernetes, error) {
		return StartKubernetes(t.Context(), path, t.TempDir(), KubernetesOptions{Users: []string{"responder", "intruder"}})
	})
	require.NoError(t, err)
	t.Logf("kubernetes started in %s", time.Since(began).Round(time.Millisecond))
	stopsAtTheEnd(t, server.Process, server.URL)
	c, err := server.Client()
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return kubernetesClient{t, server, c, server.Tokens["responder"]}
}

func (c kubernetesClient) do(method, path, contentType string, body any) (int, map[string]any) {
	c.t.Helper()
	encoded, err := json.Marshal(body)
	require.NoError(c.t, err)
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+path, bytes.NewReader(encoded))
	require.NoError(c.t, err)
	req.Header.Set("Content-Type", contentType)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	var decoded map[string]any
	require.NoError(c.t, json.Unmarshal(answer, &decoded), "%s", answer)
	return resp.StatusCode, decoded
}

// nextEvent is the type of the first event of a watch.
func (c kubernetesClient) nextEvent(path string) string {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.server.URL+path, nil)
	require.NoError(c.t, err)
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	var event struct{ Type string }
	require.NoError(c.t, json.NewDecoder(resp.Body).Decode(&event))
	return event.Type
}

func (c kubernetesClient) patch(path string, body any) (int, map[string]any) {
	c.t.Helper()
	return c.do(http.MethodPatch, path, "application/merge-patch+json", body)
}

func resourceVersion(t *testing.T, object map[string]any) string {
	t.Helper()
	version, _ := object["metadata"].(map[string]any)["resourceVersion"].(string)
	require.NotEmpty(t, version)
	return version
}

func inferenceService(name string) map[string]any {
	return map[string]any{
		"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
		"metadata": map[string]any{"name": name},
		"spec":     map[string]any{"predictor": map[string]any{"model": map[string]any{"storageUri": "s3://checkpoints/fraud-7"}}},
	}
}

func stop(version string) map[string]any {
	metadata := map[string]any{"annotations": map[string]any{"serving.kserve.io/stop": "true"}}
	if version != "" {
		metadata["resourceVersion"] = version
	}
	return map[string]any{"metadata": metadata}
}

func TestKubernetesServesInferenceServices(t *testing.T) {
	t.Parallel()
	c := startKubernetes(t)
	code, created := c.do(http.MethodPost, services, "application/json", inferenceService("scorer"))
	require.Equal(t, http.StatusCreated, code, created)
	old := resourceVersion(t, created)

	code, stopped := c.patch(services+"/scorer", stop(old))
	require.Equal(t, http.StatusOK, code, stopped)
	require.NotEqual(t, old, resourceVersion(t, stopped))
	code, refused := c.patch(services+"/scorer", stop(old))
	require.Equal(t, http.StatusConflict, code)
	require.Equal(t, "Conflict", refused["reason"])

	code, _ = c.patch(services+"/scorer/status", map[string]any{
		"status": map[string]any{"url": "http://127.0.0.1:1"}, "spec": map[string]any{"predictor": nil},
	})
	require.Equal(t, http.StatusOK, code)
	code, read := c.do(http.MethodGet, services+"/scorer", "application/json", nil)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "http://127.0.0.1:1", read["status"].(map[string]any)["url"])
	require.NotEmpty(t, read["spec"].(map[string]any)["predictor"], "a change of the status changed the spec")

	require.Equal(t, "MODIFIED", c.nextEvent(services+"?watch=true&resourceVersion="+resourceVersion(t, stopped)))
	code, _ = c.do(http.MethodGet, services+"/absent", "application/json", nil)
	require.Equal(t, http.StatusNotFound, code)
	require.Equal(t, []string{
		"responder create 201", "responder patch 200", "responder patch 409", "responder patch 200",
	}, auditedRequests(t, c.server))
}

// auditedRequests is who did what with which answer, in order.
func auditedRequests(t *testing.T, server *Kubernetes) []string {
	t.Helper()
	log, err := os.ReadFile(server.AuditLog)
	require.NoError(t, err)
	var requests []string
	for line := range bytes.Lines(log) {
		var event struct {
			Verb, RequestURI string
			User             struct{ Username string }
			ResponseStatus   struct{ Code int }
			ResponseObject   struct {
				Kind     string
				Metadata struct{ ResourceVersion string }
			}
		}
		require.NoError(t, json.Unmarshal(line, &event))
		require.Contains(t, event.RequestURI, services)
		if event.ResponseObject.Kind == "InferenceService" {
			require.NotEmpty(t, event.ResponseObject.Metadata.ResourceVersion)
		}
		requests = append(requests, fmt.Sprintf("%s %s %d", event.User.Username, event.Verb, event.ResponseStatus.Code))
	}
	return requests
}

func TestKubernetesRefusesWhoItDoesNotKnow(t *testing.T) {
	t.Parallel()
	c := startKubernetes(t)
	for name, token := range map[string]string{"no token": "", "a wrong token": "0123456789"} {
		c.token = token
		for _, path := range []string{services, "/version", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"} {
			code, _ := c.do(http.MethodGet, path, "application/json", nil)
			require.Equal(t, http.StatusUnauthorized, code, "%s at %s", name, path)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.server.URL+"/version", nil)
	require.NoError(t, err)
	_, err = httpClient.Do(req)
	require.ErrorContains(t, err, "certificate signed by unknown authority")
}

func TestKubernetesKeepsItsObjectsOverARestart(t *testing.T) {
	t.Parallel()
	c := startKubernetes(t)
	code, created := c.do(http.MethodPost, services, "application/json", inferenceService("scorer"))
	require.Equal(t, http.StatusCreated, code)
	require.NoError(t, c.server.Restart(t.Context()))
	c.http.CloseIdleConnections()
	code, read := c.do(http.MethodGet, services+"/scorer", "application/json", nil)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, resourceVersion(t, created), resourceVersion(t, read))
	kubeconfig, err := os.ReadFile(c.server.Kubeconfig)
	require.NoError(t, err)
	require.Contains(t, string(kubeconfig), c.server.URL)
}

const policies = "/apis/networking.k8s.io/v1/namespaces/fraud/networkpolicies"

func networkPolicy(name, kind string) map[string]any {
	return map[string]any{
		"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"podSelector": map[string]any{"matchLabels": map[string]any{"app": "scorer"}}, "policyTypes": []any{kind}, "ingress": []any{}},
	}
}

func TestKubernetesServesNetworkPolicies(t *testing.T) {
	t.Parallel()
	c := startKubernetes(t)
	code, created := c.do(http.MethodPost, policies, "application/json", networkPolicy("fence", "Ingress"))
	require.Equal(t, http.StatusCreated, code, created)
	code, list := c.do(http.MethodGet, policies, "application/json", nil)
	require.Equal(t, http.StatusOK, code)
	require.Len(t, list["items"], 1)
	code, refused := c.do(http.MethodPost, policies, "application/json", networkPolicy("wrong", "Sideways"))
	require.Equal(t, http.StatusUnprocessableEntity, code, refused)
	gone := map[string]any{"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": map[string]any{"resourceVersion": "1"}}
	code, _ = c.do(http.MethodDelete, policies+"/fence", "application/json", gone)
	require.Equal(t, http.StatusConflict, code, "it has changed since")
	code, _ = c.do(http.MethodDelete, policies+"/fence", "application/json", nil)
	require.Equal(t, http.StatusOK, code)
}

// What firebreak ships as the worker's role is all that the worker may do, and pods are reached only through this server.
func TestKubernetesAsksTheRole(t *testing.T) {
	t.Parallel()
	var seen []string
	pods := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
		_, _ = w.Write([]byte(`{"kind":"PodList"}`))
	}))
	t.Cleanup(pods.Close)
	path := binary(t, build.Kubernetes)
	server, err := Again(func() (*Kubernetes, error) {
		return StartKubernetes(t.Context(), path, t.TempDir(), KubernetesOptions{
			Users: []string{"operator", "responder"}, Roles: map[string]string{"responder": filepath.Join("..", "..", "kubernetes", "worker.yaml")},
			Pods: pods.URL, PodsToken: "the node's token",
		})
	})
	require.NoError(t, err)
	stopsAtTheEnd(t, server.Process, server.URL)
	client, err := server.Client()
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	operator := kubernetesClient{t, server, client, server.Tokens["operator"]}
	code, answer := operator.do(http.MethodPost, services, "application/json", inferenceService("scorer"))
	require.Equal(t, http.StatusCreated, code, answer)

	worker := kubernetesClient{t, server, client, server.Tokens["responder"]}
	core := "/api/v1/namespaces/fraud/"
	cases := []struct {
		method, path string
		body         any
		want         int
	}{
		{http.MethodGet, services + "/scorer", nil, http.StatusOK},
		{http.MethodPatch, services + "/scorer", stop(""), http.StatusOK},
		{http.MethodPost, policies, networkPolicy("fence", "Ingress"), http.StatusCreated},
		{http.MethodDelete, policies + "/fence", nil, http.StatusOK},
		{http.MethodGet, core + "pods", nil, http.StatusOK},
		{http.MethodGet, core + "pods/a/log", nil, http.StatusOK},
		{http.MethodGet, core + "pods/a/exec", nil, http.StatusOK},
		{http.MethodGet, core + "events", nil, http.StatusOK},

		{http.MethodPost, services, inferenceService("another"), http.StatusForbidden},
		{http.MethodDelete, services + "/scorer", nil, http.StatusForbidden},
		{http.MethodPatch, services + "/scorer/status", map[string]any{"status": map[string]any{}}, http.StatusForbidden},
		{http.MethodPost, core + "pods", map[string]any{}, http.StatusForbidden},
		{http.MethodDelete, core + "pods/a", nil, http.StatusForbidden},
		{http.MethodGet, core + "pods/a/attach", nil, http.StatusForbidden},
		{http.MethodGet, core + "pods/a/portforward", nil, http.StatusForbidden},
		{http.MethodGet, core + "secrets", nil, http.StatusForbidden},
		{http.MethodGet, core + "secrets/db", nil, http.StatusForbidden},
		{http.MethodGet, core + "configmaps", nil, http.StatusForbidden},
		{http.MethodPost, core + "serviceaccounts/default/token", map[string]any{}, http.StatusForbidden},
		{http.MethodPatch, "/apis/rbac.authorization.k8s.io/v1/clusterroles/firebreak-worker", map[string]any{}, http.StatusForbidden},
		{http.MethodGet, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", nil, http.StatusForbidden},
		{http.MethodGet, "/metrics", nil, http.StatusForbidden},
	}
	for _, each := range cases {
		kind := "application/json"
		if each.method == http.MethodPatch {
			kind = "application/merge-patch+json"
		}
		code, answer := worker.do(each.method, each.path, kind, each.body)
		require.Equal(t, each.want, code, "%s %s: %v", each.method, each.path, answer)
	}
	require.Len(t, seen, 4, "what is refused is not forwarded")
	for _, each := range seen {
		require.Contains(t, each, " Bearer the node's token")
	}
}
