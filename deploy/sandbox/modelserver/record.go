package modelserver

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"
)

// keyHeader carries the caller's API key.
const keyHeader = "x-api-key"

// Request is one prediction request that reached a loaded model. It holds
// neither the key nor the input, only what identifies them.
type Request struct {
	Time      time.Time `json:"time"`
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	// KeyFingerprint is the first 12 hex digits of the key's SHA-256; empty without a key.
	KeyFingerprint string `json:"key_fingerprint"`
	// InputSHA256 is the hex SHA-256 of the body; that of an empty one where it was not read.
	InputSHA256 string `json:"input_sha256"`
	// Digest is the root digest of what was loaded, "sha256:<hex>".
	Digest string `json:"digest"`
	// Status is the HTTP status of the answer.
	Status int `json:"status"`
}

func (s *Server) record(r *http.Request, key endpointKey, serving *checkpoint, status int, input []byte) {
	sum := sha256.Sum256(input)
	if p := s.endpoint(key).running(); p != nil {
		p.say(s.now(), "predict status=%d input_sha256=%x", status, sum)
	}
	if s.opts.Record == nil {
		return
	}
	s.opts.Record(Request{
		Time: s.now().UTC(), Namespace: key.namespace, Name: key.name, KeyFingerprint: fingerprint(r.Header.Get(keyHeader)),
		InputSHA256: hex.EncodeToString(sum[:]), Digest: serving.digest, Status: status,
	})
}

// RecordTo returns a Record that appends one JSON line a request to w, one
// after the other. An error of w is passed to failed.
func RecordTo(w io.Writer, failed func(error)) func(Request) {
	var mu sync.Mutex
	lines := json.NewEncoder(w)
	return func(r Request) {
		mu.Lock()
		defer mu.Unlock()
		if err := lines.Encode(r); err != nil {
			failed(err)
		}
	}
}
