package credentials

import (
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
)

func (s *scene) hubToken() *inventory.Credential {
	for _, value := range []string{"first-hub-token-0123456789", "second-hub-token-0123456789"} {
		s.write("secret/data/hub-token", map[string]any{"data": map[string]any{"token": s.keep(value)}})
	}
	c := &inventory.Credential{ID: "hub-token", Kind: "vault-kv"}
	c.Vault.Mount, c.Vault.Path = "secret", "hub-token"
	return c
}

func TestWithdrawnSecretCannotBeReadAndComesBack(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	a := s.act("vault.withdraw", s.hubToken())
	a.capture()
	require.False(t, a.verify().Proved)
	require.True(t, a.do().Changed)
	for _, version := range []int{1, 2} {
		kept, err := s.root.KVv2("secret").GetVersion(t.Context(), "hub-token", version)
		require.NoError(t, err, "its metadata stay")
		require.Nil(t, kept.Data)
	}
	proof := a.verify()
	require.True(t, proof.Proved, proof.Method)
	require.Len(t, proof.Gaps, 1)
	require.Contains(t, proof.Gaps[0], "copies that were read stay valid until the secret is rotated where it is issued; sre-1 issues it anew")
	require.False(t, a.do().Changed)

	require.True(t, a.undo().Changed)
	kept, err := s.root.KVv2("secret").GetVersion(t.Context(), "hub-token", 1)
	require.NoError(t, err)
	require.Equal(t, "first-hub-token-0123456789", kept.Data["token"])
	require.False(t, a.undo().Changed)
}

// A version that the owner wrote after the capture is the new secret.
func TestNewVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	a := s.act("vault.withdraw", s.hubToken())
	a.capture()
	s.write("secret/data/hub-token", map[string]any{"data": map[string]any{"token": s.keep("third-hub-token-0123456789")}})
	a.do()
	require.True(t, a.verify().Proved)
	_, err := s.root.KVv2("secret").GetVersion(t.Context(), "hub-token", 3)
	require.NoError(t, err)
}

func TestDestroyedSecretStaysDestroyed(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	// The shipped policy has no right to destroy: it is added as its comment says.
	require.NoError(t, s.root.Sys().PutPolicyWithContext(t.Context(), "destroy", `path "secret/destroy/hub-token" { capabilities = ["create", "update"] }`))
	s.write("auth/approle/role/firebreak-contain", map[string]any{"token_policies": "firebreak-contain,destroy"})
	s.worker.SetToken(s.login("firebreak-contain"))
	a := s.act("vault.destroy", s.hubToken())
	a.capture()
	require.True(t, a.do().Changed)
	require.True(t, a.verify().Proved)
	require.False(t, a.undo().Changed)
	_, err := s.root.Logical().WriteWithContext(t.Context(), "secret/undelete/hub-token", map[string]any{"versions": []int{1, 2}})
	require.NoError(t, err)
	require.True(t, a.verify().Proved, "nothing brings it back")
}
