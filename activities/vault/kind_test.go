package vault

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities"
	"firebreak/activities/failure"
	"firebreak/internal/inventory"
)

// What the inventory says of a credential is checked before Vault is asked anything.
func TestInventoryThatCannotBeActedOn(t *testing.T) {
	t.Parallel()
	const address = "postgres://db.example.com:5432/loans"
	tests := []struct {
		name, action, kind string
		change             func(*inventory.Credential)
		code               failure.Code
		says               string
	}{
		{"secret id that is no accessor", "revoke", kindSecretID, func(c *inventory.Credential) {
			c.Vault.Mount, c.Vault.Role, c.Vault.SecretIDs = "auth/approle", "ci", []string{"../x"}
		}, failure.Invalid, "secret_ids"},
		{"no serial", "revoke", kindPKI, func(c *inventory.Credential) { c.Vault.Mount = "pki" }, failure.Invalid, "names no certificate"},
		{"serial that is none", "revoke", kindPKI, func(c *inventory.Credential) {
			c.Vault.Mount, c.Vault.Serials = "pki", []string{"17:84/../../revoke"}
		}, failure.Invalid, "is not a serial number"},
		{"database with a password in its address", "revoke", kindDatabase, func(c *inventory.Credential) {
			c.Vault.Mount, c.Vault.Role, c.Vault.LeasePrefix, c.Vault.Address = "db", "ci", "db/creds/ci/", "postgres://u:hunter2@db/loans"
		}, failure.Invalid, "without user and password"},
		{"database without an address", "revoke", kindDatabase, func(c *inventory.Credential) {
			c.Vault.Mount, c.Vault.Role, c.Vault.LeasePrefix = "db", "ci", "db/creds/ci/"
		}, failure.Invalid, "vault.address"},
		{"database whose sessions role is the one to go", "revoke", kindDatabase, func(c *inventory.Credential) {
			c.Vault.Mount, c.Vault.Role, c.Vault.LeasePrefix, c.Vault.Address, c.Vault.SessionsRole = "db", "ci", "db/creds/ci/", address, "ci"
		}, failure.Invalid, "is the role that is revoked"},
		{"prefix where the engine issues nothing", "revoke", kindAWS, func(c *inventory.Credential) {
			c.Vault.Mount, c.Vault.Role, c.Vault.LeasePrefix = "aws", "ci", "aws/other/ci/"
		}, failure.Invalid, "is not aws/<creds or sts>/ci/"},
		{"key to be revoked", "revoke", kindTransit, nil, failure.Unsupported, "vault.rotate"},
		{"stored secret to be revoked", "revoke", kindKV, nil, failure.Unsupported, "vault.withdraw and rotate what they hold where it is issued"},
		{"token to be rotated", "rotate", kindToken, nil, failure.Unsupported, "has no versions to rotate"},
		{"firebreak's own key", "rotate", kindTransit, func(c *inventory.Credential) { c.Vault.Mount, c.Vault.Key = "/transit/", "firebreak" }, failure.Refused, "firebreak's own canaries"},
		{"key that climbs", "rotate", kindTransit, func(c *inventory.Credential) { c.Vault.Mount, c.Vault.Key = "transit", "a/../firebreak" }, failure.Invalid, "is not a path"},
		{"nothing in KV", "withdraw", kindToken, nil, failure.Unsupported, "is not kept in KV"},
		{"path that climbs", "destroy", kindKV, func(c *inventory.Credential) { c.Vault.Mount, c.Vault.Path = "secret", "../sys" }, failure.Invalid, "is not a path"},
		{"protected", "destroy", kindKV, func(c *inventory.Credential) { c.Protected = true }, failure.Refused, "is protected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			c := &inventory.Credential{ID: "x", Kind: tt.kind, Env: "prod"}
			if tt.change != nil {
				tt.change(c)
			}
			action := map[string]activities.Action{
				"revoke": NewRevoke(f.client(), "firebreak", f, nil), "rotate": NewRotate(f.client(), "firebreak"),
				"withdraw": NewWithdraw(f.client()), "destroy": NewDestroy(f.client()),
			}[tt.action]
			for _, stage := range []func() error{
				func() error { _, err := action.Capture(t.Context(), operation(c)); return err },
				func() error { _, err := action.Do(t.Context(), operation(c)); return err },
			} {
				err := stage()
				require.ErrorContains(t, err, tt.says)
				require.NotContains(t, err.Error(), "hunter2")
				code, final := failure.CodeOf(err)
				require.True(t, final)
				require.Equal(t, tt.code, code)
			}
			require.Empty(t, f.effects)
		})
	}
}

// Do without a captured state has nothing to go by.
func TestActNeedsItsCapture(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c := &inventory.Credential{ID: "x", Kind: kindTransit}
	c.Vault.Mount, c.Vault.Key, c.Vault.Path = "transit", "x", "x"
	for _, action := range []activities.Action{NewRotate(f.client(), "firebreak"), NewWithdraw(f.client())} {
		_, err := action.Do(t.Context(), operation(c))
		require.ErrorContains(t, err, "was not captured")
	}
}

func TestSessionTokensAreOnlyEndedByTime(t *testing.T) {
	t.Parallel()
	for definition, want := range map[string]bool{
		`{"credential_type":"iam_user"}`: false, `{"credential_types":["iam_user"]}`: false, `{"buckets":"x"}`: false, ``: false,
		`{"credential_type":"assumed_role"}`: true, `{"credential_types":["iam_user","federation_token"]}`: true, `{"credential_type":"session_token"}`: true,
	} {
		require.Equal(t, want, expiring(definition), definition)
	}
	l := &lease{}
	see := func(e *expiry) *findings {
		found := newFindings()
		l.verifyExpiry(e, found)
		return found
	}
	require.Empty(t, see(nil).facts)
	later := see(&expiry{Latest: time.Now().Add(time.Hour)})
	require.True(t, later.failed)
	require.Contains(t, later.facts["expiry"], "aws:TokenIssueTime")
	require.False(t, see(&expiry{Latest: time.Now().Add(-time.Second)}).failed)
	unseen := see(&expiry{Unseen: 7})
	require.False(t, unseen.failed)
	require.Len(t, unseen.gaps, 1)
}

// A lease whose end Vault told before the revocation keeps the proof from holding, although Vault forgets the lease.
func TestLeaseOfASessionTokenIsNotContainedBeforeItEnds(t *testing.T) {
	t.Parallel()
	f, r := populated(t)
	f.roles["aws/roles/ci"] = `{"credential_type":"assumed_role"}`
	c := credentialOf(kindLease)
	c.Kind = kindAWS
	op := operation(c)
	f.faults["PUT sys/leases/lookup"] = fault{status: 200, body: `{"data":{"id":"x","expire_time":"2999-01-01T00:00:00Z"}}`}
	capture(t, f, r, op)
	clear(f.faults)
	require.Contains(t, op.Capture.Summary, "whose credentials cannot be revoked")
	_, err := r.Do(t.Context(), op)
	require.NoError(t, err)
	proof, err := r.Verify(t.Context(), op)
	require.NoError(t, err)
	require.False(t, proof.Proved)
	require.Contains(t, proof.Facts["expiry"], "work until 2999-01-01T00:00:00Z")
}

// The names of a database role's users are matched as a whole, and a role's name is no pattern.
func TestUserPattern(t *testing.T) {
	t.Parallel()
	require.Regexp(t, userPattern("loan-reader"), "v-approle-loan-rea-A1b2C3d4E5f6G7h8I9j0-1790000000")
	require.NotRegexp(t, userPattern("loan-reader"), "v-approle-payroll-A1b2C3d4E5f6G7h8I9j0-1790000000")
	require.NotRegexp(t, userPattern("loan-reader"), "admin-v-approle-loan-rea-A1b2C3d4E5f6G7h8I9j0-1790000000")
	require.NotRegexp(t, userPattern("a.c"), "v-x-abc-A1b2C3d4E5f6G7h8I9j0-1790000000")
}

// FuzzState feeds states that no Capture made to what reads them.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"role":"{}","leases":1,"canary":{}}`))
	f.Add([]byte(`{"versions":[{"version":1}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, read := range []func(json.RawMessage) error{
			func(r json.RawMessage) error { _, err := decode[leaseState](r); return err },
			func(r json.RawMessage) error { _, err := decode[storedState](r); return err },
			func(r json.RawMessage) error { _, err := decode[transitKeyState](r); return err },
			func(r json.RawMessage) error { _, err := decode[certificatesState](r); return err },
		} {
			if err := read(raw); err != nil {
				_, final := failure.CodeOf(err)
				require.True(t, final)
			}
		}
	})
}
