package modelserver_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const apiToken = "sa-token"

type object = map[string]any

// fakeKubernetes is an API server for InferenceServices alone: list, watch,
// status patches by merge, and streams that can be broken.
type fakeKubernetes struct {
	URL string

	mu       sync.Mutex
	version  int
	objects  map[string]object
	events   []string // event i brought resourceVersion i+1
	oldest   int      // versions below it answer 410
	changed  chan struct{}
	broken   chan struct{}
	patches  map[string]int // by namespace/name
	unlisted bool           // the CRD is not there
}

func newFakeKubernetes(t *testing.T) *fakeKubernetes {
	t.Helper()
	k := &fakeKubernetes{objects: map[string]object{}, patches: map[string]int{}, changed: make(chan struct{}), broken: make(chan struct{})}
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	k.URL = server.URL
	return k
}

func (k *fakeKubernetes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/apis/serving.kserve.io/v1beta1/")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+apiToken:
		http.Error(w, "unauthorized", http.StatusUnauthorized)
	case !ok:
		http.NotFound(w, r)
	case r.Method == http.MethodPatch:
		k.patchStatus(w, r, rest)
	case r.URL.Query().Get("watch") == "true":
		k.watch(w, r)
	default:
		k.list(w)
	}
}

func (k *fakeKubernetes) list(w http.ResponseWriter) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.unlisted {
		http.Error(w, "the server could not find the requested resource", http.StatusNotFound)
		return
	}
	items := []object{}
	for _, o := range k.objects {
		items = append(items, o)
	}
	_ = json.NewEncoder(w).Encode(object{"metadata": object{"resourceVersion": fmt.Sprint(k.version)}, "items": items})
}

func (k *fakeKubernetes) watch(w http.ResponseWriter, r *http.Request) {
	var from int
	_, _ = fmt.Sscan(r.URL.Query().Get("resourceVersion"), &from)
	k.mu.Lock()
	expired, broken := from < k.oldest, k.broken
	k.mu.Unlock()
	if expired {
		_, _ = io.WriteString(w, `{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}`+"\n")
		return
	}
	w.(http.Flusher).Flush()
	for {
		k.mu.Lock()
		pending, changed := k.events[from:], k.changed
		k.mu.Unlock()
		for _, event := range pending {
			_, _ = io.WriteString(w, event+"\n")
			from++
		}
		w.(http.Flusher).Flush()
		select {
		case <-changed:
		case <-broken:
			panic(http.ErrAbortHandler)
		case <-r.Context().Done():
			return
		}
	}
}

func (k *fakeKubernetes) patchStatus(w http.ResponseWriter, r *http.Request, rest string) {
	var patch object
	parts := strings.Split(rest, "/")
	if len(parts) != 5 || parts[4] != "status" || r.Header.Get("Content-Type") != "application/merge-patch+json" ||
		json.NewDecoder(r.Body).Decode(&patch) != nil {
		http.Error(w, "bad patch", http.StatusBadRequest)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	key := parts[1] + "/" + parts[3]
	k.patches[key]++
	before, ok := k.objects[key]
	if !ok {
		http.NotFound(w, r)
		return
	}
	k.store("MODIFIED", key, merge(before, object{"status": patch["status"]}).(object))
	_ = json.NewEncoder(w).Encode(k.objects[key])
}

// merge is JSON merge patch, RFC 7396.
func merge(target, patch any) any {
	fields, ok := patch.(object)
	if !ok {
		return patch
	}
	merged := object{}
	if before, ok := target.(object); ok {
		for name, value := range before {
			merged[name] = value
		}
	}
	for name, value := range fields {
		if value == nil {
			delete(merged, name)
			continue
		}
		merged[name] = merge(merged[name], value)
	}
	return merged
}

// store keeps o and tells the watchers. The caller holds the lock.
func (k *fakeKubernetes) store(event, key string, o object) {
	k.version++
	o = merge(o, object{"metadata": object{"resourceVersion": fmt.Sprint(k.version)}}).(object)
	if event == "DELETED" {
		delete(k.objects, key)
	} else {
		k.objects[key] = o
	}
	text, _ := json.Marshal(object{"type": event, "object": o})
	k.events = append(k.events, string(text))
	close(k.changed)
	k.changed = make(chan struct{})
}

// apply creates an InferenceService or merges patch into it. A change of the
// spec raises the generation, as an API server does.
func (k *fakeKubernetes) apply(key string, patch object) {
	k.mu.Lock()
	defer k.mu.Unlock()
	namespace, name, _ := strings.Cut(key, "/")
	before, exists := k.objects[key]
	event := "MODIFIED"
	if !exists {
		event = "ADDED"
		before = object{"metadata": object{"namespace": namespace, "name": name}}
	}
	after := merge(before, patch).(object)
	if _, ok := patch["spec"]; ok {
		after = merge(after, object{"metadata": object{"generation": k.version + 1}}).(object)
	}
	k.store(event, key, after)
}

func (k *fakeKubernetes) remove(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.store("DELETED", key, k.objects[key])
}

// breakStreams cuts the open watches; with expire, versions up to now are too old.
func (k *fakeKubernetes) breakStreams(expire bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if expire {
		k.oldest = k.version + 1
		k.version++
		k.events = append(k.events, `{"type":"BOOKMARK","object":{}}`)
	}
	close(k.broken)
	k.broken = make(chan struct{})
}

func (k *fakeKubernetes) patchCount(key string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.patches[key]
}

// status is the status of one InferenceService in a short form for tests.
type status struct {
	ready, reason, predictor, active, target, url string
}

func (k *fakeKubernetes) status(t *testing.T, key string) status {
	t.Helper()
	k.mu.Lock()
	text, err := json.Marshal(k.objects[key]["status"])
	k.mu.Unlock()
	require.NoError(t, err)
	var full struct {
		URL         string
		Conditions  []struct{ Type, Status, Reason string }
		ModelStatus struct {
			States struct{ ActiveModelState, TargetModelState string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &full))
	short := status{url: full.URL, active: full.ModelStatus.States.ActiveModelState, target: full.ModelStatus.States.TargetModelState}
	for _, c := range full.Conditions {
		switch c.Type {
		case "Ready":
			short.ready = c.Status
		case "PredictorReady":
			short.predictor, short.reason = c.Status, c.Reason
		}
	}
	return short
}
