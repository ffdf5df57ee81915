package playbooks

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"firebreak/internal/incident"
)

//go:embed *.yaml
var embedded embed.FS

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

// Load reads and checks the playbook of one kind.
func (s Source) Load(kind incident.Kind) (*File, error) {
	name := string(kind) + ".yaml"
	raw, err := fs.ReadFile(s.fsys, name)
	if err != nil {
		return nil, fmt.Errorf("read playbook of %s: %w", kind, err)
	}
	shown := path.Join(s.name, name)
	pb, err := Parse(shown, raw)
	if err != nil {
		return nil, err
	}
	if pb.Kind != kind {
		return nil, Fault{File: shown, Line: 1, Column: 1, Code: "kind", Message: fmt.Sprintf("the file's name says %s, its kind is %s", kind, pb.Kind), Hint: "a playbook file bears its kind's name"}
	}
	return &File{Name: shown, Digest: Digest(raw), Playbook: pb}, nil
}

// LoadAll reads every kind's playbook and reports the faults of all of them at once. A *.yaml file of no known kind is a
// fault: a misspelt name must not be ignored.
func (s Source) LoadAll() ([]*File, error) {
	var files []*File
	var errs []error
	names, err := fs.Glob(s.fsys, "*.y*ml")
	if err != nil {
		return nil, fmt.Errorf("list playbooks: %w", err)
	}
	for _, n := range names {
		if _, err := incident.ParseKind(strings.TrimSuffix(n, ".yaml")); err != nil {
			errs = append(errs, Fault{File: path.Join(s.name, n), Line: 1, Column: 1, Code: "file-name", Message: err.Error(), Hint: "a playbook file bears its kind's name and ends in .yaml"})
		}
	}
	for _, kind := range incident.Kinds() {
		f, err := s.Load(kind)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files = append(files, f)
	}
	return files, errors.Join(errs...)
}
