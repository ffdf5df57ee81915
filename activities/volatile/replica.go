package volatile

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"firebreak/internal/inventory"
)

// Bounds of what one capture looks at. What is left out is a gap.
const (
	maxReplicas   = 50
	maxContainers = 10
	maxPaths      = 20
)

// modelPath is where KServe's storage initializer puts a model.
const modelPath = "/mnt/models"

// replica is one pod as it was when the step began. It is recorded in workflow history and holds no secret.
type replica struct {
	Name       string      `json:"name"`
	UID        string      `json:"uid"`
	Node       string      `json:"node,omitempty"`
	Containers []container `json:"containers"`
}

type container struct {
	Name string `json:"name"`
	// ImageID has the digest of the image that runs.
	ImageID  string `json:"image_id,omitempty"`
	Restarts int    `json:"restarts,omitempty"`
	// Paths are the mounted folders whose files are hashed: those that hold neither secrets nor tokens.
	Paths []string `json:"paths"`
}

// pod is what is read of a Pod.
type pod struct {
	Metadata struct {
		Name string `json:"name"`
		UID  string `json:"uid"`
	} `json:"metadata"`
	Spec struct {
		NodeName   string `json:"nodeName"`
		Containers []struct {
			Name   string `json:"name"`
			Mounts []struct {
				Name string `json:"name"`
				Path string `json:"mountPath"`
			} `json:"volumeMounts"`
		} `json:"containers"`
		Volumes []map[string]json.RawMessage `json:"volumes"`
	} `json:"spec"`
	Status struct {
		Containers []struct {
			Name     string `json:"name"`
			ImageID  string `json:"imageID"`
			Restarts int    `json:"restartCount"`
		} `json:"containerStatuses"`
	} `json:"status"`
}

// find lists an endpoint's replicas in the order of their names, and says what it left out.
func (c *cluster) find(ctx context.Context, s inventory.Serving) (found []replica, gap string, err error) {
	query := url.Values{"labelSelector": {s.ReplicasSelector}, "limit": {fmt.Sprint(maxReplicas + 1)}}
	content, truncated, err := c.get(ctx, pods(s.Namespace), query, first(answerLimit))
	if err != nil {
		return nil, "", err
	}
	var list struct {
		Kind     string `json:"kind"`
		Items    []pod  `json:"items"`
		Metadata struct {
			Continue string `json:"continue"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(content, &list); err != nil || truncated || list.Kind != "PodList" {
		return nil, "", fmt.Errorf("list pods: the answer is no list of pods of at most %d bytes", answerLimit)
	}
	slices.SortFunc(list.Items, func(a, b pod) int { return strings.Compare(a.Metadata.Name, b.Metadata.Name) })
	if len(list.Items) > maxReplicas || list.Metadata.Continue != "" {
		gap = fmt.Sprintf("only the first %d replicas are captured", maxReplicas)
		list.Items = list.Items[:min(len(list.Items), maxReplicas)]
	}
	for i := range list.Items {
		found = append(found, list.Items[i].replica())
	}
	return found, gap, nil
}

func (p *pod) replica() replica {
	out := replica{Name: p.Metadata.Name, UID: p.Metadata.UID, Node: p.Spec.NodeName, Containers: []container{}}
	secrets := p.secretVolumes()
	for _, c := range p.Spec.Containers[:min(len(p.Spec.Containers), maxContainers)] {
		one := container{Name: c.Name, Paths: []string{}}
		for _, m := range c.Mounts {
			if clean := path.Clean(m.Path); !secrets[m.Name] && !strings.HasPrefix(clean, "/var/run/secrets") && len(one.Paths) < maxPaths {
				one.Paths = append(one.Paths, clean)
			}
		}
		if !slices.Contains(one.Paths, modelPath) {
			one.Paths = append(one.Paths, modelPath)
		}
		for _, status := range p.Status.Containers {
			if status.Name == c.Name {
				one.ImageID, one.Restarts = status.ImageID, status.Restarts
			}
		}
		out.Containers = append(out.Containers, one)
	}
	return out
}

// secretVolumes are those of which not even a digest is taken: a short secret is found from its digest.
func (p *pod) secretVolumes() map[string]bool {
	out := map[string]bool{}
	for _, v := range p.Spec.Volumes {
		var name string
		_ = json.Unmarshal(v["name"], &name) // a volume without a name is mounted nowhere
		for _, kind := range []string{"secret", "projected", "csi", "downwardAPI"} {
			if _, ok := v[kind]; ok {
				out[name] = true
			}
		}
	}
	return out
}
