// Package kubefake is a Kubernetes API server for tests. It keeps whatever objects it is given, knows none of their
// meanings, and has the API's resource versions, merge patches, preconditions, conflicts and managed fields; it asks for a
// bearer token over TLS and counts changes.
package kubefake

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Context is the only context of the kubeconfig, and Token its bearer token.
const (
	Context = "eu-1"
	Token   = "kube-token-hunter2"
)

// Object is an InferenceService as JSON.
type Object = map[string]any

// Server is the API server.
type Server struct {
	// Kubeconfig is the path of a kubeconfig for the server.
	Kubeconfig string

	mu        sync.Mutex
	version   int
	objects   map[string]Object
	patches   []string
	beforeOne func()
	afterEach func()
}

// New starts a server that ends with the test.
func New(t *testing.T) *Server {
	t.Helper()
	s := &Server{objects: map[string]Object{}, version: 100}
	s.Kubeconfig = Kubeconfig(t, s)
	return s
}

// Kubeconfig serves an API over TLS until the test ends, and returns the path of a kubeconfig for it.
func Kubeconfig(t *testing.T, api http.Handler) string {
	t.Helper()
	web := httptest.NewTLSServer(api)
	t.Cleanup(web.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	path := filepath.Join(t.TempDir(), "kubeconfig")
	content := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: %[1]s
clusters: [{name: c, cluster: {server: %[2]q, certificate-authority-data: %[3]s}}]
users: [{name: u, user: {token: %[4]s}}]
contexts: [{name: %[1]s, context: {cluster: c, user: u}}]
`, Context, web.URL, base64.StdEncoding.EncodeToString(authority), Token)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// Put stores an InferenceService that loads storageURI and has the annotations.
func (s *Server) Put(namespace, name, storageURI string, annotations map[string]string) {
	held := Object{}
	for k, v := range annotations {
		held[k] = v
	}
	s.Add(inferenceService(namespace, name), Object{
		"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
		"metadata": Object{"annotations": held},
		"spec":     Object{"predictor": Object{"model": Object{"storageUri": storageURI}}},
	})
}

func inferenceService(namespace, name string) string {
	return "/apis/serving.kserve.io/v1beta1/namespaces/" + namespace + "/inferenceservices/" + name
}

// Add stores an object under its path in the API, e.g. /apis/apps/v1/namespaces/lending/deployments/credit.
func (s *Server) Add(path string, object Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(path, object)
}

func (s *Server) add(path string, object Object) {
	metadata, ok := object["metadata"].(Object)
	if !ok {
		metadata = Object{}
		object["metadata"] = metadata
	}
	parts := strings.Split(path, "/")
	s.version++
	metadata["name"], metadata["namespace"] = parts[len(parts)-1], parts[len(parts)-3]
	metadata["resourceVersion"], metadata["uid"] = strconv.Itoa(s.version), "uid-"+strconv.Itoa(s.version)
	metadata["generation"] = 1
	s.objects[path] = object
}

// Object returns what is stored under a path, as JSON without what the server adds by itself, or "" if nothing is.
func (s *Server) Object(path string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	object, ok := s.objects[path]
	if !ok {
		return ""
	}
	object = clone(object)
	metadata, _ := object["metadata"].(Object)
	for _, name := range []string{"resourceVersion", "generation", "managedFields", "uid"} {
		delete(metadata, name)
	}
	if held, ok := metadata["annotations"].(Object); ok && len(held) == 0 {
		delete(metadata, "annotations")
	}
	text, _ := json.Marshal(object)
	return string(text)
}

// All returns every object as Object does, by path.
func (s *Server) All() map[string]string {
	s.mu.Lock()
	paths := slices.Collect(maps.Keys(s.objects))
	s.mu.Unlock()
	out := make(map[string]string, len(paths))
	for _, path := range paths {
		out[path] = s.Object(path)
	}
	return out
}

func clone(o Object) Object {
	text, _ := json.Marshal(o)
	var out Object
	_ = json.Unmarshal(text, &out) // it was JSON a moment ago
	return out
}

// Merge changes an InferenceService as another writer would.
func (s *Server) Merge(namespace, name string, patch Object) {
	s.MergeAt(inferenceService(namespace, name), patch)
}

// MergeAt changes an object as the writer "argocd-controller" would.
func (s *Server) MergeAt(path string, patch Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.merge(s.objects[path], patch, "argocd-controller")
}

// Drop removes an object as another writer would.
func (s *Server) Drop(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, path)
}

// BeforeNextPatch runs hook once, before the next change is looked at.
func (s *Server) BeforeNextPatch(hook func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beforeOne = hook
}

// AfterEachChange runs hook after each change from now on, as a GitOps controller does that puts things back.
func (s *Server) AfterEachChange(hook func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.afterEach = hook
}

// Patches returns the bodies of the changes that were applied; a deletion is "DELETE" and the path.
func (s *Server) Patches() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.patches...)
}

// Annotations returns an object's annotations.
func (s *Server) Annotations(namespace, name string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]string{}
	held, _ := s.objects[inferenceService(namespace, name)]["metadata"].(Object)["annotations"].(Object)
	for k, v := range held {
		out[k], _ = v.(string)
	}
	return out
}

// StorageURI returns what an object's predictor loads.
func (s *Server) StorageURI(namespace, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	predictor, _ := s.objects[inferenceService(namespace, name)]["spec"].(Object)["predictor"].(Object)
	uri, _ := predictor["model"].(Object)["storageUri"].(string)
	return uri
}
