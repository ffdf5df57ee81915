package mlflow

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Version is one version of a registered model.
type Version struct {
	Name    string
	Version string
	// Status is READY unless the version is still being written or its writing failed.
	Status string
	// Stage is None, Staging, Production or Archived; MLflow keeps stages for those who still use them.
	Stage  string
	Source string
	Tags   map[string]string
	// Aliases are sorted.
	Aliases []string
}

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type versionAnswer struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Status  string   `json:"status"`
	Stage   string   `json:"current_stage"`
	Source  string   `json:"source"`
	Tags    []pair   `json:"tags"`
	Aliases []string `json:"aliases"`
}

func (a versionAnswer) version() *Version {
	v := &Version{Name: a.Name, Version: a.Version, Status: a.Status, Stage: a.Stage, Source: a.Source, Tags: map[string]string{}, Aliases: slices.Sorted(slices.Values(a.Aliases))}
	for _, t := range a.Tags {
		v.Tags[t.Key] = t.Value
	}
	return v
}

// Version returns a version with its tags and aliases, or nil if there is none.
func (c *Client) Version(ctx context.Context, name, version string) (*Version, error) {
	var out struct {
		Version versionAnswer `json:"model_version"`
	}
	err := c.call(ctx, http.MethodGet, "model-versions/get", map[string]any{"name": name, "version": version}, &out)
	if refused(err, "RESOURCE_DOES_NOT_EXIST") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return out.Version.version(), nil
}

const (
	// pageSize and maxPages bound a search.
	pageSize = "1000"
	maxPages = 20
)

// Search returns the versions of a model with their tags, newest first. It is another path than Version; what it returns
// has no aliases.
func (c *Client) Search(ctx context.Context, name string) ([]Version, error) {
	if strings.ContainsAny(name, `'"`) {
		return nil, fmt.Errorf("search MLflow: a model's name with a quote in it cannot be searched for")
	}
	in := map[string]any{"filter": "name='" + name + "'", "max_results": pageSize}
	var all []Version
	for range maxPages {
		var out struct {
			Versions []versionAnswer `json:"model_versions"`
			Next     string          `json:"next_page_token"`
		}
		if err := c.call(ctx, http.MethodGet, "model-versions/search", in, &out); err != nil {
			return nil, err
		}
		for _, v := range out.Versions {
			all = append(all, *v.version())
		}
		if out.Next == "" {
			return all, nil
		}
		in["page_token"] = out.Next
	}
	return nil, fmt.Errorf("search MLflow: model %s has more than %d pages of versions", name, maxPages)
}

// Aliases maps the aliases of a model to versions. It is another path than Version.
func (c *Client) Aliases(ctx context.Context, name string) (map[string]string, error) {
	var out struct {
		Model struct {
			Aliases []struct {
				Alias   string `json:"alias"`
				Version string `json:"version"`
			} `json:"aliases"`
		} `json:"registered_model"`
	}
	if err := c.call(ctx, http.MethodGet, "registered-models/get", map[string]any{"name": name}, &out); err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, a := range out.Model.Aliases {
		all[a.Alias] = a.Version
	}
	return all, nil
}

// SetTag sets a tag of a version.
func (c *Client) SetTag(ctx context.Context, name, version, key, value string) error {
	return c.call(ctx, http.MethodPost, "model-versions/set-tag", map[string]any{"name": name, "version": version, "key": key, "value": value}, nil)
}

// DeleteTag deletes a tag of a version; that it is absent already is no error.
func (c *Client) DeleteTag(ctx context.Context, name, version, key string) error {
	return c.call(ctx, http.MethodDelete, "model-versions/delete-tag", map[string]any{"name": name, "version": version, "key": key}, nil)
}

// SetAlias points an alias at a version, wherever it pointed: MLflow has no compare-and-set, so read it back.
func (c *Client) SetAlias(ctx context.Context, name, alias, version string) error {
	return c.call(ctx, http.MethodPost, "registered-models/alias", map[string]any{"name": name, "alias": alias, "version": version}, nil)
}

// DeleteAlias deletes an alias; that it is absent already is no error.
func (c *Client) DeleteAlias(ctx context.Context, name, alias string) error {
	return c.call(ctx, http.MethodDelete, "registered-models/alias", map[string]any{"name": name, "alias": alias}, nil)
}

// SetStage moves a version to a stage and leaves the other versions in theirs.
func (c *Client) SetStage(ctx context.Context, name, version, stage string) error {
	return c.call(ctx, http.MethodPost, "model-versions/transition-stage",
		map[string]any{"name": name, "version": version, "stage": stage, "archive_existing_versions": false}, nil)
}
