package cyclonedx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"firebreak/internal/discovery"
)

// Limits of one bill of materials: its bytes, its components, and how deep they nest.
const (
	MaxBytes      = 32 << 20
	maxComponents = 100_000
	maxDepth      = 32
)

// rootDigest is the property in which a bill of materials can carry what CycloneDX has no field for: the root digest of the
// OpenSSF Model Signing manifest.
const rootDigest = "firebreak:root_digest"

// Read finds models, checkpoints, datasets and what was trained on what in one bill of materials.
func Read(r io.Reader, opt discovery.Options) (*discovery.Found, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the bill of materials: %w", err)
	case len(raw) > MaxBytes:
		return nil, fmt.Errorf("read the bill of materials: it is larger than %d bytes; split it", MaxBytes)
	}
	if err := checkFormat(raw); err != nil {
		return nil, err
	}
	bom := &cdx.BOM{}
	if err := cdx.NewBOMDecoder(bytes.NewReader(raw), cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		return nil, fmt.Errorf("read the bill of materials: %w", err)
	}
	b := &reader{opt: opt, found: &discovery.Found{Source: "cyclonedx"}, byRef: map[string]*cdx.Component{}, dataRef: map[string]*cdx.Component{}}
	if bom.Metadata != nil {
		if at, err := time.Parse(time.RFC3339, bom.Metadata.Timestamp); err == nil {
			b.found.AsOf = at
		}
		if bom.Metadata.Component != nil {
			if err := b.collect(bom.Metadata.Component, 0); err != nil {
				return nil, err
			}
		}
	}
	for i := range list(bom.Components) {
		if err := b.collect(&(*bom.Components)[i], 0); err != nil {
			return nil, err
		}
	}
	for _, c := range b.data {
		b.dataset(c)
	}
	for _, c := range b.models {
		b.model(c)
	}
	if len(b.models)+len(b.data) == 0 {
		b.found.Note("the bill of materials has no component of type machine-learning-model or data")
	}
	return b.found, nil
}

// checkFormat refuses what is something else, with words that say what it is.
func checkFormat(raw []byte) error {
	var head struct {
		Format string `json:"bomFormat"`
		Spec   string `json:"specVersion"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return fmt.Errorf("read the bill of materials: it is no JSON (convert XML with 'cyclonedx convert'): %w", err)
	}
	if head.Format != "CycloneDX" {
		return fmt.Errorf("read the bill of materials: bomFormat is %q, want CycloneDX", head.Format)
	}
	if head.Spec != "1.6" && head.Spec != "1.7" {
		return fmt.Errorf("read the bill of materials: specVersion is %q, want 1.6 or 1.7", head.Spec)
	}
	return nil
}

type reader struct {
	opt          discovery.Options
	found        *discovery.Found
	models, data []*cdx.Component
	// byRef finds components by their bom-ref; dataRef the component that holds a piece of data.
	byRef, dataRef map[string]*cdx.Component
	count          int
}

func list[T any](p *[]T) []T {
	if p == nil {
		return nil
	}
	return *p
}

func (b *reader) collect(c *cdx.Component, depth int) error {
	if b.count++; b.count > maxComponents || depth > maxDepth {
		return fmt.Errorf("read the bill of materials: it has more than %d components or nests them deeper than %d", maxComponents, maxDepth)
	}
	if c.BOMRef != "" {
		b.byRef[c.BOMRef] = c
	}
	for _, d := range list(c.Data) {
		if d.BOMRef != "" {
			b.dataRef[d.BOMRef] = c
		}
	}
	switch c.Type {
	case cdx.ComponentTypeMachineLearningModel:
		b.models = append(b.models, c)
	case cdx.ComponentTypeData:
		b.data = append(b.data, c)
	}
	for i := range list(c.Components) {
		if err := b.collect(&(*c.Components)[i], depth+1); err != nil {
			return err
		}
	}
	return nil
}

// name is the id of what a component is a version of; empty if its name can be none.
func (b *reader) name(c *cdx.Component) string {
	full := c.Name
	if c.Group != "" {
		full = c.Group + "/" + c.Name
	}
	id, given := b.opt.Names[full]
	if !given {
		id = b.opt.Name(c.Name)
	}
	if !discovery.Usable(id) || strings.Contains(id, "@") {
		b.found.Note("%q can be no id and is left out: give it one with --name", full)
		return ""
	}
	return id
}

// version is the id of the version that a component is; empty if it names none.
func (b *reader) version(c *cdx.Component) string {
	id := b.name(c)
	if id == "" || c.Version == "" || !discovery.Usable(id+"@"+c.Version) {
		return ""
	}
	return id + "@" + c.Version
}

func (b *reader) dataset(c *cdx.Component) {
	id := b.name(c)
	if id == "" {
		return
	}
	d := b.found.Asset("datasets", id)
	d.Set("env", b.opt.Env)
	for i := range list(c.Data) {
		b.describe(d, &(*c.Data)[i])
	}
	v := b.version(c)
	if v == "" {
		b.found.Note("N8: dataset %s has no version: what was made from it is affected by every incident about it", id)
		return
	}
	asset := b.found.Asset("dataset_versions", v)
	asset.Set("dataset", id)
	asset.Set("root_digest", property(c, rootDigest))
	b.digests(c, v)
	for _, parent := range b.ancestors(c, cdx.ComponentTypeData) {
		if p := b.version(parent); p != "" && b.found.Has("dataset_versions", p) {
			asset.Set("parents", []string{p})
		}
	}
}

// describe takes what a bill of materials says of data: how sensitive it is and who owns it.
func (b *reader) describe(d *discovery.Asset, data *cdx.ComponentData) {
	if s := strings.ToLower(strings.TrimSpace(data.Classification)); slices.Contains(discovery.Sensitivities(), s) {
		d.Set("sensitivity", s)
	} else if s != "" {
		b.found.Note("N3: dataset %s is classified as %q, which is none of the inventory's sensitivities: fill in sensitivity", d.ID, data.Classification)
	}
	if said := list(data.SensitiveData); len(said) > 0 {
		b.found.Note("N3: dataset %s holds sensitive data (%s): fill in sensitivity, subjects and controller_role", d.ID, strings.Join(said, ", "))
	}
	if data.Governance == nil {
		return
	}
	for _, party := range list(data.Governance.Owners) {
		var names []string
		if party.Contact != nil {
			names = append(names, party.Contact.Email, party.Contact.Name)
		}
		if party.Organization != nil {
			names = append(names, party.Organization.Name)
			for _, c := range list(party.Organization.Contact) {
				names = append(names, c.Email, c.Name)
			}
		}
		if p := b.opt.Person(names...); p != "" {
			d.Set("owner", p)
			return
		}
		b.found.Note("N11: the owner of dataset %s (%s) is no person of the inventory: fill in owner", d.ID, strings.Join(slices.DeleteFunc(names, func(s string) bool { return s == "" }), ", "))
	}
}

func (b *reader) model(c *cdx.Component) {
	id := b.name(c)
	if id == "" {
		return
	}
	m := b.found.Asset("models", id)
	m.Set("env", b.opt.Env)
	v := b.version(c)
	for _, parent := range b.ancestors(c, cdx.ComponentTypeMachineLearningModel) {
		p := b.version(parent)
		if v != "" && p != "" && (b.found.Has("checkpoints", p) || b.lists(parent)) {
			b.found.Asset("checkpoints", v).Set("model", id)
			b.found.Asset("checkpoints", v).Set("parents", []string{p})
			continue
		}
		m.Set("upstream", []discovery.Item{{{Path: "ref", Value: reference(parent)}}})
	}
	if v == "" {
		b.found.Note("N2: model %s has no version in the bill of materials: no checkpoint of it is known", id)
		return
	}
	k := b.found.Asset("checkpoints", v)
	k.Set("model", id)
	k.Set("root_digest", property(c, rootDigest))
	b.digests(c, v)
	b.trainedOn(k, c)
}

// lists reports whether the bill of materials lists an ancestor as a component of its own.
func (b *reader) lists(parent *cdx.Component) bool {
	return slices.ContainsFunc(b.models, func(c *cdx.Component) bool { return c.Name == parent.Name && c.Version == parent.Version })
}

func (b *reader) ancestors(c *cdx.Component, kind cdx.ComponentType) []*cdx.Component {
	if c.Pedigree == nil {
		return nil
	}
	var out []*cdx.Component
	for i := range list(c.Pedigree.Ancestors) {
		if a := &(*c.Pedigree.Ancestors)[i]; a.Type == kind {
			out = append(out, a)
		}
	}
	return out
}

// reference names an ancestor that is outside.
func reference(c *cdx.Component) string {
	switch {
	case c.PackageURL != "":
		return c.PackageURL
	case c.Group != "":
		return strings.TrimSuffix(c.Group+"/"+c.Name+"@"+c.Version, "@")
	}
	return strings.TrimSuffix(c.Name+"@"+c.Version, "@")
}

func property(c *cdx.Component, name string) string {
	for _, p := range list(c.Properties) {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}
