package mlflow

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// The most that is taken from one registry.
const (
	maxModels   = 20_000
	maxVersions = 100_000
	pageSize    = "100"
)

type tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type registered struct {
	Name    string `json:"name"`
	Aliases []struct {
		Alias   string `json:"alias"`
		Version string `json:"version"`
	} `json:"aliases"`
}

type version struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Stage   string `json:"current_stage"`
	Source  string `json:"source"`
	RunID   string `json:"run_id"`
	Status  string `json:"status"`
	Tags    []tag  `json:"tags"`
}

type run struct {
	Info struct {
		Start int64 `json:"start_time"`
		End   int64 `json:"end_time"`
	} `json:"info"`
	Data struct {
		Tags []tag `json:"tags"`
	} `json:"data"`
	Inputs struct {
		Datasets []struct {
			Tags    []tag `json:"tags"`
			Dataset struct {
				Name       string `json:"name"`
				Digest     string `json:"digest"`
				SourceType string `json:"source_type"`
				Source     string `json:"source"`
			} `json:"dataset"`
		} `json:"dataset_inputs"`
	} `json:"inputs"`
}

func (c *Client) models(ctx context.Context) ([]registered, error) {
	var out []registered
	err := pages("registered models", func(query url.Values) (string, error) {
		var page struct {
			Models []registered `json:"registered_models"`
			Next   string       `json:"next_page_token"`
		}
		err := c.get(ctx, "registered-models/search", query, &page)
		out = append(out, page.Models...)
		if len(out) > maxModels {
			return "", fmt.Errorf("read the registry: it has more than %d models", maxModels)
		}
		return page.Next, err
	})
	return out, err
}

func (c *Client) versions(ctx context.Context, model string) ([]version, error) {
	quote := "'"
	if strings.Contains(model, quote) {
		quote = `"`
	}
	var out []version
	err := pages("versions of "+model, func(query url.Values) (string, error) {
		query.Set("filter", "name="+quote+model+quote)
		var page struct {
			Versions []version `json:"model_versions"`
			Next     string    `json:"next_page_token"`
		}
		err := c.get(ctx, "model-versions/search", query, &page)
		out = append(out, page.Versions...)
		if len(out) > maxVersions {
			return "", fmt.Errorf("read the registry: %s has more than %d versions", model, maxVersions)
		}
		return page.Next, err
	})
	return out, err
}

// pages asks for one page after the other. A server that gives the same page again would never end.
func pages(what string, page func(query url.Values) (next string, err error)) error {
	seen := map[string]bool{"": true}
	for token := ""; ; {
		query := url.Values{"max_results": {pageSize}}
		if token != "" {
			query.Set("page_token", token)
		}
		next, err := page(query)
		switch {
		case err != nil:
			return err
		case next == "":
			return nil
		case seen[next]:
			return fmt.Errorf("read the registry: the pages of the %s do not end", what)
		}
		seen[next] = true
		token = next
	}
}

func (c *Client) run(ctx context.Context, id string) (*run, error) {
	var answer struct {
		Run *run `json:"run"`
	}
	if err := c.get(ctx, "runs/get", url.Values{"run_id": {id}}, &answer); err != nil {
		return nil, err
	}
	if answer.Run == nil {
		return nil, fmt.Errorf("ask MLflow for run %s: the answer holds none", id)
	}
	return answer.Run, nil
}

func value(tags []tag, keys ...string) string {
	for _, k := range keys {
		for _, t := range tags {
			if t.Key == k {
				return t.Value
			}
		}
	}
	return ""
}
