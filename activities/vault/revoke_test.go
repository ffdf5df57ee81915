package vault

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

const leaseRole = `{"credential_type":"iam_user","policy_document":"{\"a\":\"<&>\"}","default_sts_ttl":9007199254740993}`

const appRoleDefinition = `{"bind_secret_id":true,"token_num_uses":0,"token_policies":["ci"],"bound_cidrs":null,"token_type":"default"}`

func credentialOf(kind string) *inventory.Credential {
	c := &inventory.Credential{ID: "ci-registry-push", Kind: kind, Env: "prod"}
	switch kind {
	case kindLease:
		c.Vault.Mount, c.Vault.Role, c.Vault.LeasePrefix = "aws", "ci", "aws/creds/ci/"
	case kindAppRole:
		c.Vault.Mount, c.Vault.Role, c.Vault.LeasePrefix = "auth/approle", "ci", "auth/approle/login/"
	case kindToken:
		c.Vault.Accessor, c.Vault.TokenRef = "ci-accessor", "secret/data/ci#token"
	}
	c.Reissue.Owner, c.Reissue.How = "sre-1", "vault read aws/creds/ci"
	return c
}

// populated returns a fake in which each kind of credential has been issued, and the action on it.
func populated(t *testing.T) (*fakeVault, *Revoke) {
	f := newFake(t)
	f.roles["aws/roles/ci"], f.roles["auth/approle/role/ci"] = leaseRole, appRoleDefinition
	f.issue()
	f.issue()
	f.newToken("stolen-login", "auth/approle/login", "ci")
	f.newToken("other-login", "auth/approle/login", "release")
	f.kv["secret/data/ci"] = map[string]any{"token": f.newToken("ci-accessor", "auth/token/create", "")}
	r := NewRevoke(f.client(), "firebreak", f, nil)
	r.patience = 0
	return f, r
}

func operation(c *inventory.Credential) *playbooks.Operation {
	return &playbooks.Operation{
		ID: "incident/x/revoke/" + c.ID, Step: "revoke", Action: "vault.revoke",
		Target: inventory.Target{ID: c.ID, Kind: inventory.CredentialTarget, Credential: c},
	}
}

// capture runs Capture and passes its result through JSON, as workflow history does.
func capture(t *testing.T, f *fakeVault, r *Revoke, op *playbooks.Operation) {
	t.Helper()
	c, err := r.Capture(t.Context(), op)
	require.NoError(t, err)
	f.requireNoSecret(c)
	encoded, err := json.Marshal(c)
	require.NoError(t, err)
	op.Capture = new(incident.Capture)
	require.NoError(t, json.Unmarshal(encoded, op.Capture))
}

func TestRevokeContainsAndProves(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind    string
		effects []string
		gone    string
	}{
		{kindLease, []string{"delete aws/roles/ci", "revoke aws/creds/ci/lease2", "revoke aws/creds/ci/lease4", "revoke aws/creds/ci/lease9"}, "worked before and is refused now"},
		{kindAppRole, []string{"delete auth/approle/role/ci", "revoke accessor login-9", "revoke accessor stolen-login"}, "a login with an unused secret id is refused"},
		{kindToken, []string{"revoke accessor ci-accessor"}, "the token worked before and is refused with 403 now"},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			f, r := populated(t)
			op := operation(credentialOf(tt.kind))
			capture(t, f, r, op)

			before, err := r.Verify(t.Context(), op)
			require.NoError(t, err)
			require.False(t, before.Proved, "nothing has been revoked yet: %s", before.Method)
			f.requireNoSecret(before)
			require.Empty(t, f.effects, "Capture and Verify change nothing")

			first, err := r.Do(t.Context(), op)
			require.NoError(t, err)
			require.True(t, first.Changed)
			f.requireNoSecret(first)
			second, err := r.Do(t.Context(), op)
			require.NoError(t, err)
			require.False(t, second.Changed)
			require.Equal(t, tt.effects, f.effects)
			require.Len(t, f.tokens, map[string]int{kindLease: 4, kindAppRole: 3, kindToken: 3}[tt.kind], "tokens of others stay")

			proof, err := r.Verify(t.Context(), op)
			require.NoError(t, err)
			require.True(t, proof.Proved, proof.Method)
			require.Contains(t, proof.Method, tt.gone)
			f.requireNoSecret(proof)
		})
	}
}

func TestDoAgainAfterItsAnswerWasLost(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, kind, call string
		effects          int
	}{
		{"lease, role deleted", kindLease, "DELETE aws/roles/ci", 4},
		{"lease, leases revoked", kindLease, "PUT sys/leases/revoke-prefix", 4},
		{"approle, role deleted", kindAppRole, "DELETE auth/approle/role/ci", 3},
		{"approle, tokens revoked", kindAppRole, "POST auth/token/revoke-accessor", 3},
		{"token", kindToken, "POST auth/token/revoke-accessor", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, r := populated(t)
			op := operation(credentialOf(tt.kind))
			capture(t, f, r, op)

			f.faults[tt.call] = fault{execute: true}
			_, err := r.Do(t.Context(), op)
			require.ErrorContains(t, err, "cannot be reached")
			require.NotZero(t, f.heal(tt.call), "the call took effect")
			_, err = r.Do(t.Context(), op)
			require.NoError(t, err)

			require.Len(t, f.effects, tt.effects, "each effect once")
			proof, err := r.Verify(t.Context(), op)
			require.NoError(t, err)
			require.True(t, proof.Proved, proof.Method)
		})
	}
}

func TestUndoRestoresIssuing(t *testing.T) {
	t.Parallel()
	tests := []struct{ kind, path, definition, says string }{
		{kindLease, "aws/roles/ci", leaseRole, "revoked leases stay revoked; sre-1 issues it anew: vault read aws/creds/ci"},
		{kindAppRole, "auth/approle/role/ci", appRoleDefinition, "revoked tokens and secret ids stay revoked; sre-1"},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			f, r := populated(t)
			op := operation(credentialOf(tt.kind))
			capture(t, f, r, op)
			_, err := r.Do(t.Context(), op)
			require.NoError(t, err)
			require.Empty(t, f.roles[tt.path])

			undone, err := r.Undo(t.Context(), op)
			require.NoError(t, err)
			require.True(t, undone.Changed)
			require.Contains(t, undone.Summary, tt.says)
			require.Equal(t, tt.definition, f.roles[tt.path], "byte for byte")
			require.Equal(t, "role-id-of-ci-00000000", f.roleID)
			f.requireNoSecret(undone)
			before := len(f.effects)

			// A restored role reads back with [] where it had null.
			f.roles[tt.path] = strings.Replace(tt.definition, `"bound_cidrs":null`, `"bound_cidrs":[]`, 1)
			again, err := r.Undo(t.Context(), op)
			require.NoError(t, err)
			require.False(t, again.Changed)
			require.Len(t, f.effects, before)

			f.roles[tt.path] = `{"made":"anew"}`
			_, err = r.Undo(t.Context(), op)
			code, final := failure.CodeOf(err)
			require.True(t, final)
			require.Equal(t, failure.TargetChanged, code)
			require.Equal(t, `{"made":"anew"}`, f.roles[tt.path])
		})
	}
}

func TestUndoOfATokenOnlyNamesItsOwner(t *testing.T) {
	t.Parallel()
	f, r := populated(t)
	op := operation(credentialOf(kindToken))
	capture(t, f, r, op)
	undone, err := r.Undo(t.Context(), op)
	require.NoError(t, err)
	require.False(t, undone.Changed)
	require.Contains(t, undone.Summary, "sre-1 issues it anew")
}

func TestFinalErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		kind   string
		change func(*inventory.Credential)
		code   failure.Code
		says   string
	}{
		{"protected", kindAppRole, func(c *inventory.Credential) { c.Protected = true }, failure.Refused, "is protected"},
		{"api key", "api-key", nil, failure.Unsupported, "of kind api-key, which firebreak cannot revoke; block the key at the gateway"},
		{"cloud role", "cloud-role", nil, failure.Unsupported, "aws:TokenIssueTime"},
		{"empty prefix", kindLease, func(c *inventory.Credential) { c.Vault.LeasePrefix = "" }, failure.Invalid, "lease_prefix"},
		{"prefix of the whole mount", kindLease, func(c *inventory.Credential) { c.Vault.LeasePrefix = "aws/" }, failure.Invalid, "does not end in its role"},
		{"prefix of another role", kindLease, func(c *inventory.Credential) { c.Vault.LeasePrefix = "aws/creds/ci-other/" }, failure.Invalid, "does not end in its role"},
		{"prefix of another mount", kindLease, func(c *inventory.Credential) { c.Vault.LeasePrefix = "db/creds/ci/" }, failure.Invalid, "under its mount aws"},
		{"path that climbs", kindLease, func(c *inventory.Credential) { c.Vault.Role = "../../sys" }, failure.Invalid, "is not a path"},
		{"token reference without field", kindToken, func(c *inventory.Credential) { c.Vault.TokenRef = "secret/data/ci" }, failure.Invalid, "mount/data/name#field"},
		{"no accessor", kindToken, func(c *inventory.Credential) { c.Vault.Accessor = "" }, failure.Invalid, "accessor"},
		{"the worker's own token", kindToken, func(c *inventory.Credential) { c.Vault.Accessor = "worker-accessor" }, failure.Refused, "the worker's own token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, r := populated(t)
			c := credentialOf(tt.kind)
			if tt.change != nil {
				tt.change(c)
			}
			_, err := r.Do(t.Context(), operation(c))
			require.ErrorContains(t, err, tt.says)
			code, final := failure.CodeOf(err)
			require.True(t, final)
			require.Equal(t, tt.code, code)
			require.Empty(t, f.effects)
		})
	}
}

func TestAppRoleThatIssuedTheWorkersTokenIsRefused(t *testing.T) {
	t.Parallel()
	f, r := populated(t)
	f.tokens[workerToken] = map[string]any{
		"accessor": "worker-accessor", "path": "auth/approle/login", "meta": map[string]string{"role_name": "ci"},
	}
	_, err := r.Do(t.Context(), operation(credentialOf(kindAppRole)))
	code, _ := failure.CodeOf(err)
	require.Equal(t, failure.Refused, code)
	require.Empty(t, f.effects)
}

func TestCancelledContextEndsEveryStage(t *testing.T) {
	t.Parallel()
	_, r := populated(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Do(ctx, operation(credentialOf(kindLease)))
	require.ErrorIs(t, err, context.Canceled)
}
