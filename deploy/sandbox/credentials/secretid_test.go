package credentials

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
)

func (s *scene) labelStudio() (stolen, other string, c *inventory.Credential) {
	s.write("auth/approle/role/label-studio", map[string]any{"token_policies": "default", "token_ttl": "1h"})
	stolen, accessor := s.secretID("label-studio")
	other, _ = s.secretID("label-studio")
	c = &inventory.Credential{ID: "label-studio-sync", Kind: "vault-secret-id"}
	c.Vault.Mount, c.Vault.Role, c.Vault.SecretIDs = "auth/approle", "label-studio", []string{accessor}
	return stolen, other, c
}

func TestSecretIDAndTheTokensItGaveOutAreDead(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	stolen, other, c := s.labelStudio()
	token, err := s.loginWith("label-studio", stolen)
	require.NoError(t, err)
	a := s.act("vault.revoke", c)
	a.capture()
	require.False(t, a.verify().Proved, "nothing was destroyed yet")
	require.True(t, s.works(token))

	require.True(t, a.do().Changed)
	_, err = s.loginWith("label-studio", stolen)
	require.Error(t, err)
	require.False(t, s.works(token), "destroying the secret id alone leaves it alive")
	proof := a.verify()
	require.True(t, proof.Proved, proof.Method)
	require.Contains(t, proof.Facts["use"], "worked before and is refused with 403 now")
	require.Contains(t, proof.Facts["login"], "is refused")

	_, err = s.loginWith("label-studio", other)
	require.NoError(t, err, "another holder's secret id stays")
	require.False(t, a.undo().Changed)
}

func TestAllSecretIDsOfARole(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	stolen, other, c := s.labelStudio()
	c.Vault.SecretIDs = nil
	a := s.act("vault.revoke", c)
	a.capture()
	a.do()
	for _, id := range []string{stolen, other} {
		_, err := s.loginWith("label-studio", id)
		require.Error(t, err)
	}
	require.True(t, a.verify().Proved)
	effect, err := a.action.Do(t.Context(), a.op)
	require.NoError(t, err)
	require.False(t, effect.Changed, "a second time there is nothing left to do")
	// Vault dates tokens by the second: one of the same second as the act counts as old.
	time.Sleep(1100 * time.Millisecond)
	_, err = s.loginWith("label-studio", s.newSecretID("label-studio"))
	require.NoError(t, err, "owners get new ones")
	require.True(t, a.verify().Proved, "what owners got since is no regression")
}

func (s *scene) newSecretID(role string) string {
	id, _ := s.secretID(role)
	return id
}
