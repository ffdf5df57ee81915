// Package kubefake is a Kubernetes API server for tests that knows one kind of object: KServe's InferenceService. It has
// the API's resource versions, merge patches and conflicts, asks for a bearer token over TLS, and counts patches.
package kubefake

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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
}

// New starts a server that ends with the test.
func New(t *testing.T) *Server {
	t.Helper()
	s := &Server{objects: map[string]Object{}, version: 100}
	web := httptest.NewTLSServer(s)
	t.Cleanup(web.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	s.Kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	content := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: %[1]s
clusters: [{name: c, cluster: {server: %[2]q, certificate-authority-data: %[3]s}}]
users: [{name: u, user: {token: %[4]s}}]
contexts: [{name: %[1]s, context: {cluster: c, user: u}}]
`, Context, web.URL, base64.StdEncoding.EncodeToString(authority), Token)
	require.NoError(t, os.WriteFile(s.Kubeconfig, []byte(content), 0o600))
	return s
}

// Put stores an InferenceService that loads storageURI and has the annotations.
func (s *Server) Put(namespace, name, storageURI string, annotations map[string]string) {
	held := Object{}
	for k, v := range annotations {
		held[k] = v
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.objects[namespace+"/"+name] = Object{
		"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
		"metadata": Object{"name": name, "namespace": namespace, "resourceVersion": strconv.Itoa(s.version), "annotations": held},
		"spec":     Object{"predictor": Object{"model": Object{"storageUri": storageURI}}},
	}
}

// Merge changes an object as another writer would.
func (s *Server) Merge(namespace, name string, patch Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.merge(s.objects[namespace+"/"+name], patch)
}

// BeforeNextPatch runs hook once, before the next patch is looked at.
func (s *Server) BeforeNextPatch(hook func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beforeOne = hook
}

// Patches returns the bodies of the patches that were applied.
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
	held, _ := s.objects[namespace+"/"+name]["metadata"].(Object)["annotations"].(Object)
	for k, v := range held {
		out[k], _ = v.(string)
	}
	return out
}

// StorageURI returns what an object's predictor loads.
func (s *Server) StorageURI(namespace, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	predictor, _ := s.objects[namespace+"/"+name]["spec"].(Object)["predictor"].(Object)
	uri, _ := predictor["model"].(Object)["storageUri"].(string)
	return uri
}

// ServeHTTP answers GET and merge patches of single objects.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+Token {
		answer(w, http.StatusUnauthorized, Object{"kind": "Status", "message": "Unauthorized"})
		return
	}
	if r.Method == http.MethodPatch {
		s.mu.Lock()
		hook := s.beforeOne
		s.beforeOne = nil
		s.mu.Unlock()
		if hook != nil {
			hook()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/apis/serving.kserve.io/v1beta1/namespaces/"), "/")
	if len(parts) != 3 || parts[1] != "inferenceservices" {
		answer(w, http.StatusNotFound, Object{"kind": "Status", "message": "the server could not find the requested resource"})
		return
	}
	object, ok := s.objects[parts[0]+"/"+parts[2]]
	switch {
	case !ok:
		answer(w, http.StatusNotFound, Object{"kind": "Status", "message": fmt.Sprintf("inferenceservices.serving.kserve.io %q not found", parts[2])})
	case r.Method == http.MethodGet:
		answer(w, http.StatusOK, object)
	case r.Method == http.MethodPatch:
		s.patch(w, r, object)
	default:
		answer(w, http.StatusMethodNotAllowed, Object{"kind": "Status"})
	}
}

func (s *Server) patch(w http.ResponseWriter, r *http.Request, object Object) {
	var patch Object
	if r.Header.Get("Content-Type") != "application/merge-patch+json" {
		answer(w, http.StatusUnsupportedMediaType, Object{"kind": "Status", "message": "unsupported patch"})
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&patch); err != nil {
		answer(w, http.StatusBadRequest, Object{"kind": "Status", "message": err.Error()})
		return
	}
	metadata, _ := patch["metadata"].(Object)
	if wanted, ok := metadata["resourceVersion"]; ok && wanted != object["metadata"].(Object)["resourceVersion"] {
		answer(w, http.StatusConflict, Object{"kind": "Status", "message": "the object has been modified; please apply your changes to the latest version and try again"})
		return
	}
	s.merge(object, patch)
	text, _ := json.Marshal(patch)
	s.patches = append(s.patches, string(text))
	answer(w, http.StatusOK, object)
}

func (s *Server) merge(object, patch Object) {
	mergeInto(object, patch)
	s.version++
	object["metadata"].(Object)["resourceVersion"] = strconv.Itoa(s.version)
}

// mergeInto is RFC 7386.
func mergeInto(object, patch Object) {
	for name, v := range patch {
		inner, isObject := v.(Object)
		switch {
		case v == nil:
			delete(object, name)
		case isObject:
			old, ok := object[name].(Object)
			if !ok {
				old = Object{}
				object[name] = old
			}
			mergeInto(old, inner)
		default:
			object[name] = v
		}
	}
}

func answer(w http.ResponseWriter, code int, body Object) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client has gone
}
