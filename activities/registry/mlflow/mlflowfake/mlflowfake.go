// Package mlflowfake is MLflow's model registry in memory for tests, with the answers that MLflow 3 gives. It can fail as
// a server fails: refuse, be slow, act and answer with an error all the same, and have a neighbour who writes in between.
package mlflowfake

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Token is the login that the server wants.
const Token = "mlflow-canary-token"

// Version is one version of a registered model.
type Version struct {
	Status, Stage, Source string
	Tags                  map[string]string
}

// Server is the registry.
type Server struct {
	URL string

	mu       sync.Mutex
	versions map[string]map[string]*Version
	aliases  map[string]map[string]string
	writes   []string
	before   func(call string)
	fail     func(call string) (status int, acted bool)
}

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{versions: map[string]map[string]*Version{}, aliases: map[string]map[string]string{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Put stores a version.
func (s *Server) Put(name, version string, v Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.versions[name] == nil {
		s.versions[name], s.aliases[name] = map[string]*Version{}, map[string]string{}
	}
	if v.Tags == nil {
		v.Tags = map[string]string{}
	}
	s.versions[name][version] = &v
}

// Point sets an alias; with an empty version it deletes it.
func (s *Server) Point(name, alias, version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delete(s.aliases[name], alias); version != "" {
		s.aliases[name][alias] = version
	}
}

// State is a copy of a version with its aliases.
func (s *Server) State(name, version string) (Version, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := *s.versions[name][version]
	v.Tags = maps.Clone(v.Tags)
	return v, s.aliasesOf(name, version)
}

// Writes are the calls that changed something, by their paths.
func (s *Server) Writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

// Fail makes calls fail with a status, after they acted if acted is true. A status of 0 lets the call be.
func (s *Server) Fail(f func(call string) (status int, acted bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = f
}

// Before is called before each call is served.
func (s *Server) Before(f func(call string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

func (s *Server) aliasesOf(name, version string) []string {
	var out []string
	for a, v := range s.aliases[name] {
		if v == version {
			out = append(out, a)
		}
	}
	slices.Sort(out)
	return out
}

// ServeHTTP serves the REST API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api/2.0/mlflow/")
	s.mu.Lock()
	before, fail := s.before, s.fail
	s.mu.Unlock()
	if before != nil {
		before(call)
	}
	if r.Header.Get("Authorization") != "Bearer "+Token {
		refuse(w, http.StatusUnauthorized, "")
		return
	}
	status, acted := 0, false
	if fail != nil {
		status, acted = fail(call)
	}
	if status != 0 && !acted {
		refuse(w, status, "INTERNAL_ERROR")
		return
	}
	in, ok := read(r)
	if !ok {
		refuse(w, http.StatusBadRequest, "INVALID_PARAMETER_VALUE")
		return
	}
	s.mu.Lock()
	out, code := s.serve(call, in)
	s.mu.Unlock()
	switch {
	case status != 0:
		refuse(w, status, "INTERNAL_ERROR")
	case code == "RESOURCE_DOES_NOT_EXIST":
		refuse(w, http.StatusNotFound, code)
	case code != "":
		refuse(w, http.StatusBadRequest, code)
	default:
		_ = json.NewEncoder(w).Encode(out)
	}
}

// read returns the parameters. MLflow is strict about their types: all are texts but one.
func read(r *http.Request) (map[string]string, bool) {
	in := map[string]string{}
	if r.Method == http.MethodGet {
		for k, v := range r.URL.Query() {
			in[k] = v[0]
		}
		return in, true
	}
	var raw map[string]any
	if err := json.NewDecoder(r.Body).Decode(&raw); err != nil {
		return nil, false
	}
	for k, v := range raw {
		text, isText := v.(string)
		if _, isBool := v.(bool); !isText && !(isBool && k == "archive_existing_versions") || isText && k == "archive_existing_versions" {
			return nil, false
		}
		in[k] = text
	}
	return in, true
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error_code": code, "message": "refused " + Token})
}

type object = map[string]any

func (s *Server) serve(call string, in map[string]string) (any, string) {
	name, version := in["name"], in["version"]
	if filter, ok := strings.CutPrefix(in["filter"], "name='"); ok {
		name = strings.TrimSuffix(filter, "'")
	}
	v := s.versions[name][version]
	switch call {
	case "GET model-versions/search":
		return object{"model_versions": s.list(name)}, ""
	case "GET registered-models/get":
		return s.model(name)
	case "DELETE registered-models/alias":
		s.writes = append(s.writes, call)
		delete(s.aliases[name], in["alias"])
		return object{}, ""
	}
	if v == nil {
		return nil, "RESOURCE_DOES_NOT_EXIST"
	}
	if !strings.HasPrefix(call, "GET ") {
		s.writes = append(s.writes, call)
	}
	switch call {
	case "GET model-versions/get":
		return object{"model_version": s.answer(name, version, true)}, ""
	case "POST model-versions/set-tag":
		v.Tags[in["key"]] = in["value"]
	case "DELETE model-versions/delete-tag":
		delete(v.Tags, in["key"])
	case "POST registered-models/alias":
		s.aliases[name][in["alias"]] = version
	case "POST model-versions/transition-stage":
		v.Stage = in["stage"]
	default:
		return nil, "ENDPOINT_NOT_FOUND"
	}
	return object{}, ""
}

func (s *Server) model(name string) (any, string) {
	if s.versions[name] == nil {
		return nil, "RESOURCE_DOES_NOT_EXIST"
	}
	var aliases []object
	for _, a := range slices.Sorted(maps.Keys(s.aliases[name])) {
		aliases = append(aliases, object{"alias": a, "version": s.aliases[name][a]})
	}
	return object{"registered_model": object{"name": name, "aliases": aliases}}, ""
}

func (s *Server) list(name string) []object {
	var out []object
	for _, version := range slices.Backward(slices.Sorted(maps.Keys(s.versions[name]))) {
		out = append(out, s.answer(name, version, false))
	}
	return out
}

// answer is a version as MLflow writes it: a search leaves its aliases out.
func (s *Server) answer(name, version string, aliases bool) object {
	v := s.versions[name][version]
	var tags []object
	for _, k := range slices.Sorted(maps.Keys(v.Tags)) {
		tags = append(tags, object{"key": k, "value": v.Tags[k]})
	}
	out := object{"name": name, "version": version, "status": v.Status, "current_stage": v.Stage, "source": v.Source, "tags": tags}
	if aliases {
		out["aliases"] = s.aliasesOf(name, version)
	}
	return out
}
