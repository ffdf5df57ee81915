package modelserver

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
)

// maxInput is the longest body of a prediction, in bytes.
const maxInput = 1 << 20

// digestHeader carries the root digest of the bytes that answered.
const digestHeader = "x-model-digest"

func (s *Server) routes() {
	s.mux.HandleFunc("GET /{namespace}/{name}/v1/models/{verb}", s.predict)
	s.mux.HandleFunc("POST /{namespace}/{name}/v1/models/{verb}", s.predict)
	s.mux.HandleFunc("GET /{namespace}/{name}/v1/health-probe", s.healthProbe)
}

// ServeHTTP answers predictions and health probes. An endpoint that is
// stopped, deleted or not loaded yet answers 404, as a deleted route does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// route finds what serves the request's endpoint, or answers 404, or 503 as an
// ingress does whose way to the pods is cut off.
func (s *Server) route(w http.ResponseWriter, r *http.Request) (endpointKey, *checkpoint) {
	key := endpointKey{namespace: r.PathValue("namespace"), name: r.PathValue("name")}
	if e := s.endpoint(key); e != nil {
		_, serving, _ := e.state()
		if serving != nil && s.cutOff(key) {
			http.Error(w, "upstream connect error or disconnect/reset before headers", http.StatusServiceUnavailable)
			return key, nil
		}
		if serving != nil {
			return key, serving
		}
	}
	http.NotFound(w, r)
	return key, nil
}

func (s *Server) healthProbe(w http.ResponseWriter, r *http.Request) {
	if _, serving := s.route(w, r); serving != nil {
		w.Header().Set(digestHeader, serving.digest)
		writeJSON(w, http.StatusOK, map[string]any{"status": "alive", "digest": serving.digest})
	}
}

// predict is the predict call of KServe's V1 protocol
// (https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol):
// {"instances": [...]} is answered with {"predictions": [...]}. Without a body
// one empty instance is predicted.
func (s *Server) predict(w http.ResponseWriter, r *http.Request) {
	key, serving := s.route(w, r)
	if serving == nil {
		return
	}
	if r.PathValue("verb") != key.name+":predict" {
		http.NotFound(w, r)
		return
	}
	status, body, input := s.answer(r, w, key, serving)
	s.record(r, key, serving, status, input)
	if status == http.StatusOK {
		w.Header().Set(digestHeader, serving.digest)
	}
	writeJSON(w, status, body)
}

func (s *Server) answer(r *http.Request, w http.ResponseWriter, key endpointKey, serving *checkpoint) (int, map[string]any, []byte) {
	if s.opts.Authorize != nil {
		ok, err := s.opts.Authorize(r.Context(), key.namespace, key.name, r.Header.Get(keyHeader))
		switch {
		case err != nil:
			s.log.WarnContext(r.Context(), "authorize prediction", "namespace", key.namespace, "name", key.name, "error", err)
			return http.StatusServiceUnavailable, map[string]any{"error": "authorization is not available"}, nil
		case !ok:
			return http.StatusUnauthorized, map[string]any{"error": "api key is missing or not valid"}, nil
		}
	}
	input, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxInput))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, map[string]any{"error": "input is too large"}, nil
	} else if err != nil {
		return http.StatusBadRequest, map[string]any{"error": "input could not be read"}, nil
	}
	instances, ok := readInstances(input)
	if !ok {
		return http.StatusBadRequest, map[string]any{"error": `input is not {"instances": [...]}`}, input
	}
	predictions := make([]float64, len(instances))
	for i, instance := range instances {
		predictions[i] = serving.score(instance)
	}
	return http.StatusOK, map[string]any{"predictions": predictions, "model_name": key.name, "digest": serving.digest}, input
}

func readInstances(input []byte) ([]json.RawMessage, bool) {
	if len(strings.TrimSpace(string(input))) == 0 {
		return []json.RawMessage{nil}, true
	}
	var body struct {
		Instances []json.RawMessage `json:"instances"`
	}
	if err := json.Unmarshal(input, &body); err != nil || body.Instances == nil {
		return nil, false
	}
	return body.Instances, true
}

// score is a number from 0 to below 1 that depends on the weights and on the
// instance alone: other weights answer differently.
func (c *checkpoint) score(instance json.RawMessage) float64 {
	mix := sha256.New()
	mix.Write([]byte(c.digest))
	mix.Write(instance)
	return math.Floor(float64(binary.BigEndian.Uint64(mix.Sum(nil))>>11)/(1<<53)*1e6) / 1e6
}

func fingerprint(key string) string {
	if key == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])[:12]
}

func writeJSON(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// An error here means that the caller has gone; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(body)
}
