package oms

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"firebreak/internal/manifest/dsse"
)

// MaxBundleBytes is the largest bundle that is read. One of 100,000 files has about 25 MiB.
const MaxBundleBytes = 64 << 20

const (
	// BundleMediaType is what new bundles bear; the ones before it differ in fields that are not used here.
	BundleMediaType   = "application/vnd.dev.sigstore.bundle.v0.3+json"
	bundleMediaPrefix = "application/vnd.dev.sigstore.bundle"
)

// Bundle is an OpenSSF Model Signing bundle of the key method: a Sigstore bundle around a DSSE envelope. Nothing in it can be
// trusted before Verify.
type Bundle struct {
	MediaType            string               `json:"mediaType"`
	VerificationMaterial VerificationMaterial `json:"verificationMaterial"`
	Envelope             *dsse.Envelope       `json:"dsseEnvelope"`
}

// VerificationMaterial says which key signed, as far as a hint can.
type VerificationMaterial struct {
	PublicKey *PublicKey `json:"publicKey,omitempty"`
	// The methods that need an authority besides the key are not supported.
	Certificate *json.RawMessage `json:"certificate,omitempty"`
	Chain       *json.RawMessage `json:"x509CertificateChain,omitempty"`
}

// PublicKey names the key that signed. Older bundles carry the key itself instead of a hint; it proves nothing and is not
// read.
type PublicKey struct {
	Hint string `json:"hint,omitempty"`
}

// ParseBundle reads a bundle and refuses what is ambiguous, too large or of another signing method.
func ParseBundle(raw []byte) (*Bundle, error) {
	if len(raw) > MaxBundleBytes {
		return nil, fmt.Errorf("read signature bundle: it is larger than %d bytes", MaxBundleBytes)
	}
	if err := checkJSON(raw); err != nil {
		return nil, fmt.Errorf("read signature bundle: %w", err)
	}
	var b Bundle
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("read signature bundle: %w", err)
	}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("read signature bundle: %w", err)
	}
	return &b, nil
}

func (b *Bundle) check() error {
	known := b.MediaType == bundleMediaPrefix+"+json;version=0.1" || b.MediaType == bundleMediaPrefix+"+json;version=0.2" ||
		b.MediaType == bundleMediaPrefix+"+json;version=0.3" || b.MediaType == BundleMediaType
	switch {
	case !known && strings.HasPrefix(b.MediaType, bundleMediaPrefix):
		return fmt.Errorf("media type %q is a version that is not known", b.MediaType)
	case !known:
		return fmt.Errorf("media type %q is not that of a Sigstore bundle", b.MediaType)
	case b.VerificationMaterial.Certificate != nil || b.VerificationMaterial.Chain != nil:
		return errors.New("it is signed with a certificate; only the key method is supported: sign it with a key of signing_keys")
	case b.VerificationMaterial.PublicKey == nil:
		return errors.New("it names no public key")
	case b.Envelope == nil:
		return errors.New("it has no DSSE envelope")
	case len(b.Envelope.Signatures) != 1:
		return fmt.Errorf("its envelope has %d signatures, want one", len(b.Envelope.Signatures))
	case b.Envelope.PayloadType != dsse.InToto:
		return fmt.Errorf("its payload is %q, not %q", b.Envelope.PayloadType, dsse.InToto)
	}
	return nil
}

// hinted reports whether the bundle's hint allows the key; older bundles have none.
func (b *Bundle) hinted(k *dsse.Key) bool {
	hint := b.VerificationMaterial.PublicKey.Hint
	return hint == "" || strings.EqualFold(hint, Hint(k))
}

// Hint is how a bundle names its key: the SHA-256 of the key's PEM text in hexadecimal.
func Hint(k *dsse.Key) string {
	sum := sha256.Sum256(k.PEM())
	return hex.EncodeToString(sum[:])
}
