// Package podfake is the part of a Kubernetes API server and its kubelets for tests that a capture reads: pods, events, logs
// and remote commands over WebSocket, as https://kubernetes.io/docs/reference/kubernetes-api/ and
// https://kubernetes.io/docs/reference/using-api/websockets/ describe them. It asks for a bearer token and runs nothing:
// what a command prints is set by the test.
package podfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"firebreak/activities/serving/kube/kubefake"
)

// Command answers a remote command: its output, and the message of its failure, "" for success.
type Command func(pod, container string, command []string) (stdout, stderr, failure string)

// Server is the API server. Fields are set before it is used.
type Server struct {
	// Run answers remote commands.
	Run Command
	// Logs are the logs by pod/container; Previous those from before a restart.
	Logs, Previous map[string]string
	// Refuse maps a part of a path to the HTTP status that is answered to what contains it.
	Refuse map[string]int
	// Hang, if closed by the test, lets go what contains HangOn in its query.
	Hang   chan struct{}
	HangOn string
	// Silent makes commands end without a status, Old makes the server speak only protocols without an exit code, and
	// Chunk is how many bytes a message has.
	Silent, Old bool
	Chunk       int

	mu   sync.Mutex
	pods []kubefake.Object
	ran  []string
}

// Add stores a pod.
func (s *Server) Add(pod kubefake.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pods = append(s.pods, pod)
}

// Drop removes the pods, as taking an endpoint out of service does.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pods = nil
}

// Ran returns the commands that were asked for, as "pod/container script arguments".
func (s *Server) Ran() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ran)
}

// ServeHTTP answers /api/v1/namespaces/<namespace>/pods and events.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+kubefake.Token {
		refuse(w, http.StatusUnauthorized, "Unauthorized")
		return
	}
	for part, code := range s.Refuse {
		if strings.Contains(r.URL.Path, part) {
			// A server that quotes what it was sent.
			refuse(w, code, fmt.Sprintf("%s is refused to %s", part, r.Header.Get("Authorization")))
			return
		}
	}
	if s.HangOn != "" && strings.Contains(r.URL.RawQuery, s.HangOn) {
		select {
		case <-s.Hang:
		case <-r.Context().Done():
			return
		}
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(parts) == 5 && parts[4] == "pods":
		s.list(w, r)
	case len(parts) == 5 && parts[4] == "events":
		answer(w, kubefake.Object{"kind": "EventList", "items": []any{kubefake.Object{"reason": "Pulled", "of": r.URL.Query().Get("fieldSelector")}}})
	case len(parts) < 6 || parts[4] != "pods" || s.find(parts[3], parts[5]) == nil:
		refuse(w, http.StatusNotFound, "not found")
	case len(parts) == 6:
		answer(w, s.find(parts[3], parts[5]))
	case parts[6] == "log":
		s.log(w, r, parts[5])
	case parts[6] == "exec":
		s.exec(w, r, parts[5])
	default:
		refuse(w, http.StatusNotFound, "the server could not find the requested resource")
	}
}

func metadata(pod kubefake.Object) kubefake.Object {
	m, _ := pod["metadata"].(kubefake.Object)
	return m
}

func (s *Server) find(namespace, name string) kubefake.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pods {
		if m := metadata(p); m["name"] == name && m["namespace"] == namespace {
			return p
		}
	}
	return nil
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	namespace := strings.Split(r.URL.Path, "/")[4]
	key, value, _ := strings.Cut(r.URL.Query().Get("labelSelector"), "=")
	items := []any{}
	for _, p := range s.pods {
		labels, _ := metadata(p)["labels"].(kubefake.Object)
		if metadata(p)["namespace"] == namespace && labels[key] == value {
			items = append(items, p)
		}
	}
	answer(w, kubefake.Object{"kind": "PodList", "apiVersion": "v1", "metadata": kubefake.Object{}, "items": items})
}

func (s *Server) log(w http.ResponseWriter, r *http.Request, pod string) {
	logs := s.Logs
	if r.URL.Query().Get("previous") == "true" {
		logs = s.Previous
	}
	text, ok := logs[pod+"/"+r.URL.Query().Get("container")]
	if !ok {
		refuse(w, http.StatusBadRequest, "container is not valid for pod")
		return
	}
	_, _ = w.Write([]byte(text)) // the client has gone
}

func (s *Server) exec(w http.ResponseWriter, r *http.Request, pod string) {
	upgrader := websocket.Upgrader{Subprotocols: []string{"v5.channel.k8s.io", "v4.channel.k8s.io"}}
	if s.Old {
		upgrader.Subprotocols = []string{"channel.k8s.io"}
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	container, command := r.URL.Query().Get("container"), r.URL.Query()["command"]
	s.mu.Lock()
	s.ran = append(s.ran, pod+"/"+container+" "+strings.Join(command[2:], " "))
	s.mu.Unlock()
	stdout, stderr, failed := s.Run(pod, container, command)
	chunk := s.Chunk
	if chunk == 0 {
		chunk = 32 << 10
	}
	for channel, text := range map[byte]string{1: stdout, 2: stderr} {
		for part := range slices.Chunk([]byte(text), chunk) {
			_ = conn.WriteMessage(websocket.BinaryMessage, append([]byte{channel}, part...))
		}
	}
	if s.Silent {
		return
	}
	status := `{"metadata":{},"status":"Success"}`
	if failed != "" {
		body, _ := json.Marshal(kubefake.Object{"metadata": kubefake.Object{}, "status": "Failure", "reason": "NonZeroExitCode", "message": failed})
		status = string(body)
	}
	_ = conn.WriteMessage(websocket.BinaryMessage, append([]byte{3}, status...))
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
}

func refuse(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(kubefake.Object{"kind": "Status", "status": "Failure", "code": code, "message": message}) // the client has gone
}

func answer(w http.ResponseWriter, body kubefake.Object) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the client has gone
}
