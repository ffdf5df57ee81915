package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"

	"firebreak/internal/inventory"
	"firebreak/internal/manifest"
)

// Entry is one document of the catalogue.
type Entry struct {
	// Checkpoint is written as in the inventory.
	Checkpoint inventory.Checkpoint `yaml:"checkpoint"`
	Files      []EntryFile          `yaml:"files"`
}

// EntryFile is one file of a checkpoint.
type EntryFile struct {
	Name      string `yaml:"name"`
	SHA256    string `yaml:"sha256"`
	Size      int64  `yaml:"size"`
	VersionID string `yaml:"version_id,omitempty"`
}

// NewEntry is the entry of a checkpoint with these files.
func NewEntry(c inventory.Checkpoint, files []manifest.File) Entry {
	e := Entry{Checkpoint: c}
	for _, f := range files {
		e.Files = append(e.Files, EntryFile(f))
	}
	return e
}

// ParseEntry reads one document. Unknown keys, a second document, anchors and files that do not hash to the root digest
// are errors.
func ParseEntry(raw []byte) (*Entry, error) {
	if len(raw) > maxEntryBytes {
		return nil, fmt.Errorf("it is larger than %d bytes", maxEntryBytes)
	}
	if bytes.ContainsAny(raw, "&*") {
		return nil, errors.New("anchors and aliases are not allowed")
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	var e Entry
	if err := d.Decode(&e); err != nil {
		return nil, err
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("a second document follows")
	}
	var files []manifest.File
	for _, f := range e.Files {
		files = append(files, manifest.File(f))
	}
	root, err := manifest.Root(files)
	if err != nil {
		return nil, err
	}
	if root != e.Checkpoint.RootDigest {
		return nil, fmt.Errorf("its files hash to %s, and its root digest is %s", root, e.Checkpoint.RootDigest)
	}
	return &e, nil
}

// differences says in what a checkpoint and its files differ from the entry.
func (e *Entry) differences(good *inventory.Checkpoint, files []manifest.File) []string {
	var against []string
	if e.Checkpoint.Status != "active" {
		against = append(against, "in the catalogue its status is "+e.Checkpoint.Status)
	}
	if e.Checkpoint.RootDigest != good.RootDigest {
		against = append(against, "the catalogue has the root digest "+e.Checkpoint.RootDigest+" for it")
	}
	have := map[string]manifest.File{}
	for _, f := range files {
		have[f.Name] = f
	}
	for _, f := range e.Files {
		switch is, ok := have[f.Name]; {
		case !ok:
			against = append(against, f.Name+" is in the catalogue and not in the store")
		case is.SHA256 != f.SHA256:
			against = append(against, f.Name+" has other bytes than in the catalogue")
		case f.VersionID != "" && f.VersionID != is.VersionID:
			against = append(against, f.Name+" is version "+is.VersionID+", in the catalogue it is "+f.VersionID)
		}
	}
	return against
}
