package playbooks

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"firebreak/internal/incident"
)

//go:embed *.yaml
var embedded embed.FS

// extension ends the name of every playbook file.
const extension = ".yaml"

// Source is where playbooks are read from: the ones built in, or a folder of a team's own.
type Source struct {
	fsys fs.FS
	// name is what errors call the source; empty for the built-in playbooks.
	name string
}

// BuiltIn returns the playbooks that firebreak ships.
func BuiltIn() Source { return Source{fsys: embedded} }

// Folder returns the playbooks in a folder; each file bears the name of its kind.
func Folder(dir string) Source { return Source{fsys: os.DirFS(dir), name: dir} }

// File is one playbook with the identity of the bytes it was parsed from.
type File struct {
	Name     string
	Digest   string
	Playbook *Playbook
}

// Kinds lists the kinds of which the source has a playbook, by the names of its files, in alphabetical order. It reads
// none of them: see LoadAll for whether they are valid.
func (s Source) Kinds() ([]incident.Kind, error) {
	kinds, _, err := s.list()
	return kinds, err
}

// list returns the kinds that the names of the files say, and a fault for each file that looks like a playbook and is not
// named after a kind: a misspelt name must not be ignored.
func (s Source) list() (kinds []incident.Kind, misnamed []error, err error) {
	entries, err := fs.ReadDir(s.fsys, ".")
	if err != nil {
		return nil, nil, fmt.Errorf("list playbooks of %s: %w", s.name, err)
	}
	for _, e := range entries {
		if ext := path.Ext(e.Name()); e.IsDir() || ext != extension && ext != ".yml" {
			continue
		}
		kind := strings.TrimSuffix(e.Name(), extension)
		if !validID(kind) {
			misnamed = append(misnamed, s.fault(e.Name(), codeFileName, "a playbook file bears its kind's name and ends in .yaml", "the file's name says no kind"))
			continue
		}
		kinds = append(kinds, incident.Kind(kind))
	}
	slices.Sort(kinds)
	return kinds, misnamed, nil
}

// fault is a fault of a file as a whole.
func (s Source) fault(name string, c code, hint, message string) Fault {
	return Fault{File: path.Join(s.name, name), Line: 1, Column: 1, Code: string(c), Message: message, Hint: hint}
}

// Load reads and checks the playbook of one kind. It does not look at the playbooks that it runs as children; LoadAll does.
func (s Source) Load(kind incident.Kind) (*File, error) {
	f, _, err := s.load(kind)
	return f, err
}

func (s Source) load(kind incident.Kind) (*File, *parser, error) {
	if !validID(string(kind)) {
		return nil, nil, fmt.Errorf("read playbook: %q is not a kind", kind)
	}
	name := string(kind) + extension
	raw, err := fs.ReadFile(s.fsys, name)
	if err != nil {
		return nil, nil, fmt.Errorf("read playbook of %s: %w", kind, err)
	}
	shown := path.Join(s.name, name)
	pb, p, err := parse(shown, raw)
	if err != nil {
		return nil, nil, err
	}
	if pb.Kind != kind {
		p.fault(p.value(pb, "kind"), codeFileName, "a playbook file bears its kind's name", "the file's name says %s, its kind is %s", kind, pb.Kind)
		return nil, nil, join(p.faults)
	}
	return &File{Name: shown, Digest: Digest(raw), Playbook: pb}, p, nil
}

// LoadAll reads every playbook of the source and reports the faults of all of them at once. A file that is not named after
// a kind, a built-in kind without a playbook, and a child playbook that is not there or runs its parent again are faults.
func (s Source) LoadAll() ([]*File, error) {
	kinds, errs, err := s.list()
	if err != nil {
		return nil, err
	}
	for _, k := range incident.Kinds() {
		if !slices.Contains(kinds, k) {
			errs = append(errs, s.fault(string(k)+extension, codeMissingPlaybook, "copy the one that firebreak ships", fmt.Sprintf("there is no playbook of %s", k)))
		}
	}
	c := children{kinds: kinds, runs: map[incident.Kind][]incident.Kind{}}
	var files []*File
	for _, k := range kinds {
		f, p, err := s.load(k)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files = append(files, f)
		c.add(f.Playbook, p)
	}
	errs = append(errs, c.check()...)
	return files, errors.Join(errs...)
}
