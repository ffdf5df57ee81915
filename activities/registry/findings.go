package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"firebreak/activities/registry/mlflow"
	"firebreak/internal/inventory"
)

// DigestTag is the tag under which a version in MLflow may have its root digest.
const DigestTag = "firebreak.root_digest"

// askTimeout bounds how long a plan waits for registries: containment waits for the plan. The gate asks again, and waits.
const askTimeout = 5 * time.Second

// Sources asks the registry and the catalogue for candidates and for what speaks against those of the inventory.
type Sources struct {
	mlflow    models
	catalogue *Catalogue
}

// NewSources returns the sources; both the client of MLflow and the catalogue may be nil.
func NewSources(client *mlflow.Client, catalogue *Catalogue) *Sources {
	s := &Sources{catalogue: catalogue}
	if client != nil {
		s.mlflow = client
	}
	return s
}

// Findings asks about the models. What cannot be asked in time is a note: a registry that is down must not keep an incident
// from being contained.
func (s *Sources) Findings(ctx context.Context, inv *inventory.Inventory, models []string) inventory.Findings {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	f := inventory.Findings{Against: map[string][]string{}}
	for _, id := range models {
		m := inv.Model(id)
		if m == nil {
			continue
		}
		if s.catalogue != nil {
			if err := s.listed(ctx, inv, m, &f); err != nil {
				f.Notes = append(f.Notes, "the catalogue was not asked about "+id+": "+err.Error())
			}
		}
		if s.mlflow != nil && m.Registry.Platform == "mlflow" {
			if err := s.registered(ctx, inv, m, &f); err != nil {
				f.Notes = append(f.Notes, "the registry was not asked about "+id+": "+err.Error())
			}
		}
	}
	return f
}

// listed compares the inventory's checkpoints with the catalogue's.
func (s *Sources) listed(ctx context.Context, inv *inventory.Inventory, m *inventory.Model, f *inventory.Findings) error {
	entries, err := s.catalogue.Entries(ctx, m.ID)
	if err != nil {
		return err
	}
	found := map[string]bool{}
	for i := range entries {
		e := &entries[i]
		found[e.Checkpoint.ID] = true
		c := inv.Checkpoint(e.Checkpoint.ID)
		switch {
		case c == nil:
			f.Candidates = append(f.Candidates, e.Checkpoint)
		case c.RootDigest != e.Checkpoint.RootDigest:
			f.Against[c.ID] = append(f.Against[c.ID], "the catalogue has the root digest "+e.Checkpoint.RootDigest+" for it")
		case e.Checkpoint.Status != "active":
			f.Against[c.ID] = append(f.Against[c.ID], "in the catalogue its status is "+e.Checkpoint.Status)
		}
	}
	for i := range inv.Checkpoints {
		if c := &inv.Checkpoints[i]; c.Model == m.ID && !found[c.ID] {
			f.Against[c.ID] = append(f.Against[c.ID], "the catalogue does not have it")
		}
	}
	return nil
}

// registered compares the checkpoints of the inventory and of the catalogue with the registry's versions.
func (s *Sources) registered(ctx context.Context, inv *inventory.Inventory, m *inventory.Model, f *inventory.Findings) error {
	versions, err := s.mlflow.Search(ctx, m.Registry.Name)
	if err != nil {
		return err
	}
	aliases, err := s.mlflow.Aliases(ctx, m.Registry.Name)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, c := range checkpoints(inv, m.ID, f) {
		at := inv.Registered(c)
		if at == nil {
			continue
		}
		known[at.Version] = true
		j := slices.IndexFunc(versions, func(v mlflow.Version) bool { return v.Version == at.Version })
		if j < 0 {
			f.Against[c.ID] = append(f.Against[c.ID], fmt.Sprintf("MLflow has no version %s of %s", at.Version, at.Name))
			continue
		}
		f.Against[c.ID] = append(f.Against[c.ID], against(&versions[j])...)
		if d := versions[j].Tags[DigestTag]; d != "" && d != c.RootDigest {
			f.Against[c.ID] = append(f.Against[c.ID], "MLflow has the root digest "+d+" for it")
		}
	}
	for i := range versions {
		if v := &versions[i]; !known[v.Version] {
			f.Candidates = append(f.Candidates, unlisted(m.ID, v, aliases))
		}
	}
	return nil
}

// checkpoints are those of a model that are known so far.
func checkpoints(inv *inventory.Inventory, model string, f *inventory.Findings) []*inventory.Checkpoint {
	var out []*inventory.Checkpoint
	for _, list := range [][]inventory.Checkpoint{inv.Checkpoints, f.Candidates} {
		for i := range list {
			if list[i].Model == model {
				out = append(out, &list[i])
			}
		}
	}
	return out
}

// unlisted is a version that nobody else knows. MLflow knows neither what it was made from nor its signature, so it is never
// known-good by this alone; that it is there shows in the reasons.
func unlisted(model string, v *mlflow.Version, aliases map[string]string) inventory.Checkpoint {
	c := inventory.Checkpoint{ID: model + "@" + v.Version, Model: model, URI: v.Source, RootDigest: v.Tags[DigestTag], Status: "only in MLflow, not in the inventory"}
	var named []string
	for alias, version := range aliases {
		if version == v.Version {
			named = append(named, alias)
		}
	}
	if slices.Sort(named); len(named) > 0 {
		c.Status += " (alias " + strings.Join(named, ", ") + ")"
	}
	return c
}

// against says what speaks against a version in MLflow.
func against(v *mlflow.Version) []string {
	var out []string
	if s := v.Tags[StatusTag]; s != "" && s != "active" {
		out = append(out, "in MLflow its tag "+StatusTag+" is "+s)
	}
	if v.Status != "READY" {
		out = append(out, "in MLflow its status is "+v.Status)
	}
	return out
}

// standing says what MLflow has against a checkpoint now.
func standing(ctx context.Context, m models, at *inventory.Registered) ([]string, error) {
	v, err := m.Version(ctx, at.Name, at.Version)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return []string{fmt.Sprintf("MLflow has no version %s of %s", at.Version, at.Name)}, nil
	}
	return against(v), nil
}
