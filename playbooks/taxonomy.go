package playbooks

import (
	_ "embed" // for the catalogue file
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed taxonomy.json
var taxonomyFile string

// Taxonomy holds the published catalogues of threats and controls whose ids a playbook's threat can carry. A scheme is
// named as its key under threat: atlas, owasp, nist_ai_rmf or csf.
type Taxonomy struct {
	schemes map[string]Scheme
	err     error
}

// Scheme is one catalogue, with the release that its ids are from. IDs maps an id to its name or short subject; a
// sub-technique's name is preceded by its parent's.
type Scheme struct {
	Title   string            `json:"title"`
	Version string            `json:"version"`
	IDs     map[string]string `json:"ids"`
}

// Taxonomies decodes the catalogue file that is built in. Each call decodes it anew: keep the result while checking many
// ids. Were the file broken, every Check would say so.
func Taxonomies() Taxonomy {
	var file struct {
		Schemes map[string]Scheme `json:"schemes"`
	}
	if err := json.Unmarshal([]byte(taxonomyFile), &file); err != nil {
		return Taxonomy{err: fmt.Errorf("decode taxonomy.json: %w", err)}
	}
	return Taxonomy{schemes: file.Schemes}
}

// Schemes lists the names of the schemes in alphabetical order.
func (t Taxonomy) Schemes() []string { return slices.Sorted(maps.Keys(t.schemes)) }

// Scheme returns one catalogue; it is empty if the name is not known.
func (t Taxonomy) Scheme(name string) Scheme { return t.schemes[name] }

// Name returns the name of an id, or "" if the id is not known. Names change between releases: never compare them.
func (t Taxonomy) Name(scheme, id string) string { return t.schemes[scheme].IDs[id] }

// Check returns an error if the scheme has no such id. The error names the known id that is closest to it.
func (t Taxonomy) Check(scheme, id string) error {
	if t.err != nil {
		return t.err
	}
	s, ok := t.schemes[scheme]
	if !ok {
		return fmt.Errorf("unknown taxonomy %q, known: %s", scheme, strings.Join(t.Schemes(), ", "))
	}
	if _, ok := s.IDs[id]; ok {
		return nil
	}
	near := s.nearest(id)
	return fmt.Errorf("%q is not an id of %s %s; the nearest is %s (%s)", id, s.Title, s.Version, near, s.IDs[near])
}

// nearest returns the id that needs the fewest edits; of equals, the first in alphabetical order.
func (s Scheme) nearest(id string) string {
	ids := slices.Sorted(maps.Keys(s.IDs))
	return slices.MinFunc(ids, func(a, b string) int { return edits(a, id) - edits(b, id) })
}

// edits counts the single-character insertions, deletions and replacements that turn a into b (Levenshtein).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
