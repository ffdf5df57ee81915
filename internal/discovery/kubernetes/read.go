package kubernetes

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"firebreak/internal/discovery"
	"firebreak/internal/inventory"
)

// partOf is the label of what belongs to an InferenceService.
const partOf = "serving.kserve.io/inferenceservice"

// Read finds endpoints, and by the address of the files they serve the models behind them.
func Read(r io.Reader, opt discovery.Options) (*discovery.Found, error) {
	list, err := objects(r)
	if err != nil {
		return nil, err
	}
	b := &reader{opt: opt, found: &discovery.Found{Source: "k8s"}}
	if opt.Cluster == "" {
		b.found.Note("N11: an export does not name its cluster: fill in serving.cluster, or give --cluster")
	}
	skipped := map[string]int{}
	for i := range list {
		switch o := &list[i]; {
		case o.Metadata.Name == "" || o.Metadata.Namespace == "":
			if o.Kind != "List" {
				skipped[o.Kind]++
			}
		case o.Kind == "InferenceService" && strings.HasPrefix(o.APIVersion, "serving.kserve.io/"):
			b.inferenceService(o)
		case o.Metadata.Labels[partOf] != "":
			// It is part of an endpoint that is listed itself.
		case (o.Kind == "Deployment" || o.Kind == "StatefulSet") && strings.HasPrefix(o.APIVersion, "apps/"):
			b.workload(o)
		case strings.HasPrefix(o.APIVersion, "serving.kserve.io/") && slices.Contains([]string{"LLMInferenceService", "InferenceGraph"}, o.Kind):
			b.found.Note("N11: %s/%s is a %s, which answers callers but is none that can be read here: list its endpoint by hand", o.Metadata.Namespace, o.Metadata.Name, o.Kind)
		default:
			skipped[o.Kind]++
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(skipped)) {
		b.found.Note("%d of kind %s are no endpoints and are left out", skipped[kind], kind)
	}
	return b.found, nil
}

type reader struct {
	opt   discovery.Options
	found *discovery.Found
}

// endpoint is the inventory's endpoint for an object: the known one with the same place, or a new one named after it.
func (b *reader) endpoint(o *object, platform string) *discovery.Asset {
	full := o.Metadata.Namespace + "/" + o.Metadata.Name
	id, given := b.opt.Names[full]
	if !given {
		if id = b.known(o, platform); id == "" {
			id = o.Metadata.Name + "." + o.Metadata.Namespace
			if b.opt.Cluster != "" {
				id += "." + b.opt.Cluster
			}
		}
	}
	if !discovery.Usable(id) {
		b.found.Note("%q can be no id and is left out: give it one with --name %s=ID", id, full)
		return nil
	}
	e := b.found.Asset("endpoints", id)
	if len(e.Fields) > 0 {
		b.found.Note("%s of kind %s has the id %s, which another object has: it is left out, give it one with --name %s=ID", full, o.Kind, id, full)
		return nil
	}
	e.Set("env", b.opt.Env)
	e.Set("serving.platform", platform)
	e.Set("serving.cluster", b.opt.Cluster)
	e.Set("serving.namespace", o.Metadata.Namespace)
	e.Set("serving.name", o.Metadata.Name)
	return e
}

// known is the endpoint of the inventory that is served from the same place.
func (b *reader) known(o *object, platform string) string {
	if b.opt.Known == nil {
		return ""
	}
	i := slices.IndexFunc(b.opt.Known.Endpoints, func(e inventory.Endpoint) bool {
		s := e.Serving
		return s.Platform == platform && s.Namespace == o.Metadata.Namespace && s.Name == o.Metadata.Name && s.Cluster == b.opt.Cluster
	})
	if i < 0 {
		return ""
	}
	return b.opt.Known.Endpoints[i].ID
}

func (b *reader) inferenceService(o *object) {
	e := b.endpoint(o, "kserve")
	if e == nil {
		return
	}
	e.Set("serving.replicas_selector", partOf+"="+o.Metadata.Name)
	if o.Status.URL != "" {
		b.found.Note("N1: endpoint %s answers at %s: fill in a probe that a model answers, and the header with its digest", e.ID, o.Status.URL)
	}
	uri := ""
	if o.Spec.Predictor != nil {
		uri = o.Spec.Predictor.uri()
	}
	b.serves(e, uri)
}

// serves names the model of an endpoint, if the files that it serves are those of a known checkpoint.
func (b *reader) serves(e *discovery.Asset, uri string) {
	known := b.opt.CheckpointBy("", uri)
	switch {
	case uri == "":
		b.found.Note("N11: endpoint %s does not say which files it serves: fill in model", e.ID)
	case known == "":
		b.found.Note("N8: endpoint %s serves %s, which is no known checkpoint: fill in model", e.ID, redacted(uri))
	default:
		c := b.opt.Known.Checkpoint(known)
		e.Set("model", c.Model)
		if !slices.ContainsFunc(c.Served, func(s inventory.Served) bool { return s.To == nil || *s.To == "" }) {
			b.found.Note("endpoint %s serves %s, which the inventory does not record as served", e.ID, known)
		}
	}
}

func (b *reader) workload(o *object) {
	e := b.endpoint(o, "k8s")
	if e == nil {
		return
	}
	var selector []string
	for _, k := range slices.Sorted(maps.Keys(o.Spec.Selector.MatchLabels)) {
		selector = append(selector, k+"="+o.Spec.Selector.MatchLabels[k])
	}
	e.Set("serving.replicas_selector", strings.Join(selector, ","))
	b.found.Note("N11: endpoint %s is a plain %s, which does not say what it serves: fill in model", e.ID, o.Kind)
}

// redacted is an address without what may be a secret in it.
func redacted(uri string) string {
	if scheme, rest, ok := strings.Cut(uri, "://"); ok {
		if _, host, user := strings.Cut(rest, "@"); user {
			rest = "…@" + host
		}
		rest, _, _ = strings.Cut(rest, "?")
		return fmt.Sprintf("%s://%s", scheme, rest)
	}
	return uri
}
