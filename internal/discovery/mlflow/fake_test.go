package mlflow_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// server answers as MLflow's REST API 2.0 does, with one entry a page, and fails as it is told to.
type server struct {
	*httptest.Server
	models   []map[string]any
	versions map[string][]map[string]any
	runs     map[string]map[string]any
	// token is what must be sent; busy answers fail with 503 before the first that does not.
	token string
	busy  atomic.Int32
	asked atomic.Int32
	// spoil answers in place of the server, if it is set.
	spoil http.HandlerFunc
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{
		models: []map[string]any{
			{"name": "credit-scorer", "aliases": []map[string]any{{"alias": "champion", "version": "17"}}},
			{"name": "a b"},
		},
		versions: map[string][]map[string]any{"credit-scorer": {
			{"name": "credit-scorer", "version": "18", "current_stage": "None", "source": "models:/m-1", "run_id": "gone", "status": "READY"},
			{"name": "credit-scorer", "version": "17", "current_stage": "Production", "source": "s3://nordwall-registry/credit-scorer/17", "run_id": "run-9340", "status": "READY",
				"tags": []map[string]any{{"key": "firebreak.root_digest", "value": "sha256:" + strings.Repeat("ab", 32)}}},
			{"name": "credit-scorer", "version": "9", "current_stage": "Archived", "source": "s3://nordwall-registry/credit-scorer/9", "status": "READY"},
			{"name": "credit-scorer", "version": "19", "status": "FAILED_REGISTRATION"},
		}},
		runs: map[string]map[string]any{"run-9340": {
			"info": map[string]any{"run_id": "run-9340", "start_time": 1788033600000, "end_time": 1788061200000, "status": "FINISHED"},
			"data": map[string]any{"tags": []map[string]any{{"key": "mlflow.source.git.commit", "value": "9ab27d4"}}},
			"inputs": map[string]any{"dataset_inputs": []map[string]any{
				{"tags": []map[string]any{{"key": "mlflow.data.context", "value": "training"}},
					"dataset": map[string]any{"name": "loan-applications", "digest": "f8e3c1a2", "source_type": "s3", "source": `{"uri": "s3://nordwall-data/loan-applications/2026-07-31/"}`}},
				{"dataset": map[string]any{"name": "dataset", "digest": "", "source_type": "local", "source": "{}"}},
			}},
		}},
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	switch {
	case s.spoil != nil:
		s.spoil(w, r)
		return
	case s.busy.Add(-1) >= 0:
		fail(w, http.StatusServiceUnavailable, "TEMPORARILY_UNAVAILABLE")
		return
	case s.token != "" && r.Header.Get("Authorization") != "Bearer "+s.token:
		fail(w, http.StatusUnauthorized, "UNAUTHENTICATED")
		return
	case r.Method != http.MethodGet:
		fail(w, http.StatusMethodNotAllowed, "BAD_REQUEST")
		return
	}
	q := r.URL.Query()
	switch strings.TrimPrefix(r.URL.Path, "/api/2.0/mlflow/") {
	case "registered-models/search":
		page(w, "registered_models", s.models, q.Get("page_token"))
	case "model-versions/search":
		name := strings.Trim(strings.TrimPrefix(q.Get("filter"), "name="), `'"`)
		page(w, "model_versions", s.versions[name], q.Get("page_token"))
	case "runs/get":
		run, ok := s.runs[q.Get("run_id")]
		if !ok {
			fail(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")
			return
		}
		write(w, map[string]any{"run": run})
	default:
		fail(w, http.StatusNotFound, "ENDPOINT_NOT_FOUND")
	}
}

func page(w http.ResponseWriter, key string, list []map[string]any, token string) {
	at, _ := strconv.Atoi(token)
	if at >= len(list) {
		write(w, map[string]any{})
		return
	}
	out := map[string]any{key: list[at : at+1]}
	if at+1 < len(list) {
		out["next_page_token"] = strconv.Itoa(at + 1)
	}
	write(w, out)
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	write(w, map[string]any{"error_code": code, "message": "the request was hunter2"})
}
