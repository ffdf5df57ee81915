package modelserver

import (
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"time"
)

// PodSecret is a value of an environment variable and of a command line of every pod: it must be seen nowhere else.
const PodSecret = "sandbox-pod-secret-7f3a91"

// maxLogLines bounds a pod's log, as a kubelet rotates it.
const maxLogLines = 1000

const (
	container = "kserve-container"
	modelDir  = "/mnt/models"
)

// pod is one replica: the process that loaded a checkpoint, and what it wrote since.
type pod struct {
	key        endpointKey
	name, uid  string
	started    time.Time
	checkpoint *checkpoint

	mu  sync.Mutex
	log []string
}

func newPod(key endpointKey, c *checkpoint, now time.Time) *pod {
	id := strings.ToLower(rand.Text())
	p := &pod{key: key, checkpoint: c, started: now, name: fmt.Sprintf("%s-predictor-%s", key.name, id[:10]), uid: id}
	p.say(now, "loaded %s from %s: %s", key.name, c.uri, c.digest)
	return p
}

// say adds a line to the log.
func (p *pod) say(at time.Time, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, at.UTC().Format(time.RFC3339Nano)+" "+fmt.Sprintf(format, args...)+"\n")
	p.log = p.log[max(0, len(p.log)-maxLogLines):]
}

func (p *pod) lines() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, "")
}

// podLabels are KServe's, and the app that the company's selectors name.
func podLabels(key endpointKey) map[string]string {
	return map[string]string{"app": key.name, "component": "predictor", "serving.kserve.io/inferenceservice": key.name}
}

// command is what the container runs.
func (p *pod) command() []string {
	return []string{"python", "-m", "nordwall.serve", "--model_dir=" + modelDir, "--feature-store-token=" + PodSecret}
}

// object is the pod as the API shows it (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/).
func (p *pod) object() map[string]any {
	image := "registry.nordwall.example/serve@sha256:" + strings.Repeat("5e", 32)
	return map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{
			"name": p.name, "namespace": p.key.namespace, "uid": p.uid, "labels": podLabels(p.key), "resourceVersion": "1",
			"creationTimestamp": p.started.UTC().Format(time.RFC3339),
		},
		"spec": map[string]any{
			"nodeName": "node-1",
			"containers": []any{map[string]any{
				"name": container, "image": image, "command": p.command(),
				"env": []any{
					map[string]any{"name": "STORAGE_URI", "value": p.checkpoint.uri},
					map[string]any{"name": "FEATURE_STORE_TOKEN", "value": PodSecret},
				},
				"volumeMounts": []any{map[string]any{"name": "model", "mountPath": modelDir, "readOnly": true}},
			}},
			"volumes": []any{map[string]any{"name": "model", "emptyDir": map[string]any{}}},
		},
		"status": map[string]any{
			"phase":             "Running",
			"containerStatuses": []any{map[string]any{"name": container, "imageID": image, "restartCount": 0, "ready": true}},
		},
	}
}
