package oms

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
)

// Sign writes the bundle of a model's files. The name is informational. The function sign signs the bytes that it is given
// with the private half of key; what it returns is checked before the bundle is.
func Sign(name string, files []manifest.File, key *dsse.Key, sign func([]byte) ([]byte, error)) ([]byte, error) {
	payload, err := encodeStatement(name, files)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", name, err)
	}
	signature, err := sign(dsse.PAE(dsse.InToto, payload))
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", name, err)
	}
	e := &dsse.Envelope{PayloadType: dsse.InToto, Payload: payload, Signatures: []dsse.Signature{{Sig: signature}}}
	if err := e.Verify(key); err != nil {
		return nil, fmt.Errorf("sign %s: %w", name, err)
	}
	b := Bundle{MediaType: BundleMediaType, Envelope: e}
	b.VerificationMaterial.PublicKey = &PublicKey{Hint: Hint(key)}
	raw, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode signature bundle of %s: %w", name, err)
	}
	return raw, nil
}

func encodeStatement(name string, files []manifest.File) ([]byte, error) {
	if name == "" {
		return nil, errors.New("the model has no name")
	}
	root, err := manifest.Root(files)
	if err != nil {
		return nil, err
	}
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b manifest.File) int { return cmp.Compare(a.Name, b.Name) })
	p := &predicate{Serialization: serialization{Method: "files", HashType: "sha256", IgnorePaths: []string{manifest.SignatureName}}}
	for _, f := range sorted {
		if err := checkName(f.Name); err != nil {
			return nil, err
		}
		p.Resources = append(p.Resources, resource{Name: f.Name, Digest: f.SHA256, Algorithm: "sha256"})
	}
	return json.Marshal(statement{
		Type: statementType, PredicateType: PredicateType, Predicate: p,
		Subject: []subject{{Name: name, Digest: map[string]string{"sha256": strings.TrimPrefix(root, "sha256:")}}},
	})
}
