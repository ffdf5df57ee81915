// Package manifest names sets of files by one digest and writes lists of them so that the same list always has the same
// bytes.
package manifest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// SignatureName is the name of the OpenSSF Model Signing bundle beside the files that it signs. A bundle cannot cover
// itself, so it is not among the files of a root digest.
const SignatureName = "model.sig"

// File is one file of a model or dataset. Name is relative to the root of the set, with slashes.
type File struct {
	Name string `json:"name"`
	// SHA256 is the digest of the file's bytes in hexadecimal.
	SHA256 string `json:"sha256"`
	// Size is in bytes.
	Size int64 `json:"size"`
	// VersionID pins the bytes in a store that keeps versions.
	VersionID string `json:"version_id,omitempty"`
}

// Root returns the root digest of OpenSSF Model Signing v1.0 (method files, sha256) as "sha256:<hex>": the SHA-256 of the
// files' raw digests, concatenated in the order of their names. No file at all, a name that occurs twice or is empty,
// and a digest that is not a SHA-256 are errors. The order of the argument does not matter.
func Root(files []File) (string, error) {
	if len(files) == 0 {
		return "", errors.New("compute root digest: there is no file")
	}
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	sum := sha256.New()
	for i, f := range sorted {
		if f.Name == "" {
			return "", errors.New("compute root digest: a file has no name")
		}
		if i > 0 && sorted[i-1].Name == f.Name {
			return "", fmt.Errorf("compute root digest: file %q is listed twice", f.Name)
		}
		raw, err := hex.DecodeString(f.SHA256)
		if err != nil || len(raw) != sha256.Size {
			return "", fmt.Errorf("compute root digest: file %q has no SHA-256 digest", f.Name)
		}
		sum.Write(raw)
	}
	return Digest(sum.Sum(nil)), nil
}

// Digest writes a raw SHA-256 as the inventory does: "sha256:<hex>".
func Digest(raw []byte) string { return "sha256:" + hex.EncodeToString(raw) }
