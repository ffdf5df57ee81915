package inventory

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"firebreak/internal/incident"
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

// endpoints compares the radius of every production endpoint that a change can concern.
func (d *differ) endpoints() {
	if len(d.touched) == 0 {
		return
	}
	concerned := d.concerned()
	for i := range d.new.Endpoints {
		e := &d.new.Endpoints[i]
		switch old := d.old.Endpoint(e.ID); {
		case e.Env != "prod":
		case old == nil || old.Env != "prod":
			d.endpoint(EndpointChange{ID: e.ID, Kind: Added}, nil, d.new)
		case concerned[e.ID]:
			d.endpoint(EndpointChange{ID: e.ID, Kind: Changed}, d.old, d.new)
		}
	}
	for i := range d.old.Endpoints {
		e := &d.old.Endpoints[i]
		if now := d.new.Endpoint(e.ID); e.Env == "prod" && (now == nil || now.Env != "prod") {
			d.endpoint(EndpointChange{ID: e.ID, Kind: Removed}, d.old, nil)
		}
	}
}

func (d *differ) endpoint(c EndpointChange, before, after *Inventory) {
	was, wasBy := reached(before, c.ID)
	is, isBy := reached(after, c.ID)
	c.Gained, c.Lost = apart(was, is)
	c.ReachedBy, c.NoLongerReachedBy = apart(wasBy, isBy)
	if c.Kind != Changed || len(c.Gained)+len(c.Lost)+len(c.ReachedBy)+len(c.NoLongerReachedBy) > 0 {
		d.out.Endpoints = append(d.out.Endpoints, c)
	}
}

// reached is what an incident about an endpoint reaches, and what reaches the endpoint.
func reached(inv *Inventory, id string) (radius, by []string) {
	if inv == nil {
		return nil, nil
	}
	r, err := inv.BlastRadius(id)
	if err != nil {
		return nil, nil
	}
	w := &walk{inv: inv, index: inv.indexed(), env: r.Environment}
	return everything(r), w.index.ancestors(w.roots(id))
}

func everything(r incident.Radius) []string {
	return slices.Concat(r.DatasetVersions, r.Checkpoints, r.Models, r.Endpoints, r.Writers, r.Callers, r.Communications)
}

// apart returns what only the second list has, and what only the first has, sorted.
func apart(before, after []string) (gained, lost []string) {
	was, is := setOf(before), setOf(after)
	for _, id := range after {
		if !was[id] {
			gained = append(gained, id)
		}
	}
	for _, id := range before {
		if !is[id] {
			lost = append(lost, id)
		}
	}
	slices.Sort(gained)
	slices.Sort(lost)
	return slices.Compact(gained), slices.Compact(lost)
}

// concerned are the endpoints of models that the changes lead to or come from, in either inventory. The others are not followed
// one by one: a company can have thousands.
func (d *differ) concerned() map[string]bool {
	out := map[string]bool{}
	for _, inv := range []*Inventory{d.old, d.new} {
		x := inv.indexed()
		var roots []string
		for id := range d.touched {
			roots = append(roots, id)
			if c := at(inv.Credentials, x.credentials, id); c != nil {
				roots = append(roots, c.granted()...)
			}
		}
		models := map[string]bool{}
		for _, id := range slices.Concat(roots, x.descendants(roots), x.ancestors(roots)) {
			models[id] = true
			if c := inv.Checkpoint(id); c != nil {
				models[c.Model] = true
			}
			if e := inv.Endpoint(id); e != nil {
				models[e.Model] = true
			}
		}
		for i := range inv.Endpoints {
			e := &inv.Endpoints[i]
			m := inv.Model(e.Model)
			if models[e.Model] || m != nil && models["registry/"+m.Family] {
				out[e.ID] = true
			}
		}
	}
	return out
}
