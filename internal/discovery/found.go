package discovery

import (
	"fmt"
	"strings"
	"time"

	"firebreak/internal/inventory"
)

// Found is what one source says.
type Found struct {
	// Source is its name in the snapshot of an inventory: cyclonedx, openlineage, mlflow or k8s.
	Source string
	// AsOf is of when it is; zero if the source does not say.
	AsOf   time.Time
	Assets []*Asset
	Edges  []inventory.Edge
	// Notes say what was left out and why, each with the rule that will ask for it.
	Notes []string

	byID map[[2]string]*Asset
}

// Asset is one entry of a section, with the fields that the source knows, in the order in which they are written.
type Asset struct {
	Section, ID string
	Fields      []Field
}

// Field is one fact. Path is a key, or keys with dots between them. Value is a string, an int64, a []string or an []Item.
type Field struct {
	Path  string
	Value any
}

// Item is an entry of a list within an asset; its first field tells it from the others.
type Item []Field

// Options is what the person who imports says of a source.
type Options struct {
	// Known is the inventory that is to be completed. It may be nil, and it may be incomplete.
	Known *inventory.Inventory
	// Env is the environment of what the source describes; empty if it is to be filled in by hand.
	Env string
	// Cluster is the kubeconfig context of a Kubernetes export, which does not say it itself.
	Cluster string
	// Names maps what a source calls something to its id in the inventory.
	Names map[string]string

	// byDigest and byURI find checkpoints of Known; they are made when they are asked for first.
	byDigest, byURI map[string]string
}

// Asset returns the entry with the id, and adds it if it is new. In order of names, an asset is renamed before it gets here.
func (f *Found) Asset(section, id string) *Asset {
	if f.byID == nil {
		f.byID = map[[2]string]*Asset{}
	}
	a, ok := f.byID[[2]string{section, id}]
	if !ok {
		a = &Asset{Section: section, ID: id}
		f.byID[[2]string{section, id}] = a
		f.Assets = append(f.Assets, a)
	}
	return a
}

// Has reports whether an entry was found.
func (f *Found) Has(section, id string) bool { return f.byID[[2]string{section, id}] != nil }

// Note says that something was left out.
func (f *Found) Note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for _, n := range f.Notes {
		if n == text {
			return
		}
	}
	f.Notes = append(f.Notes, text)
}

// Set records a fact. What is empty is no fact. Lists of one path are united; of two texts the first stays.
func (a *Asset) Set(path string, value any) {
	switch v := value.(type) {
	case string:
		if v == "" {
			return
		}
	case []string:
		if len(v) == 0 {
			return
		}
	case []Item:
		if len(v) == 0 {
			return
		}
	case int64:
		if v == 0 {
			return
		}
	}
	for i := range a.Fields {
		if a.Fields[i].Path != path {
			continue
		}
		a.Fields[i].Value = united(a.Fields[i].Value, value)
		return
	}
	a.Fields = append(a.Fields, Field{path, value})
}

func united(have, more any) any {
	switch h := have.(type) {
	case []string:
		for _, s := range more.([]string) {
			if !containsRef(h, s) {
				h = append(h, s)
			}
		}
		return h
	case []Item:
		return append(h, more.([]Item)...)
	}
	return have
}

func containsRef(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// Edge records that to was made from from.
func (f *Found) Edge(e inventory.Edge) {
	e.Source = f.Source
	f.Edges = append(f.Edges, e)
}

// Name is the id of what a source calls something: the one that the person gave, or its own name.
func (o Options) Name(name string) string {
	if id, ok := o.Names[name]; ok {
		return id
	}
	return name
}

// Person is the inventory's person for one of the names, or empty.
func (o Options) Person(names ...string) string {
	if o.Known == nil {
		return ""
	}
	for _, n := range names {
		if n == "" {
			continue
		}
		if p := o.Known.Person(n); p != nil {
			return p.ID
		}
	}
	return ""
}

// CheckpointBy returns the id of the known checkpoint with the root digest or, without one, with the prefix of objects. It is
// empty if there is none, or more than one.
func (o *Options) CheckpointBy(digest, uri string) string {
	if o.Known == nil {
		return ""
	}
	if o.byDigest == nil {
		o.byDigest, o.byURI = map[string]string{}, map[string]string{}
		for i := range o.Known.Checkpoints {
			c := &o.Known.Checkpoints[i]
			once(o.byDigest, c.RootDigest, c.ID)
			once(o.byURI, prefix(c.URI), c.ID)
		}
	}
	if digest != "" {
		return o.byDigest[digest]
	}
	return o.byURI[prefix(uri)]
}

// once keeps what a key stands for, and nothing if it stands for two things.
func once(m map[string]string, key, id string) {
	if _, twice := m[key]; twice || key == "" {
		id = ""
	}
	m[key] = id
}

// prefix is an address without what does not tell two prefixes apart: the version id and the last slash.
func prefix(uri string) string {
	uri, _, _ = strings.Cut(uri, "?")
	return strings.TrimRight(uri, "/")
}

// Sensitivities are the values that the inventory knows.
func Sensitivities() []string {
	return []string{"public", "internal", "confidential", "personal", "special", "phi", "children", "payment"}
}

// Usable reports whether a name can be an id: the ids of incidents are made of it.
func Usable(id string) bool {
	if id == "" || len(id) > 200 {
		return false
	}
	return strings.IndexFunc(id, func(r rune) bool { return r <= ' ' || r == '#' || r == 0x7f || r > 0xffff }) < 0
}
