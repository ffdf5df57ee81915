package oms

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
)

const (
	statementType = "https://in-toto.io/Statement/v1"
	// PredicateType is that of OpenSSF Model Signing v1.0.
	PredicateType = "https://model_signing/signature/v1.0"
)

// statement is the in-toto statement of a model signing bundle. Fields that the format allows besides these are not read.
type statement struct {
	Type          string     `json:"_type"`
	Subject       []subject  `json:"subject"`
	PredicateType string     `json:"predicateType"`
	Predicate     *predicate `json:"predicate"`
}

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

type predicate struct {
	Resources     []resource    `json:"resources"`
	Serialization serialization `json:"serialization"`
}

type resource struct {
	Name      string `json:"name"`
	Digest    string `json:"digest"`
	Algorithm string `json:"algorithm"`
}

type serialization struct {
	Method        string   `json:"method"`
	HashType      string   `json:"hash_type"`
	ShardSize     *int64   `json:"shard_size,omitempty"`
	AllowSymlinks bool     `json:"allow_symlinks"`
	IgnorePaths   []string `json:"ignore_paths,omitempty"`
}

// Signed is what a trusted key vouches for: the files of a model or dataset and their root digest.
type Signed struct {
	// Name is informational: whoever signed chose it.
	Name string
	// Root is the root digest as "sha256:<hex>", recomputed from Files (manifest.Root).
	Root string
	// Files have neither sizes nor versions: these are not part of what is signed.
	Files []manifest.File
	// Key is the fingerprint of the key that signed.
	Key string
}

// Verify checks the bundle's signature with the trusted keys, then what is signed: statement and predicate type, every
// name, digest and the root digest. What it returns can be compared with files by Differences.
func (b *Bundle) Verify(keys ...*dsse.Key) (*Signed, error) {
	if len(keys) == 0 {
		return nil, errors.New("verify signature bundle: no key is trusted for it")
	}
	for _, k := range keys {
		if !b.hinted(k) || b.Envelope.Verify(k) != nil {
			continue
		}
		s, err := parseStatement(b.Envelope.Payload)
		if err != nil {
			return nil, fmt.Errorf("read signed manifest: %w", err)
		}
		s.Key = k.Fingerprint()
		return s, nil
	}
	return nil, fmt.Errorf("verify signature bundle: no trusted key signed it as it is (its hint is %q)", b.VerificationMaterial.PublicKey.Hint)
}

func parseStatement(payload []byte) (*Signed, error) {
	if err := checkJSON(payload); err != nil {
		return nil, err
	}
	var st statement
	if err := json.Unmarshal(payload, &st); err != nil {
		return nil, err
	}
	switch {
	case st.Type != statementType:
		return nil, fmt.Errorf("statement type is %q, not %q", st.Type, statementType)
	case st.PredicateType != PredicateType:
		return nil, fmt.Errorf("predicate type is %q, not %q", st.PredicateType, PredicateType)
	case st.Predicate == nil:
		return nil, errors.New("there is no predicate")
	case len(st.Subject) != 1 || st.Subject[0].Name == "":
		return nil, fmt.Errorf("there are %d subjects, want one with a name", len(st.Subject))
	}
	if err := st.Predicate.Serialization.check(); err != nil {
		return nil, err
	}
	files, err := resources(st.Predicate.Resources)
	if err != nil {
		return nil, err
	}
	root, err := manifest.Root(files)
	if err != nil {
		return nil, err
	}
	if got, want := listed(files), st.Subject[0].Digest["sha256"]; got != want {
		return nil, fmt.Errorf("its files hash to %s, and its subject says %q", got, want)
	}
	return &Signed{Name: st.Subject[0].Name, Root: root, Files: files}, nil
}

func (s *serialization) check() error {
	switch {
	case s.Method != "files":
		return fmt.Errorf("serialization method %q is not supported: sign whole files (method files)", s.Method)
	case s.HashType != "sha256":
		return fmt.Errorf("hash type %q is not supported: sign with sha256", s.HashType)
	case s.ShardSize != nil:
		return errors.New("shard_size belongs to the method shards")
	case s.AllowSymlinks:
		return errors.New("symbolic links were followed when it was signed: sign without them")
	}
	return nil
}

func resources(list []resource) ([]manifest.File, error) {
	files := make([]manifest.File, 0, len(list))
	for _, r := range list {
		if err := checkName(r.Name); err != nil {
			return nil, err
		}
		if r.Algorithm != "sha256" {
			return nil, fmt.Errorf("file %q is hashed with %q, not with sha256", r.Name, r.Algorithm)
		}
		if raw, err := hex.DecodeString(r.Digest); err != nil || hex.EncodeToString(raw) != r.Digest {
			return nil, fmt.Errorf("file %q has the digest %q, which is not lower-case hexadecimal", r.Name, r.Digest)
		}
		files = append(files, manifest.File{Name: r.Name, SHA256: r.Digest})
	}
	return files, nil
}

// listed is the root digest over the files in the order in which they are listed. The specification orders them by name; its
// reference implementation orders them by the parts of their paths, which puts "a/b" before "a-b". Where the two differ,
// Signed.Root is the specification's.
func listed(files []manifest.File) string {
	sum := sha256.New()
	for _, f := range files {
		raw, _ := hex.DecodeString(f.SHA256) // it was checked
		sum.Write(raw)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// checkName refuses a name that could mean a file outside the model, or two files.
func checkName(name string) error {
	if name == "" || !utf8.ValidString(name) || path.IsAbs(name) || path.Clean(name) != name || name == "." || name == ".." || strings.HasPrefix(name, "../") {
		return fmt.Errorf("%q is not a clean relative path", name)
	}
	return nil
}

// Differences compares files with what is signed and names every one that is missing, is not listed or has other bytes. None
// means that exactly the signed files are there. The paths that the format always leaves out at the root count as
// unlisted here: nothing that is loaded may be unsigned.
func (s *Signed) Differences(files []manifest.File) []string {
	there := map[string]string{}
	for _, f := range files {
		there[f.Name] = f.SHA256
	}
	var out []string
	for _, f := range s.Files {
		switch sum, ok := there[f.Name]; {
		case !ok:
			out = append(out, f.Name+" is signed but missing")
		case sum != f.SHA256:
			out = append(out, f.Name+" hashes to "+sum+", signed is "+f.SHA256)
		}
		delete(there, f.Name)
	}
	for name := range there {
		out = append(out, name+" is not signed")
	}
	slices.Sort(out)
	return out
}
