package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"firebreak/internal/discovery"
	"firebreak/internal/discovery/cyclonedx"
	"firebreak/internal/discovery/kubernetes"
	"firebreak/internal/discovery/mlflow"
	"firebreak/internal/discovery/openlineage"
	"firebreak/internal/inventory"
)

// draft is the document that is completed. It may break the rules, but not the form.
func (a *app) draft(path string, raw []byte) (*yaml.Node, error) {
	if len(strings.TrimSpace(string(raw))) > 0 {
		_, err := inventory.Draft(path, raw)
		for _, f := range inventory.Faults(err) {
			fmt.Fprintln(a.stderr, plain(f.Error()))
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: correct what is wrong with its form first", plain(path))
		}
	}
	return discovery.Document(raw)
}

// importOne reads a source and merges it into the document.
func (a *app) importOne(ctx context.Context, x importing, source string, doc *yaml.Node) (discovery.Report, error) {
	text, err := discovery.JSON(doc) // it is read in a tenth of YAML's time
	if err != nil {
		return discovery.Report{}, err
	}
	known, err := inventory.Draft("the inventory", text)
	if err != nil {
		return discovery.Report{}, err
	}
	opt := discovery.Options{Known: known, Env: x.env, Cluster: x.cluster, Names: map[string]string{}}
	for _, n := range x.names {
		name, id, _ := cutLast(n)
		opt.Names[name] = id
	}
	ctx, cancel := context.WithTimeoutCause(ctx, x.timeout, fmt.Errorf("it took longer than --timeout %s", x.timeout))
	defer cancel()
	found, err := a.discover(ctx, x.from, source, opt)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if err != nil {
		return discovery.Report{}, err
	}
	if at, err := time.Parse(time.RFC3339, x.asOf); err == nil {
		found.AsOf = at
	}
	return discovery.Merge(doc, found, a.now()), nil
}

func (a *app) discover(ctx context.Context, from, source string, opt discovery.Options) (*discovery.Found, error) {
	if from == "mlflow" {
		client, err := mlflow.New(source, a.env.get("MLFLOW_TRACKING_TOKEN"), a.env.get("MLFLOW_TRACKING_USERNAME"), a.env.get("MLFLOW_TRACKING_PASSWORD"))
		if err != nil {
			return nil, usage("%w", err)
		}
		return mlflow.Discover(ctx, client, opt, a.now())
	}
	r, live := a.stdin, true
	if source != "-" {
		f, err := os.Open(source)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r, live = f, false
	}
	return readSource(from, r, live, opt, a.now())
}

// readSource reads a file. What comes from kubectl through a pipe is of this moment; a file of it does not say of when it is.
func readSource(from string, r io.Reader, live bool, opt discovery.Options, now time.Time) (*discovery.Found, error) {
	switch from {
	case "cyclonedx":
		return cyclonedx.Read(r, opt)
	case "openlineage":
		return openlineage.Read(r, opt)
	}
	found, err := kubernetes.Read(r, opt)
	if err == nil && live {
		found.AsOf = now
	}
	return found, err
}

// shown is a source as it may be printed: an address without what may be a secret in it.
func shown(source string) string {
	u, err := url.Parse(source)
	if err != nil && strings.Contains(source, "://") {
		return "the address"
	}
	if err != nil || u.Host == "" {
		return source
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// writeFindings says what an import did, and what it did not.
func writeFindings(w io.Writer, source string, r discovery.Report) {
	line := func(format string, args ...any) { fmt.Fprintln(w, plain(fmt.Sprintf(format, args...))) }
	line("%s: %d added, %s filled, %s of the lineage", source, len(r.Added), count(len(r.Filled), "field"), count(r.Edges, "edge"))
	for _, s := range r.Added {
		line("  + %s", s)
	}
	for _, s := range r.Filled {
		line("  ~ %s", s)
	}
	for _, c := range r.Conflicts {
		line("  CONFLICT %s", c)
	}
	for _, s := range r.Notes {
		line("  left out: %s", s)
	}
}
