package credentials

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/inventory"
)

func (s *scene) loanKey() *inventory.Credential {
	s.write("transit/keys/loan-applications", nil)
	c := &inventory.Credential{ID: "loan-data-key", Kind: "vault-transit"}
	c.Vault.Mount, c.Vault.Key = "transit", "loan-applications"
	return c
}

func TestRotatedKeyOpensNothingOld(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	c := s.loanKey()
	plain := s.keep(base64.StdEncoding.EncodeToString([]byte("a loan application")))
	old := s.write("transit/encrypt/loan-applications", map[string]any{"plaintext": plain}).Data["ciphertext"]
	decrypt := func(ciphertext any) error {
		_, err := s.root.Logical().WriteWithContext(t.Context(), "transit/decrypt/loan-applications", map[string]any{"ciphertext": ciphertext})
		return err
	}
	a := s.act("vault.rotate", c)
	require.Contains(t, a.capture().Summary, "rewrap what must stay readable")
	require.False(t, a.verify().Proved)
	require.NoError(t, decrypt(old))

	require.True(t, a.do().Changed)
	require.ErrorContains(t, decrypt(old), "too old")
	require.True(t, a.verify().Proved)
	effect := a.do()
	require.False(t, effect.Changed, "it is not rotated twice: %s", effect.Summary)
	require.Equal(t, json.Number("2"), s.read("transit/keys/loan-applications")["latest_version"])

	require.True(t, a.undo().Changed)
	require.NoError(t, decrypt(old))
	require.False(t, a.undo().Changed)
}
