package credentials

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/vault"
)

// appRoleLogin is the worker's login by AppRole as its settings say, with its secret in a file.
func (s *scene) appRoleLogin(role, secret string, wrapped bool) *vault.Login {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "secret-id")
	require.NoError(s.t, os.WriteFile(file, []byte(s.keep(secret)+"\n"), 0o600))
	for name, value := range map[string]string{
		"VAULT_ADDR": s.url, "VAULT_TOKEN": "", "VAULT_NAMESPACE": "", "VAULT_CACERT": "", "FIREBREAK_VAULT_AUTH": "approle", "FIREBREAK_VAULT_MOUNT": "",
		"FIREBREAK_VAULT_ROLE_ID": s.read("auth/approle/role/" + role + "/role-id")["role_id"].(string), "FIREBREAK_VAULT_SECRET_ID_FILE": file,
		"FIREBREAK_VAULT_SECRET_ID_WRAPPED": map[bool]string{true: "true"}[wrapped],
	} {
		s.t.Setenv(name, value)
	}
	l, err := vault.NewLogin()
	require.NoError(s.t, err)
	return l
}

// wrappedSecretID issues a secret id in a wrapping that can be opened once.
func (s *scene) wrappedSecretID(role string) string {
	s.t.Helper()
	c, err := s.root.Clone()
	require.NoError(s.t, err)
	c.SetToken(s.vault.RootToken)
	c.SetWrappingLookupFunc(func(string, string) string { return "5m" })
	secret, err := c.Logical().WriteWithContext(s.t.Context(), "auth/approle/role/"+role+"/secret-id", nil)
	require.NoError(s.t, err)
	return s.keep(secret.WrapInfo.Token)
}

func TestLoginByAppRoleIsMadeAnewWhenItsTokenIsRevoked(t *testing.T) {
	s := newScene(t)
	s.write("auth/approle/role/firebreak-contain", map[string]any{"token_policies": "firebreak-contain", "token_no_default_policy": true, "token_ttl": "2s", "token_max_ttl": "1h"})
	l := s.appRoleLogin("firebreak-contain", s.newSecretID("firebreak-contain"), false)
	require.NoError(t, l.Open(t.Context()))
	first := s.keep(l.Client().Token())
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Keep(ctx, slog.New(slog.NewTextHandler(&log, nil)))
	}()
	time.Sleep(3 * time.Second)
	require.Equal(t, first, l.Client().Token(), "it was renewed beyond its two seconds")
	require.True(t, s.works(first))

	require.NoError(t, s.root.Auth().Token().RevokeTreeWithContext(t.Context(), first))
	require.Eventually(t, func() bool { return l.Client().Token() != first && s.works(l.Client().Token()) }, 10*time.Second, 50*time.Millisecond)
	s.keep(l.Client().Token())
	cancel()
	<-done
	s.hidden(log.String())
}

func TestLoginByAWrappedSecretID(t *testing.T) {
	s := newScene(t)
	token := s.wrappedSecretID("firebreak-contain")
	l := s.appRoleLogin("firebreak-contain", token, true)
	require.NoError(t, l.Open(t.Context()))
	require.True(t, s.works(l.Client().Token()))
	require.NoError(t, l.Open(t.Context()), "the secret id that was in it is used again")

	again := s.appRoleLogin("firebreak-contain", token, true)
	err := again.Open(t.Context())
	var refused *vault.Refused
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, "was used already or has ended; if none of yours used it, somebody else has the secret id")
	s.hidden(err.Error())
}

func TestWrappingThatIsNoSecretIDIsRefused(t *testing.T) {
	s := newScene(t)
	c, err := s.root.Clone()
	require.NoError(t, err)
	c.SetToken(s.vault.RootToken)
	c.SetWrappingLookupFunc(func(string, string) string { return "5m" })
	secret, err := c.Logical().WriteWithContext(t.Context(), "sys/wrapping/wrap", map[string]any{"secret_id": "planted"})
	require.NoError(t, err)
	err = s.appRoleLogin("firebreak-contain", secret.WrapInfo.Token, true).Open(t.Context())
	require.ErrorContains(t, err, "was not made by the issue of a secret id")
	_, err = s.root.Logical().UnwrapWithContext(t.Context(), secret.WrapInfo.Token)
	require.NoError(t, err, "it is left closed, as evidence")
}

func TestWrongSecretIDIsRefused(t *testing.T) {
	s := newScene(t)
	l := s.appRoleLogin("firebreak-contain", "no-such-secret-id", false)
	err := l.Open(t.Context())
	var refused *vault.Refused
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, "check the role, its secret and the addresses it is bound to")
	s.hidden(err.Error())
	require.Empty(t, l.Client().Token())
}
