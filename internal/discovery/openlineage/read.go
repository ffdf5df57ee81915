package openlineage

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"firebreak/internal/discovery"
	"firebreak/internal/inventory"
)

// models starts the namespace of a dataset that is a model.
const models = "model://"

// run is what the events of one run say together: a start may name the inputs and the end the outputs.
type run struct {
	id, job         string
	inputs, outputs []dataset
	// ended is when it completed; zero if it did not.
	ended time.Time
	// failed is FAIL or ABORT.
	failed string
}

// Read finds dataset versions, checkpoints and what was made from what.
func Read(r io.Reader, opt discovery.Options) (*discovery.Found, error) {
	b := &reader{opt: opt, found: &discovery.Found{Source: "openlineage"}, names: map[string]string{}}
	runs := map[string]*run{}
	var order []*run
	err := each(r, func(n int, e *event) error {
		if e.Run.ID == "" {
			return nil // a dataset or job event: it says nothing of lineage
		}
		if e.Job.Name == "" || e.Time.IsZero() {
			return fmt.Errorf("read event %d: it has no job.name or no eventTime", n)
		}
		x, known := runs[e.Run.ID]
		if !known {
			x = &run{id: e.Run.ID, job: e.Job.Name}
			runs[e.Run.ID] = x
			order = append(order, x)
		}
		x.take(e)
		if e.Time.After(b.found.AsOf) {
			b.found.AsOf = e.Time
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(order) == 0 {
		b.found.Note("there is no run event among the events")
	}
	for _, x := range order {
		b.run(x)
	}
	return b.found, nil
}

func (x *run) take(e *event) {
	x.inputs, x.outputs = merged(x.inputs, e.Inputs), merged(x.outputs, e.Outputs)
	switch e.Type {
	case "COMPLETE":
		if e.Time.After(x.ended) {
			x.ended = e.Time
		}
	case "FAIL", "ABORT":
		x.failed = e.Type
	}
}

// merged unites what several events of a run say of its datasets; a version that is said later counts.
func merged(have, more []dataset) []dataset {
	for _, d := range more {
		i := slices.IndexFunc(have, func(h dataset) bool {
			return h.Namespace == d.Namespace && h.Name == d.Name && (h.version() == d.version() || h.version() == "" || d.version() == "")
		})
		switch {
		case i < 0 && len(have) < maxDatasets:
			have = append(have, d)
		case i >= 0 && have[i].version() == "" && d.version() != "":
			have[i] = d
		}
	}
	return have
}

func (d *dataset) version() string {
	if d.Facets.Version == nil {
		return ""
	}
	return d.Facets.Version.Version
}

type reader struct {
	opt   discovery.Options
	found *discovery.Found
	// names is where each id came from, so that two things of one name are not taken for one.
	names map[string]string
}

func (b *reader) run(x *run) {
	if x.ended.IsZero() {
		if len(x.outputs) > 0 {
			state := "did not end"
			if x.failed != "" {
				state = "ended with " + x.failed
			}
			b.found.Note("N8: run %s of %s %s: what it may have written is not linked", x.id, x.job, state)
		}
		return
	}
	var from []string
	for i := range x.inputs {
		if id := b.asset(&x.inputs[i], x, false); id != "" {
			from = append(from, id)
		}
	}
	for i := range x.outputs {
		to := b.asset(&x.outputs[i], x, true)
		if to == "" {
			continue
		}
		for _, id := range from {
			if id == to {
				b.found.Note("N7: run %s of %s reads and writes %s: without a new version there is no lineage", x.id, x.job, to)
				continue
			}
			b.link(id, to, x)
		}
		if len(x.inputs) == 0 {
			b.found.Note("N8: run %s of %s names no input: nothing is known of what %s was made from", x.id, x.job, to)
		}
	}
}

func (b *reader) link(from, to string, x *run) {
	b.found.Edge(inventory.Edge{From: from, Job: x.job, Run: x.id, To: to, EventTime: x.ended.UTC().Format(time.RFC3339)})
	if !b.found.Has("checkpoints", to) {
		return
	}
	if b.found.Has("checkpoints", from) {
		b.found.Asset("checkpoints", to).Set("parents", []string{from})
		return
	}
	b.found.Asset("checkpoints", to).Set("built.datasets", []string{from})
}

// asset is the id of a dataset version or a checkpoint, or of a dataset whose version is not said; empty if it has none that
// can be used. What is written must have a version.
func (b *reader) asset(d *dataset, x *run, written bool) string {
	if strings.HasPrefix(d.Namespace, models) {
		return b.checkpoint(d, x, written)
	}
	id := b.id(d)
	if id == "" {
		return ""
	}
	if written && d.version() == "" {
		b.found.Note("N8: run %s of %s writes %s without a version facet: what it was made from is not linked", x.id, x.job, id)
		return ""
	}
	data := b.found.Asset("datasets", id)
	data.Set("env", b.opt.Env)
	b.describe(data, d)
	if d.version() == "" {
		b.found.Note("N8: run %s of %s reads %s without a version facet: every incident about it affects what was made", x.id, x.job, id)
		return id
	}
	version := id + "@" + d.version()
	if !discovery.Usable(version) {
		b.found.Note("N8: the version %q of %s can be no id", d.version(), id)
		return ""
	}
	v := b.found.Asset("dataset_versions", version)
	v.Set("dataset", id)
	if at := strings.TrimSuffix(d.Namespace, "/") + "/" + strings.TrimPrefix(d.Name, "/"); strings.Contains(at, "://") && !b.within(version, at) {
		v.Set("uri", at)
	}
	return version
}

// within reports whether the inventory knows where in the dataset a version is: an event says where the dataset is.
func (b *reader) within(version, at string) bool {
	if b.opt.Known == nil {
		return false
	}
	v := b.opt.Known.DatasetVersion(version)
	return v != nil && strings.HasPrefix(v.URI, at+"/")
}

// id is the inventory id of a dataset: what the person called it, or its name. Two namespaces do not share one.
func (b *reader) id(d *dataset) string {
	full := strings.TrimSuffix(d.Namespace, "/") + "/" + strings.TrimPrefix(d.Name, "/")
	id, given := b.opt.Names[full]
	if !given {
		id = b.opt.Name(d.Name)
	}
	if !discovery.Usable(id) || strings.Contains(id, "@") {
		b.found.Note("%q can be no id and is left out: give it one with --name", full)
		return ""
	}
	if other, taken := b.names[id]; taken && other != full {
		b.found.Note("%q and %q are both called %s; the second is left out: give it an id with --name", other, full, id)
		return ""
	}
	b.names[id] = full
	return id
}

// checkpoint finds the checkpoint that a model is: the known one with its digest, or the one that its name says.
func (b *reader) checkpoint(d *dataset, x *run, written bool) string {
	digest := d.version()
	if id := b.opt.CheckpointBy(digest, ""); digest != "" && id != "" {
		model, _, _ := strings.Cut(id, "@")
		if c := b.opt.Known.Checkpoint(id); c != nil {
			model = c.Model
		}
		b.found.Asset("checkpoints", id).Set("model", model)
		return id
	}
	name := b.opt.Name(d.Name)
	model, version, ok := strings.Cut(name, "@")
	if !ok || model == "" || version == "" || !discovery.Usable(name) {
		what := "reads"
		if written {
			what = "writes"
		}
		b.found.Note("N8: run %s of %s %s model %q with digest %q, which is no known checkpoint: name it MODEL@VERSION, or give it an id with --name", x.id, x.job, what, d.Name, digest)
		return ""
	}
	b.found.Asset("models", model).Set("env", b.opt.Env)
	c := b.found.Asset("checkpoints", name)
	c.Set("model", model)
	if strings.HasPrefix(digest, "sha256:") {
		c.Set("root_digest", digest)
	}
	return name
}

// describe takes the facets that say what data is.
func (b *reader) describe(data *discovery.Asset, d *dataset) {
	if o := d.Facets.Ownership; o != nil {
		var names []string
		for _, owner := range o.Owners {
			names = append(names, owner.Name)
		}
		if p := b.opt.Person(names...); p != "" {
			data.Set("owner", p)
		} else if len(names) > 0 {
			b.found.Note("N11: the owner of %s (%s) is no person of the inventory: fill in owner", data.ID, strings.Join(names, ", "))
		}
	}
	if t := d.Facets.Tags; t != nil {
		for _, tag := range t.Tags {
			if k := strings.ToLower(tag.Key); k != "sensitivity" && k != "classification" {
				continue
			}
			if s := strings.ToLower(tag.Value); slices.Contains(discovery.Sensitivities(), s) {
				data.Set("sensitivity", s)
			} else {
				b.found.Note("N3: %s is tagged %s=%s, which is none of the inventory's sensitivities: fill in sensitivity", data.ID, tag.Key, tag.Value)
			}
		}
	}
	if l := d.Facets.Lifecycle; l != nil && slices.Contains([]string{"DROP", "TRUNCATE", "OVERWRITE", "RENAME"}, l.Change) {
		b.found.Note("%s was changed in place (%s): earlier versions may not be there any more", data.ID, l.Change)
	}
}
