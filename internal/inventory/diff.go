package inventory

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Difference is what changed from one inventory to another. The snapshot is not compared: it says when, not what.
type Difference struct {
	Assets    []AssetChange    `json:"assets,omitempty"`
	Edges     []EdgeChange     `json:"edges,omitempty"`
	Endpoints []EndpointChange `json:"endpoints,omitempty"`
}

// Kind of a change.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// AssetChange is an entry that is new, gone or another. Sections that are no lists have no id.
type AssetChange struct {
	Section string        `json:"section"`
	ID      string        `json:"id,omitempty"`
	Kind    string        `json:"kind"`
	Fields  []FieldChange `json:"fields,omitempty"`
}

// FieldChange is a field with what it was and is; empty for none.
type FieldChange struct {
	Path string `json:"path"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
}

// EdgeChange is a run of the lineage that is new or gone.
type EdgeChange struct {
	Kind string `json:"kind"`
	From string `json:"from"`
	To   string `json:"to"`
	Run  string `json:"run,omitempty"`
}

// EndpointChange is a production endpoint whose blast radius is another, or that other assets reach now.
type EndpointChange struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	// Gained and Lost are what an incident about the endpoint reaches.
	Gained []string `json:"gained,omitempty"`
	Lost   []string `json:"lost,omitempty"`
	// ReachedBy and NoLongerReachedBy are the data and checkpoints an incident about which reaches the endpoint.
	ReachedBy         []string `json:"reached_by,omitempty"`
	NoLongerReachedBy []string `json:"no_longer_reached_by,omitempty"`
}

// Empty reports whether the inventories say the same.
func (d *Difference) Empty() bool { return len(d.Assets)+len(d.Edges)+len(d.Endpoints) == 0 }

// Diff compares two inventories.
func Diff(before, after *Inventory) Difference {
	d := &differ{old: before, new: after, touched: map[string]bool{}}
	d.assets()
	d.edges()
	d.endpoints()
	return d.out
}

type differ struct {
	old, new *Inventory
	out      Difference
	// touched are the ids of what changed and the ends of edges that did.
	touched map[string]bool
}

// assets compares section by section.
func (d *differ) assets() {
	a, b := reflect.ValueOf(d.old).Elem(), reflect.ValueOf(d.new).Elem()
	for i := range a.NumField() {
		tag, ok := a.Type().Field(i).Tag.Lookup("yaml")
		section, _, _ := strings.Cut(tag, ",")
		switch {
		case !ok || section == "snapshot" || section == "lineage":
		case a.Field(i).Kind() == reflect.Slice:
			d.section(section, a.Field(i), b.Field(i))
		default:
			d.entry(AssetChange{Section: section, Kind: Changed}, a.Field(i), b.Field(i))
		}
	}
}

func (d *differ) section(section string, a, b reflect.Value) {
	was := map[string]reflect.Value{}
	for i := range a.Len() {
		was[keyOf(a.Index(i))] = a.Index(i)
	}
	is := map[string]bool{}
	for i := range b.Len() {
		key := keyOf(b.Index(i))
		is[key] = true
		if old, ok := was[key]; ok {
			d.entry(AssetChange{Section: section, ID: key, Kind: Changed}, old, b.Index(i))
			continue
		}
		d.change(AssetChange{Section: section, ID: key, Kind: Added})
	}
	for i := range a.Len() {
		if key := keyOf(a.Index(i)); !is[key] {
			d.change(AssetChange{Section: section, ID: key, Kind: Removed})
		}
	}
}

// keyOf tells entries apart: by id, stakeholders by asset and channel, and what is quarantined by what it is.
func keyOf(v reflect.Value) string {
	if f := v.FieldByName("ID"); f.IsValid() && f.Kind() == reflect.String {
		return f.String()
	}
	switch x := v.Interface().(type) {
	case Stakeholder:
		return x.Asset + " " + x.Channel
	case Quarantined:
		return x.Ref
	}
	return fmt.Sprint(v.Interface())
}

func (d *differ) change(c AssetChange) {
	d.touched[c.ID] = true
	d.out.Assets = append(d.out.Assets, c)
}

func (d *differ) entry(c AssetChange, a, b reflect.Value) {
	if reflect.DeepEqual(a.Interface(), b.Interface()) {
		return
	}
	was, is := map[string]string{}, map[string]string{}
	flatten(a, "", was)
	flatten(b, "", is)
	for path, old := range was {
		if is[path] != old {
			c.Fields = append(c.Fields, FieldChange{Path: path, Old: old, New: is[path]})
		}
	}
	for path, now := range is {
		if _, both := was[path]; !both {
			c.Fields = append(c.Fields, FieldChange{Path: path, New: now})
		}
	}
	slices.SortFunc(c.Fields, func(x, y FieldChange) int { return cmp.Compare(x.Path, y.Path) })
	if len(c.Fields) > 0 {
		d.change(c)
	}
}

// flatten writes every value that is there under its path.
func flatten(v reflect.Value, path string, out map[string]string) {
	below := func(key string) string { return strings.TrimPrefix(path+"."+key, ".") }
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			flatten(v.Elem(), path, out)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if tag, ok := v.Type().Field(i).Tag.Lookup("yaml"); ok {
				name, _, _ := strings.Cut(tag, ",")
				flatten(v.Field(i), below(name), out)
			}
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			flatten(v.MapIndex(k), below(k.String()), out)
		}
	case reflect.Slice:
		for i := range v.Len() {
			flatten(v.Index(i), fmt.Sprintf("%s[%d]", path, i), out)
		}
	default:
		if !v.IsZero() {
			out[path] = fmt.Sprint(v.Interface())
		}
	}
}

func (d *differ) edges() {
	type key struct{ from, to, run string }
	was, is := map[key]bool{}, map[key]bool{}
	for _, e := range d.old.Lineage {
		was[key{e.From, e.To, e.Run}] = true
	}
	add := func(kind string, k key) {
		d.touched[k.from], d.touched[k.to] = true, true
		d.out.Edges = append(d.out.Edges, EdgeChange{Kind: kind, From: k.from, To: k.to, Run: k.run})
	}
	for _, e := range d.new.Lineage {
		k := key{e.From, e.To, e.Run}
		if !was[k] && !is[k] {
			add(Added, k)
		}
		is[k] = true
	}
	for _, e := range d.old.Lineage {
		if k := (key{e.From, e.To, e.Run}); !is[k] {
			is[k] = true
			add(Removed, k)
		}
	}
}
