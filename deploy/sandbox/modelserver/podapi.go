package modelserver

import (
	"cmp"
	"crypto/subtle"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Pods serves what a cluster's API has of pods: lists, single ones, logs, events and remote commands. It is for the API
// server alone, which has asked who may do what; Options.PodToken is its credential.
func (s *Server) Pods() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/pods", s.listPods)
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/pods/{pod}", s.withPod(func(w http.ResponseWriter, _ *http.Request, p *pod) {
		writeJSON(w, http.StatusOK, p.object())
	}))
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/pods/{pod}/log", s.withPod(podLog))
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/pods/{pod}/exec", s.withPod(s.execute))
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/events", s.listEvents)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "the server could not find the requested resource")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := []byte(r.Header.Get("Authorization"))
		if s.opts.PodToken == "" || subtle.ConstantTimeCompare(given, []byte("Bearer "+s.opts.PodToken)) != 1 {
			refuse(w, http.StatusUnauthorized, "Unauthorized")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// pods are the running ones of a namespace.
func (s *Server) pods(namespace string) []*pod {
	var out []*pod
	for _, key := range s.known() {
		if e := s.endpoint(key); key.namespace == namespace && e.running() != nil {
			out = append(out, e.running())
		}
	}
	slices.SortFunc(out, func(a, b *pod) int { return cmp.Compare(a.name, b.name) })
	return out
}

// listPods knows selectors of the form name=value,name=value alone.
func (s *Server) listPods(w http.ResponseWriter, r *http.Request) {
	items := []any{}
	for _, p := range s.pods(r.PathValue("namespace")) {
		if selected(r.URL.Query().Get("labelSelector"), podLabels(p.key)) {
			items = append(items, p.object())
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"apiVersion": "v1", "kind": "PodList", "metadata": map[string]any{"resourceVersion": "1"}, "items": items})
}

func selected(selector string, labels map[string]string) bool {
	for each := range strings.SplitSeq(selector, ",") {
		name, value, ok := strings.Cut(each, "=")
		if each != "" && (!ok || labels[name] != value) {
			return false
		}
	}
	return true
}

func (s *Server) listEvents(w http.ResponseWriter, r *http.Request) {
	items := []any{}
	for _, p := range s.pods(r.PathValue("namespace")) {
		if r.URL.Query().Get("fieldSelector") != "involvedObject.uid="+p.uid {
			continue
		}
		items = append(items, map[string]any{
			"apiVersion": "v1", "kind": "Event", "reason": "Started", "message": "Started container " + container, "type": "Normal",
			"metadata":       map[string]any{"name": p.name + ".1", "namespace": p.key.namespace},
			"involvedObject": map[string]any{"kind": "Pod", "name": p.name, "uid": p.uid},
		})
	}
	writeJSON(w, http.StatusOK, map[string]any{"apiVersion": "v1", "kind": "EventList", "metadata": map[string]any{"resourceVersion": "1"}, "items": items})
}

func (s *Server) withPod(serve func(http.ResponseWriter, *http.Request, *pod)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		all := s.pods(r.PathValue("namespace"))
		i := slices.IndexFunc(all, func(p *pod) bool { return p.name == r.PathValue("pod") })
		if i < 0 {
			refuse(w, http.StatusNotFound, `pods "`+r.PathValue("pod")+`" not found`)
			return
		}
		if c := r.URL.Query().Get("container"); c != "" && c != container {
			refuse(w, http.StatusBadRequest, "container "+c+" is not valid for pod "+all[i].name)
			return
		}
		serve(w, r, all[i])
	}
}

// podLog writes the whole log, always with the times.
func podLog(w http.ResponseWriter, r *http.Request, p *pod) {
	if r.URL.Query().Get("previous") == "true" {
		refuse(w, http.StatusBadRequest, "previous terminated container "+container+" in pod "+p.name+" not found")
		return
	}
	_, _ = io.WriteString(w, p.lines()) // the client has gone
}

func refuse(w http.ResponseWriter, code int, message string) {
	writeJSON(w, code, map[string]any{"apiVersion": "v1", "kind": "Status", "metadata": map[string]any{}, "status": "Failure", "code": code, "message": message})
}
