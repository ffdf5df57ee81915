package mlflow

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"firebreak/internal/discovery"
	"firebreak/internal/inventory"
)

// parallel is how many requests run at once: a registry is somebody's production too.
const parallel = 4

// digestTags are the tags of a model version that hold its root digest. MLflow itself records none.
var digestTags = []string{"firebreak.root_digest", "root_digest"}

// sha256Digest is a digest as the inventory writes it.
var sha256Digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Discover reads the whole registry at a time.
func Discover(ctx context.Context, c *Client, opt discovery.Options, now time.Time) (*discovery.Found, error) {
	list, err := c.models(ctx)
	if err != nil {
		return nil, err
	}
	b := &reader{opt: opt, found: &discovery.Found{Source: "mlflow", AsOf: now}, names: newNames(opt)}
	all := make([][]version, len(list))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i := range list {
		group.Go(func() error {
			var err error
			all[i], err = c.versions(groupCtx, list[i].Name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	runs, err := c.runs(ctx, slices.Concat(all...))
	if err != nil {
		return nil, err
	}
	for i, m := range list {
		b.model(m, all[i], runs)
	}
	if len(list) == 0 {
		b.found.Note("the registry has no model")
	}
	return b.found, nil
}

// runs reads the runs behind versions. One that was deleted is nil.
func (c *Client) runs(ctx context.Context, versions []version) (map[string]*run, error) {
	out := map[string]*run{}
	var ids []string
	for _, v := range versions {
		if _, known := out[v.RunID]; v.RunID != "" && !known {
			out[v.RunID] = nil
			ids = append(ids, v.RunID)
		}
	}
	read := make([]*run, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, id := range ids {
		group.Go(func() error {
			r, err := c.run(ctx, id)
			var gone *absent
			if errors.As(err, &gone) {
				return nil
			}
			read[i] = r
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, id := range ids {
		out[id] = read[i]
	}
	return out, nil
}

type reader struct {
	opt   discovery.Options
	found *discovery.Found
	names *names
}

func (b *reader) model(m registered, versions []version, runs map[string]*run) {
	id := b.names.model(m.Name)
	if !discovery.Usable(id) || strings.Contains(id, "@") {
		b.found.Note("model %q can be no id and is left out: give it one with --name", m.Name)
		return
	}
	model := b.found.Asset("models", id)
	model.Set("env", b.opt.Env)
	model.Set("registry.platform", "mlflow")
	model.Set("registry.name", m.Name)
	for _, a := range m.Aliases {
		b.found.Note("alias %s of %s is version %s: an endpoint that serves it names it in alias", a.Alias, id, a.Version)
	}
	slices.SortStableFunc(versions, func(x, y version) int {
		if len(x.Version) != len(y.Version) {
			return len(x.Version) - len(y.Version)
		}
		return strings.Compare(x.Version, y.Version)
	})
	for i := range versions {
		b.version(id, &versions[i], runs[versions[i].RunID])
	}
}

func (b *reader) version(model string, v *version, r *run) {
	id := b.names.checkpoint(model, v.Version)
	if c := b.names.taken(id, v.Version); c != "" {
		b.found.Note("version %s of %s is left out: %s is registered as version %s; give it an id of its own and registry_version %s by hand", v.Version, model, id, c, v.Version)
		return
	}
	if v.Version == "" || !discovery.Usable(id) {
		b.found.Note("version %q of %s can be no id and is left out", v.Version, model)
		return
	}
	if v.Status != "" && v.Status != "READY" {
		b.found.Note("version %s of %s is left out: its registration is %s", v.Version, model, v.Status)
		return
	}
	c := b.found.Asset("checkpoints", id)
	c.Set("model", model)
	switch d := value(v.Tags, digestTags...); {
	case sha256Digest.MatchString(d):
		c.Set("root_digest", d)
	default:
		b.found.Note("N2: %s has no tag %s: fill in root_digest", id, digestTags[0])
	}
	if strings.HasPrefix(v.Source, "s3://") {
		c.Set("uri", v.Source)
	} else {
		scheme, _, _ := strings.Cut(v.Source, ":") // the rest may hold a password
		b.found.Note("%s is kept in MLflow at an address of the kind %q: fill in uri, the S3 prefix of its files", id, scheme)
	}
	c.Set("built.run_id", v.RunID)
	c.Set("promotion.stage", map[string]string{"Production": "prod", "Staging": "staging", "Archived": "retired"}[v.Stage])
	switch {
	case v.RunID == "":
		b.found.Note("N8: %s names no run: nothing is known of what it was made from", id)
	case r == nil:
		b.found.Note("N8: run %s of %s was deleted: nothing is known of what it was made from", v.RunID, id)
	default:
		b.built(c, v, r)
	}
}

// built takes from the run when, from which code and from which data a version was made.
func (b *reader) built(c *discovery.Asset, v *version, r *run) {
	c.Set("built.code_commit", value(r.Data.Tags, "mlflow.source.git.commit"))
	c.Set("built.started", moment(r.Info.Start))
	c.Set("built.finished", moment(r.Info.End))
	linked := false
	for _, in := range r.Inputs.Datasets {
		d := in.Dataset
		name := b.opt.Name(d.Name)
		version := name + "@" + d.Digest
		if !discovery.Usable(name) || strings.Contains(name, "@") || !discovery.Usable(version) || d.Digest == "" {
			b.found.Note("N8: run %s of %s logged dataset %q with digest %q, which can be no id: give it one with --name", v.RunID, c.ID, d.Name, d.Digest)
			continue
		}
		b.found.Asset("datasets", name).Set("env", b.opt.Env)
		data := b.found.Asset("dataset_versions", version)
		data.Set("dataset", name)
		data.Set("uri", location(d.Source))
		c.Set("built.datasets", []string{version})
		b.found.Edge(inventory.Edge{From: version, Run: v.RunID, To: c.ID, EventTime: moment(r.Info.End)})
		linked = true
	}
	if !linked {
		b.found.Note("N8: run %s of %s logged no dataset (mlflow.log_input): nothing is known of what it was made from", v.RunID, c.ID)
	}
}

// location is the address of the objects of a dataset, if its source says so.
func location(source string) string {
	var s struct {
		URI string `json:"uri"`
	}
	if json.Unmarshal([]byte(source), &s) == nil && strings.HasPrefix(s.URI, "s3://") {
		return s.URI
	}
	return ""
}

func moment(millis int64) string {
	if millis <= 0 || millis > 253402300799999 { // the year 9999
		return ""
	}
	return time.UnixMilli(millis).UTC().Format(time.RFC3339)
}
