package dsse

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	_ "crypto/sha512" // the hashes of the larger curves
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// Key is a public key: Ed25519, or ECDSA over P-256, P-384 or P-521 with the hash of the curve's size.
type Key struct {
	public any
	der    []byte
}

// ParseKey reads a public key from PEM, as `openssl pkey -pubout` and Vault's transit engine write it.
func ParseKey(text []byte) (*Key, error) {
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return nil, errors.New("read public key: there is no PEM block in it")
	case block.Type != "PUBLIC KEY":
		return nil, fmt.Errorf("read public key: it is a PEM block of type %q, not PUBLIC KEY", block.Type)
	}
	if another, _ := pem.Decode(rest); another != nil {
		return nil, errors.New("read public key: there is more than one PEM block in it")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("read public key: it is no key in PKIX form")
	}
	return NewKey(public)
}

// NewKey takes an *ecdsa.PublicKey or an ed25519.PublicKey.
func NewKey(public any) (*Key, error) {
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		if _, err := hashOf(p); err != nil {
			return nil, err
		}
	case ed25519.PublicKey:
	default:
		return nil, fmt.Errorf("use public key: %T is neither ECDSA nor Ed25519", public)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("use public key: %w", err)
	}
	return &Key{public: public, der: der}, nil
}

// Fingerprint is the SHA-256 of the key in PKIX form, as "sha256:<hex>".
func (k *Key) Fingerprint() string {
	sum := sha256.Sum256(k.der)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// PEM writes the key as ParseKey reads it.
func (k *Key) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.der})
}

// Verify checks a signature over a message. An ECDSA signature is in ASN.1.
func (k *Key) Verify(message, signature []byte) error {
	ok := false
	switch p := k.public.(type) {
	case ed25519.PublicKey:
		ok = ed25519.Verify(p, message, signature)
	case *ecdsa.PublicKey:
		hash, err := hashOf(p)
		if err != nil {
			return err
		}
		h := hash.New()
		h.Write(message)
		ok = ecdsa.VerifyASN1(p, h.Sum(nil), signature)
	}
	if !ok {
		return errors.New("it is not by this key, or what it signs was changed")
	}
	return nil
}

func hashOf(p *ecdsa.PublicKey) (crypto.Hash, error) {
	switch p.Curve {
	case elliptic.P256():
		return crypto.SHA256, nil
	case elliptic.P384():
		return crypto.SHA384, nil
	case elliptic.P521():
		return crypto.SHA512, nil
	}
	return 0, fmt.Errorf("use public key: the curve %s is not P-256, P-384 or P-521", p.Params().Name)
}
