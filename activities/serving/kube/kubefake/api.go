package kubefake

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ServeHTTP answers GET of objects and lists, POST, merge patches and DELETE.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+Token {
		refuse(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
		return
	}
	if r.Method != http.MethodGet {
		s.mu.Lock()
		hook := s.beforeOne
		s.beforeOne = nil
		s.mu.Unlock()
		if hook != nil {
			hook()
		}
	}
	defer s.after(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	object, ok := s.objects[r.URL.Path]
	switch {
	case r.Method == http.MethodPost:
		s.create(w, r)
	case r.Method == http.MethodGet && isCollection(r.URL.Path):
		s.list(w, r)
	case !ok:
		refuse(w, http.StatusNotFound, "NotFound", fmt.Sprintf("%q not found", r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]))
	case r.Method == http.MethodGet:
		answer(w, http.StatusOK, object)
	case r.Method == http.MethodPatch:
		s.patch(w, r, object)
	case r.Method == http.MethodDelete:
		s.remove(w, r, object)
	default:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "")
	}
}

func (s *Server) after(r *http.Request) {
	s.mu.Lock()
	hook := s.afterEach
	s.mu.Unlock()
	if hook != nil && r.Method != http.MethodGet {
		hook()
	}
}

// isCollection reports whether a path is /…/namespaces/<namespace>/<resource>.
func isCollection(path string) bool {
	parts := strings.Split(path, "/")
	return len(parts) > 3 && parts[len(parts)-3] == "namespaces"
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	items := []any{}
	for _, path := range slices.Sorted(maps.Keys(s.objects)) {
		if strings.HasPrefix(path, r.URL.Path+"/") && selected(s.objects[path], r.URL.Query().Get("labelSelector")) {
			items = append(items, s.objects[path])
		}
	}
	answer(w, http.StatusOK, Object{"kind": "List", "metadata": Object{"resourceVersion": strconv.Itoa(s.version)}, "items": items})
}

// selected knows selectors of the form a=b,c=d.
func selected(object Object, selector string) bool {
	labels, _ := object["metadata"].(Object)["labels"].(Object)
	for part := range strings.SplitSeq(selector, ",") {
		name, value, _ := strings.Cut(part, "=")
		if name != "" && labels[name] != value {
			return false
		}
	}
	return true
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var object Object
	if err := json.NewDecoder(r.Body).Decode(&object); err != nil {
		refuse(w, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	name, _ := object["metadata"].(Object)["name"].(string)
	path := r.URL.Path + "/" + name
	if _, ok := s.objects[path]; ok {
		refuse(w, http.StatusConflict, "AlreadyExists", fmt.Sprintf("%q already exists", name))
		return
	}
	s.add(path, object)
	s.note(object)
	answer(w, http.StatusCreated, object)
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request, object Object) {
	var options struct {
		Preconditions struct {
			UID             string `json:"uid"`
			ResourceVersion string `json:"resourceVersion"`
		} `json:"preconditions"`
	}
	_ = json.NewDecoder(r.Body).Decode(&options) // options may be left out
	metadata := object["metadata"].(Object)
	if p := options.Preconditions; p.UID != "" && p.UID != metadata["uid"] || p.ResourceVersion != "" && p.ResourceVersion != metadata["resourceVersion"] {
		refuse(w, http.StatusConflict, "Conflict", "the preconditions do not hold")
		return
	}
	delete(s.objects, r.URL.Path)
	s.patches = append(s.patches, "DELETE "+r.URL.Path)
	answer(w, http.StatusOK, Object{"kind": "Status", "status": "Success"})
}

func (s *Server) patch(w http.ResponseWriter, r *http.Request, object Object) {
	var patch Object
	if r.Header.Get("Content-Type") != "application/merge-patch+json" {
		refuse(w, http.StatusUnsupportedMediaType, "UnsupportedMediaType", "unsupported patch")
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&patch); err != nil {
		refuse(w, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	metadata, _ := patch["metadata"].(Object)
	if wanted, ok := metadata["resourceVersion"]; ok && wanted != object["metadata"].(Object)["resourceVersion"] {
		refuse(w, http.StatusConflict, "Conflict", "the object has been modified; please apply your changes to the latest version and try again")
		return
	}
	s.merge(object, patch, r.URL.Query().Get("fieldManager"))
	s.note(patch)
	answer(w, http.StatusOK, object)
}

func (s *Server) note(change Object) {
	text, _ := json.Marshal(change)
	s.patches = append(s.patches, string(text))
}

// merge changes an object and counts a generation if its spec changed, as the API server does.
func (s *Server) merge(object, patch Object, manager string) {
	before, _ := json.Marshal(object["spec"])
	mergeInto(object, patch)
	after, _ := json.Marshal(object["spec"])
	s.version++
	metadata := object["metadata"].(Object)
	metadata["resourceVersion"] = strconv.Itoa(s.version)
	if generation, ok := metadata["generation"].(int); ok && string(before) != string(after) {
		metadata["generation"] = generation + 1
	}
	fields, _ := metadata["managedFields"].([]any)
	fields = slices.DeleteFunc(slices.Clone(fields), func(f any) bool { return f.(Object)["manager"] == manager })
	metadata["managedFields"] = append(fields, Object{"manager": manager, "time": time.Now().UTC().Format(time.RFC3339)})
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

func refuse(w http.ResponseWriter, code int, reason, message string) {
	answer(w, code, Object{"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message})
}

func answer(w http.ResponseWriter, code int, body Object) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client has gone
}
