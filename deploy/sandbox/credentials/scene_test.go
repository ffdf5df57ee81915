package credentials

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"firebreak/activities"
	"firebreak/activities/probe"
	"firebreak/activities/vault"
	"firebreak/deploy/sandbox/build"
	"firebreak/deploy/sandbox/fault"
	"firebreak/deploy/sandbox/server"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

// scene is a real Vault with what the shipped policy names, and a worker that has this policy alone and reaches Vault
// through a proxy.
type scene struct {
	t      *testing.T
	vault  *server.Vault
	proxy  *fault.Proxy
	url    string
	root   *api.Client
	worker *api.Client

	mu sync.Mutex
	// secrets must be seen nowhere.
	secrets []string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	b, err := build.New(t.Context(), os.Stderr)
	require.NoError(t, err)
	binary, plugin, err := b.Vault(t.Context())
	require.NoError(t, err)
	v, err := server.StartVault(t.Context(), binary, plugin, t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Stop()) })
	target, err := url.Parse(v.Address)
	require.NoError(t, err)
	s := &scene{t: t, vault: v, proxy: fault.NewProxy(target, nil)}
	listener, err := fault.Listen(s.proxy)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	s.url = listener.URL
	s.root = s.client(v.Address, v.RootToken)
	s.keep(v.RootToken)
	for path, kind := range map[string]string{"transit": "transit", "pki": "pki", "database": "database"} {
		require.NoError(t, s.root.Sys().MountWithContext(t.Context(), path, &api.MountInput{Type: kind}))
	}
	s.keyValue()
	require.NoError(t, s.root.Sys().EnableAuthWithOptionsWithContext(t.Context(), "approle", &api.EnableAuthOptions{Type: "approle"}))
	s.write("transit/keys/firebreak", nil)
	policy, err := os.ReadFile(filepath.Join(b.Dir, "..", "vault", "contain.hcl"))
	require.NoError(t, err)
	require.NoError(t, s.root.Sys().PutPolicyWithContext(t.Context(), "firebreak-contain", string(policy)))
	s.write("auth/approle/role/firebreak-contain", map[string]any{"token_policies": "firebreak-contain", "token_no_default_policy": true, "token_ttl": "1h"})
	s.worker = s.client(s.url, s.login("firebreak-contain"))
	return s
}

// keyValue mounts KV v2 at secret/, unless a stock Vault did; a new mount upgrades itself for a moment.
func (s *scene) keyValue() {
	mounts, err := s.root.Sys().ListMountsWithContext(s.t.Context())
	require.NoError(s.t, err)
	if mounts["secret/"] == nil {
		require.NoError(s.t, s.root.Sys().MountWithContext(s.t.Context(), "secret", &api.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}))
	}
	require.Eventually(s.t, func() bool {
		_, err := s.root.KVv2("secret").Put(s.t.Context(), "ready", map[string]any{"a": "b"})
		return err == nil
	}, 20*time.Second, 20*time.Millisecond)
}

func (s *scene) client(address, token string) *api.Client {
	s.t.Helper()
	config := api.DefaultConfig()
	config.Address, config.MaxRetries, config.Timeout = address, 0, 10*time.Second
	c, err := api.NewClient(config)
	require.NoError(s.t, err)
	c.ClearNamespace()
	c.SetToken(token)
	return c
}

func (s *scene) write(path string, data map[string]any) *api.Secret {
	s.t.Helper()
	secret, err := s.root.Logical().WriteWithContext(s.t.Context(), path, data)
	require.NoError(s.t, err)
	return secret
}

func (s *scene) read(path string) map[string]any {
	s.t.Helper()
	secret, err := s.root.Logical().ReadWithContext(s.t.Context(), path)
	require.NoError(s.t, err)
	require.NotNil(s.t, secret, path)
	return secret.Data
}

// keep remembers a secret that must not be seen.
func (s *scene) keep(secret string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = append(s.secrets, secret)
	return secret
}

// secretID issues a secret id of a role and returns it with its accessor.
func (s *scene) secretID(role string) (id, accessor string) {
	s.t.Helper()
	secret := s.write("auth/approle/role/"+role+"/secret-id", nil)
	return s.keep(secret.Data["secret_id"].(string)), secret.Data["secret_id_accessor"].(string)
}

func (s *scene) login(role string) string {
	s.t.Helper()
	id, _ := s.secretID(role)
	token, err := s.loginWith(role, id)
	require.NoError(s.t, err)
	return token
}

func (s *scene) loginWith(role, secretID string) (string, error) {
	s.t.Helper()
	roleID := s.read("auth/approle/role/" + role + "/role-id")["role_id"]
	secret, err := s.root.Logical().WriteWithContext(s.t.Context(), "auth/approle/login", map[string]any{"role_id": roleID, "secret_id": secretID})
	if err != nil {
		return "", err
	}
	return s.keep(secret.Auth.ClientToken), nil
}

// works reports whether a token is accepted.
func (s *scene) works(token string) bool {
	s.t.Helper()
	_, err := s.client(s.vault.Address, token).Auth().Token().LookupSelfWithContext(s.t.Context())
	return err == nil
}

func (s *scene) actions() map[string]activities.Action {
	return map[string]activities.Action{
		"vault.revoke":   vault.NewRevoke(s.worker, "firebreak", nil, probe.NewPostgres()),
		"vault.rotate":   vault.NewRotate(s.worker, "firebreak"),
		"vault.withdraw": vault.NewWithdraw(s.worker),
		"vault.destroy":  vault.NewDestroy(s.worker),
	}
}

// act is one action on one credential, stage by stage as the engine runs them.
type act struct {
	*scene
	action activities.Action
	op     *playbooks.Operation
}

func (s *scene) act(name string, c *inventory.Credential) *act {
	c.Reissue.Owner, c.Reissue.How = "sre-1", "ask for a new one"
	return &act{scene: s, action: s.actions()[name], op: &playbooks.Operation{
		ID: "incident/x/step/" + c.ID, Step: "step", Action: name,
		Target: inventory.Target{ID: c.ID, Kind: inventory.CredentialTarget, Credential: c},
	}}
}

// capture passes its result through JSON, as workflow history does.
func (a *act) capture() *incident.Capture {
	a.t.Helper()
	c, err := a.action.Capture(a.t.Context(), a.op)
	require.NoError(a.t, err)
	a.op.Capture = through(a.scene, c)
	return c
}

func (a *act) do() *incident.Effect {
	a.t.Helper()
	e, err := a.action.Do(a.t.Context(), a.op)
	require.NoError(a.t, err)
	a.op.Effect = through(a.scene, e)
	return e
}

func (a *act) verify() *incident.Proof {
	a.t.Helper()
	p, err := a.action.Verify(a.t.Context(), a.op)
	require.NoError(a.t, err)
	return through(a.scene, p)
}

func (a *act) undo() *incident.Effect {
	a.t.Helper()
	e, err := a.action.Undo(a.t.Context(), a.op)
	require.NoError(a.t, err)
	return through(a.scene, e)
}

func through[T any](s *scene, value *T) *T {
	s.t.Helper()
	encoded, err := json.Marshal(value)
	require.NoError(s.t, err)
	s.hidden(string(encoded))
	out := new(T)
	require.NoError(s.t, json.Unmarshal(encoded, out))
	return out
}

// hidden requires that a text holds no secret.
func (s *scene) hidden(text string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.secrets {
		require.False(s.t, strings.Contains(text, secret), "a secret is in the open")
	}
}
