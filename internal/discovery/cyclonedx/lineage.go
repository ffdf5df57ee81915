package cyclonedx

import (
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"firebreak/internal/discovery"
	"firebreak/internal/inventory"
)

// digests says why a hash is not taken: it is of a file or an archive, and would never be what a signed manifest says.
func (b *reader) digests(c *cdx.Component, id string) {
	if property(c, rootDigest) == "" && len(list(c.Hashes)) > 0 {
		b.found.Note("N2: %s has a hash, but not the root digest of a model signing manifest: fill in root_digest, or set the property %s", id, rootDigest)
	}
}

// trainedOn links a checkpoint to its datasets: by version, or to the dataset where no version is said.
func (b *reader) trainedOn(k *discovery.Asset, c *cdx.Component) {
	if c.ModelCard == nil || c.ModelCard.ModelParameters == nil {
		b.found.Note("N8: %s has no model card that says what it was trained on", k.ID)
		return
	}
	datasets := list(c.ModelCard.ModelParameters.Datasets)
	if len(datasets) == 0 {
		b.found.Note("N8: the model card of %s names no dataset", k.ID)
	}
	for _, choice := range datasets {
		switch from := b.byRef[choice.Ref]; {
		case choice.Ref != "" && from == nil:
			from = b.dataRef[choice.Ref]
			if from == nil {
				b.found.Note("N8: %s was trained on %q, which is not in the bill of materials", k.ID, choice.Ref)
				continue
			}
			b.link(k, from)
		case choice.Ref != "":
			b.link(k, from)
		case choice.ComponentData != nil:
			b.inline(k, choice.ComponentData)
		}
	}
}

func (b *reader) link(k *discovery.Asset, data *cdx.Component) {
	if data.Type != cdx.ComponentTypeData {
		b.found.Note("N8: %s names %q as a dataset, which is a component of type %s", k.ID, data.Name, data.Type)
		return
	}
	from, digest := b.version(data), property(data, rootDigest)
	if from == "" {
		if from = b.name(data); from == "" {
			return
		}
		digest = ""
	}
	b.edge(k, from, digest)
}

// inline is a dataset that stands in the model card itself. CycloneDX gives such a one no version.
func (b *reader) inline(k *discovery.Asset, data *cdx.ComponentData) {
	id := b.opt.Name(data.Name)
	if !discovery.Usable(id) || strings.Contains(id, "@") {
		b.found.Note("N8: %s was trained on a dataset %q, which can be no id: give it one with --name", k.ID, data.Name)
		return
	}
	d := b.found.Asset("datasets", id)
	d.Set("env", b.opt.Env)
	b.describe(d, data)
	b.found.Note("N8: %s was trained on dataset %s, of no version: every incident about it affects it", k.ID, id)
	b.edge(k, id, "")
}

func (b *reader) edge(k *discovery.Asset, from, digest string) {
	b.found.Edge(inventory.Edge{From: from, To: k.ID})
	if digest != "" {
		from += "#" + digest
	}
	k.Set("built.datasets", []string{from})
}
