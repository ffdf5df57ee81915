package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"firebreak/internal/inventory"
	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
	"firebreak/playbooks"
)

// maxFindings bounds what is said of one candidate; there may be thousands of files.
const maxFindings = 20

// examine returns everything that speaks against a candidate, and how many files it has.
func (g *Verify) examine(ctx context.Context, op *playbooks.Operation, c *candidate, key *dsse.Key) ([]string, int, error) {
	files, err := c.hash(ctx)
	if err != nil {
		return nil, 0, err
	}
	against := append(c.signature(op, key, files), carriers(op.Target.KnownGood, files)...)
	unsafe, err := c.scan(ctx)
	if err != nil {
		return nil, 0, err
	}
	said, err := g.others(ctx, op, files)
	if err != nil {
		return nil, 0, err
	}
	return slices.Concat(against, unsafe, said), len(files), nil
}

// signature says what speaks against the candidate's signature: nothing, if the trusted key signed exactly these files.
func (c *candidate) signature(op *playbooks.Operation, key *dsse.Key, files []manifest.File) []string {
	signed, err := c.signed(key)
	if err != nil {
		return []string{err.Error()}
	}
	good := op.Target.KnownGood
	against := signed.Differences(files)
	if signed.Root != good.RootDigest {
		against = append(against, "the signature covers "+signed.Root+", the inventory says "+good.RootDigest)
	}
	// The time of signing in the inventory is somebody's word. The store's own clock says since when it has the signature.
	if lost := op.Target.Signer.CompromisedSince; lost != "" {
		if t, err := parseTime(lost); err != nil || c.since.IsZero() || !c.since.Before(t) {
			against = append(against, fmt.Sprintf("its key may have been in other hands since %s, and the store has the signature only since %s", lost, c.since.Format(time.RFC3339)))
		}
	}
	return against
}

// parseTime reads a time of the inventory.
func parseTime(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Parse(time.DateOnly, text)
}

// carriers says which part of the checkpoint, as the inventory names it, is not among the files that are signed.
func carriers(c *inventory.Checkpoint, files []manifest.File) []string {
	var against []string
	want := func(what, name string) {
		if name == "" || name == "none" {
			return
		}
		if !slices.ContainsFunc(files, func(f manifest.File) bool { return f.Name == name || strings.Contains("/"+f.Name, "/"+name+"/") }) {
			against = append(against, fmt.Sprintf("its %s %s is not among its files", what, name))
		}
	}
	want("tokenizer", c.Files.Tokenizer)
	want("chat template", c.Files.ChatTemplate)
	for _, a := range c.Files.Adapters {
		want("adapter", a)
	}
	format := c.Files.Weights
	weights := func(f manifest.File) bool { return strings.HasSuffix(f.Name, "."+format) }
	if format != "" && format != "none" && !slices.ContainsFunc(files, weights) {
		against = append(against, "it has no weights in the format "+format)
	}
	return against
}

// others asks the registry and the catalogue what they say of the candidate.
func (g *Verify) others(ctx context.Context, op *playbooks.Operation, files []manifest.File) ([]string, error) {
	var against []string
	if at := op.Target.Registered; at != nil && at.Platform == "mlflow" {
		if g.mlflow == nil {
			return []string{"it is registered in MLflow, and none is configured: set MLFLOW_TRACKING_URI for the worker"}, nil
		}
		said, err := standing(ctx, g.mlflow, at)
		if err != nil {
			return nil, err
		}
		against = append(against, said...)
	}
	if g.catalogue != nil {
		said, err := g.catalogue.compare(ctx, op.Target.KnownGood, files)
		if err != nil {
			return nil, err
		}
		against = append(against, said...)
	}
	return against, nil
}

func enumerate(list []string) string {
	if len(list) > maxFindings {
		list = append(slices.Clone(list[:maxFindings]), fmt.Sprintf("and %d more", len(list)-maxFindings))
	}
	return strings.Join(list, "; ")
}
