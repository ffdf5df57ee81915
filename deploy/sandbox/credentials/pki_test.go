package credentials

import (
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
)

// featureStore issues two client certificates; the credential is the first.
func (s *scene) featureStore() *inventory.Credential {
	s.write("pki/root/generate/internal", map[string]any{"common_name": "nordwall", "ttl": "24h"})
	s.write("pki/roles/feature-store", map[string]any{"allow_any_name": true, "max_ttl": "12h"})
	c := &inventory.Credential{ID: "feature-store-mtls", Kind: "vault-pki"}
	c.Vault.Mount, c.Vault.Role = "pki", "feature-store"
	for range 2 {
		issued := s.write("pki/issue/feature-store", map[string]any{"common_name": "feature-store.nordwall.example"})
		s.keep(issued.Data["private_key"].(string))
		if c.Vault.Serials == nil {
			c.Vault.Serials = []string{issued.Data["serial_number"].(string)}
		}
	}
	return c
}

func TestRevokedCertificateIsPublished(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	c := s.featureStore()
	was := s.read("pki/roles/feature-store")
	a := s.act("vault.revoke", c)
	a.capture()
	before := a.verify()
	require.False(t, before.Proved, before.Method)
	require.Contains(t, before.Method, "OCSP does not answer revoked; it is not on the CRL")

	require.True(t, a.do().Changed)
	_, err := s.root.Logical().WriteWithContext(t.Context(), "pki/issue/feature-store", map[string]any{"common_name": "x.example"})
	require.Error(t, err, "nothing is issued any more")
	proof := a.verify()
	require.True(t, proof.Proved, proof.Method)
	require.Contains(t, proof.Method, "OCSP answers revoked, signed by the issuer; it is on the CRL, signed by the issuer")
	require.Contains(t, proof.Gaps[0], "verifiers that ask neither CRL nor OCSP accept certificate "+c.Vault.Serials[0])
	require.False(t, a.do().Changed)

	require.True(t, a.undo().Changed)
	require.Equal(t, was, s.read("pki/roles/feature-store"))
	require.False(t, a.undo().Changed)
	require.False(t, a.verify().Proved, "the role issues again")
}

// A CRL that is built only now and then does not show a revocation at once; OCSP does.
func TestLateCRLIsNoFault(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	c := s.featureStore()
	s.write("pki/config/crl", map[string]any{"auto_rebuild": true})
	a := s.act("vault.revoke", c)
	a.capture()
	a.do()
	proof := a.verify()
	require.True(t, proof.Proved, proof.Method)
	require.Contains(t, proof.Method, "OCSP answers revoked, signed by the issuer; it is not on the CRL")

	s.write("pki/config/crl", map[string]any{"ocsp_disable": true})
	proof = a.verify()
	require.False(t, proof.Proved, "nobody is told: %s", proof.Method)
}
