package discovery

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"firebreak/internal/inventory"
)

// Report is what Merge did and what it did not.
type Report struct {
	Source    string     `json:"source"`
	Added     []string   `json:"added,omitempty"`
	Filled    []string   `json:"filled,omitempty"`
	Edges     int        `json:"edges,omitempty"`
	Conflicts []Conflict `json:"conflicts,omitempty"`
	Notes     []string   `json:"notes,omitempty"`
	// Changed is true if the document is another one now.
	Changed bool `json:"changed"`
}

// Conflict is a fact that contradicts what the document says. The document stays as it is.
type Conflict struct {
	Asset string `json:"asset"`
	Field string `json:"field"`
	Have  string `json:"have"`
	Found string `json:"found"`
}

// String says it in words.
func (c Conflict) String() string {
	return fmt.Sprintf("%s: %s is %q, the source says %q", c.Asset, c.Field, c.Have, c.Found)
}

// Document returns the nodes of an inventory, of an empty one if there is nothing yet.
func Document(raw []byte) (*yaml.Node, error) {
	if len(strings.TrimSpace(string(raw))) == 0 {
		raw = []byte("schema: " + inventory.Schema + "\n")
	}
	doc := &yaml.Node{}
	if IsJSON(raw) {
		if doc, err := fromJSON(raw); err == nil {
			return doc, nil
		} // a mapping of YAML may begin like an object
	}
	if err := yaml.Unmarshal(raw, doc); err != nil {
		return nil, fmt.Errorf("read the inventory: %w", err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("read the inventory: it is no mapping of sections")
	}
	return doc, nil
}

// Merge adds what was found to a document. It never changes what is there: it fills what is empty, extends lists, adds
// entries, and reports what contradicts.
func Merge(doc *yaml.Node, found *Found, now time.Time) Report {
	m := &merger{root: doc.Content[0], report: Report{Source: found.Source, Notes: found.Notes}, entries: map[string]map[string]*yaml.Node{}}
	for _, a := range found.Assets {
		m.asset(a)
	}
	m.edges(found.Edges)
	m.snapshot(found, now)
	return m.report
}

type merger struct {
	root    *yaml.Node
	report  Report
	entries map[string]map[string]*yaml.Node
}

// section returns the list of a section, and makes one if there is none.
func (m *merger) section(name string) *yaml.Node {
	s := value(m.root, name)
	if s == nil || s.Tag == "!!null" {
		s = set(m.root, name, &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"})
	}
	return s
}

func (m *merger) entry(section, id string) *yaml.Node {
	known, ok := m.entries[section]
	if !ok {
		known = map[string]*yaml.Node{}
		if s := value(m.root, section); s != nil {
			for _, e := range s.Content {
				if n := value(e, "id"); n != nil {
					known[n.Value] = e
				}
			}
		}
		m.entries[section] = known
	}
	return known[id]
}

// add appends an entry. A list that is written in one line gets lines.
func (m *merger) add(section string, e *yaml.Node) {
	s := m.section(section)
	if len(s.Content) == 0 {
		s.Style = 0
	}
	s.Content = append(s.Content, e)
	m.report.Changed = true
}

func (m *merger) asset(a *Asset) {
	e := m.entry(a.Section, a.ID)
	if e == nil {
		e = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		set(e, "id", text(a.ID))
		for _, f := range a.Fields {
			m.field(a, e, f, false)
		}
		m.add(a.Section, e)
		m.entries[a.Section][a.ID] = e
		m.report.Added = append(m.report.Added, a.Section+" "+a.ID)
		return
	}
	for _, f := range a.Fields {
		m.field(a, e, f, true)
	}
}

// field writes one fact where nothing is; said is false for a new entry, of which not every field is reported.
func (m *merger) field(a *Asset, e *yaml.Node, f Field, said bool) {
	keys := strings.Split(f.Path, ".")
	for _, k := range keys[:len(keys)-1] {
		next := value(e, k)
		switch {
		case next == nil || next.Tag == "!!null":
			next = set(e, k, &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: e.Style})
		case next.Kind != yaml.MappingNode:
			m.conflict(a, f.Path, next.Value, "a mapping")
			return
		}
		e = next
	}
	key := keys[len(keys)-1]
	have := value(e, key)
	if empty(have) {
		set(e, key, node(f.Value))
		m.filled(a, f.Path, said)
		return
	}
	switch v := f.Value.(type) {
	case []string:
		m.extend(a, f.Path, have, v)
	case []Item:
		m.items(a, f.Path, have, v)
	default:
		if found := fmt.Sprint(v); have.Kind != yaml.ScalarNode || !same(have.Value, found) {
			m.conflict(a, f.Path, have.Value, found)
		}
	}
}

func (m *merger) filled(a *Asset, path string, said bool) {
	m.report.Changed = true
	if said {
		m.report.Filled = append(m.report.Filled, a.Section+" "+a.ID+": "+path)
	}
}

func (m *merger) conflict(a *Asset, path, have, found string) {
	m.report.Conflicts = append(m.report.Conflicts, Conflict{Asset: a.ID, Field: path, Have: have, Found: found})
}

// same compares two texts; two times are the same if they are the same moment.
func same(a, b string) bool {
	if a == b {
		return true
	}
	ta, errA := time.Parse(time.RFC3339, a)
	tb, errB := time.Parse(time.RFC3339, b)
	return errA == nil && errB == nil && ta.Equal(tb)
}

// extend adds the entries that a list lacks. What stands before a # names it, what follows is its digest.
func (m *merger) extend(a *Asset, path string, have *yaml.Node, found []string) {
	if have.Kind != yaml.SequenceNode {
		m.conflict(a, path, have.Value, strings.Join(found, ", "))
		return
	}
	for _, f := range found {
		name, digest, _ := strings.Cut(f, "#")
		i := slices.IndexFunc(have.Content, func(n *yaml.Node) bool {
			id, _, _ := strings.Cut(n.Value, "#")
			return id == name
		})
		switch {
		case i < 0:
			have.Content = append(have.Content, text(f))
			m.filled(a, path, true)
		case digest != "" && have.Content[i].Value == name:
			have.Content[i].SetString(f)
			m.filled(a, path, true)
		case digest != "" && have.Content[i].Value != f:
			m.conflict(a, path, have.Content[i].Value, f)
		}
	}
}

func (m *merger) items(a *Asset, path string, have *yaml.Node, found []Item) {
	if have.Kind != yaml.SequenceNode {
		m.conflict(a, path, have.Value, "a list")
		return
	}
	for _, item := range found {
		if !slices.ContainsFunc(have.Content, func(n *yaml.Node) bool {
			k := value(n, item[0].Path)
			return k != nil && k.Value == item[0].Value
		}) {
			have.Content = append(have.Content, node([]Item{item}).Content[0])
			m.filled(a, path, true)
		}
	}
}

// edges adds the runs that are not recorded. One that is, is not written again: who recorded it knew more of it.
func (m *merger) edges(found []inventory.Edge) {
	type key struct{ from, to, run string }
	known := map[key]bool{}
	note := func(from, to, run string) {
		known[key{from, to, run}] = true
		known[key{from, to, ""}] = true // a source that knows no run says nothing new of two that are linked
	}
	if s := value(m.root, "lineage"); s != nil {
		for _, e := range s.Content {
			note(scalar(e, "from"), scalar(e, "to"), scalar(e, "run"))
		}
	}
	for _, e := range found {
		if known[key{e.From, e.To, e.Run}] {
			continue
		}
		note(e.From, e.To, e.Run)
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}
		for _, f := range []Field{{"from", e.From}, {"job", e.Job}, {"run", e.Run}, {"to", e.To}, {"source", e.Source}, {"event_time", e.EventTime}} {
			if f.Value != "" {
				set(n, f.Path, text(f.Value.(string)))
			}
		}
		m.add("lineage", n)
		m.report.Edges++
	}
}

// snapshot records the source and of when it is. An older export does not make the inventory older.
func (m *merger) snapshot(found *Found, now time.Time) {
	s := value(m.root, "snapshot")
	if s == nil || s.Kind != yaml.MappingNode {
		s = set(m.root, "snapshot", &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"})
	}
	if m.report.Changed {
		set(s, "generated_at", text(now.UTC().Format(time.RFC3339)))
	}
	list := value(s, "source")
	if list == nil || list.Kind != yaml.SequenceNode {
		list = set(s, "source", &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle})
	}
	if !slices.ContainsFunc(list.Content, func(n *yaml.Node) bool { return n.Value == found.Source }) {
		list.Content = append(list.Content, text(found.Source))
		m.report.Changed = true
	}
	if found.AsOf.IsZero() {
		m.report.Notes = append(m.report.Notes, fmt.Sprintf("N9: the source does not say of when it is: fill in snapshot.as_of.%s, or give --as-of", found.Source))
		return
	}
	of := value(s, "as_of")
	if of == nil || of.Kind != yaml.MappingNode {
		of = set(s, "as_of", &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"})
	}
	before, err := time.Parse(time.RFC3339, scalar(of, found.Source))
	if at := found.AsOf.UTC().Truncate(time.Second); err != nil || at.After(before) {
		set(of, found.Source, text(at.Format(time.RFC3339)))
		m.report.Changed = true
	}
}
