package vault

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/internal/inventory"
)

// Each case breaks one thing between Capture and Verify; the proof must fall and say which.
func TestVerifySeesARevocationThatDidNotHappen(t *testing.T) {
	t.Parallel()
	swallow := func(call string) func(*fakeVault) {
		return func(f *fakeVault) { f.faults[call] = fault{status: http.StatusNoContent} }
	}
	tests := []struct {
		name, kind string
		breaks     func(*fakeVault)
		fact, says string
	}{
		{"role not deleted", kindLease, swallow("DELETE aws/roles/ci"), "role", "still exists and can issue"},
		{"leases not revoked", kindLease, swallow("PUT sys/leases/revoke-prefix"), "leases", "3 leases are left"},
		{"canary's lease not revoked", kindLease, swallow("PUT sys/leases/revoke-prefix"), "canary_lease", "still exists"},
		{"leases forgotten, keys alive", kindLease, func(f *fakeVault) { f.forget = true }, "use", "still works: ListBuckets answered 200"},
		{"approle not deleted", kindAppRole, swallow("DELETE auth/approle/role/ci"), "role", "still exists"},
		{"approle tokens not revoked", kindAppRole, swallow("POST auth/token/revoke-accessor"), "tokens", "2 tokens issued by the role are alive"},
		{"approle token still works", kindAppRole, swallow("POST auth/token/revoke-accessor"), "use", "still works"},
		{"token not revoked", kindToken, swallow("POST auth/token/revoke-accessor"), "accessor", "still leads to a live token"},
		{"token still works", kindToken, swallow("POST auth/token/revoke-accessor"), "use", "the token still works"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, r := populated(t)
			op := operation(credentialOf(tt.kind))
			capture(t, f, r, op)
			tt.breaks(f)
			effect, err := r.Do(t.Context(), op)
			require.NoError(t, err)
			require.True(t, effect.Changed)

			proof, err := r.Verify(t.Context(), op)
			require.NoError(t, err)
			require.False(t, proof.Proved)
			require.Contains(t, proof.Facts[tt.fact], tt.says)
			require.Contains(t, proof.Method, "FAILED: ")
			f.requireNoSecret(proof)
		})
	}
}

func TestCredentialIssuedAfterTheRoleWasDeletedIsWithdrawn(t *testing.T) {
	t.Parallel()
	f, r := populated(t)
	op := operation(credentialOf(kindLease))
	capture(t, f, r, op)
	_, err := r.Do(t.Context(), op)
	require.NoError(t, err)
	f.faults["GET aws/creds/ci"] = fault{status: http.StatusOK, body: `{"lease_id":"aws/creds/ci/late","data":{"access_key":"x"}}`}

	proof, err := r.Verify(t.Context(), op)
	require.NoError(t, err)
	require.False(t, proof.Proved)
	require.Contains(t, proof.Facts["issue"], "still issues credentials")
	require.Contains(t, f.effects, "revoke aws/creds/ci/late")
}

func TestUpstreamThatRefusesIsNotContained(t *testing.T) {
	t.Parallel()
	f, r := populated(t)
	op := operation(credentialOf(kindLease))
	capture(t, f, r, op)
	f.upstream = true
	_, err := r.Do(t.Context(), op)
	require.ErrorContains(t, err, "2BP01")
	_, final := failure.CodeOf(err)
	require.False(t, final, "tried again")
	proof, err := r.Verify(t.Context(), op)
	require.NoError(t, err)
	require.False(t, proof.Proved)
}

// A refusal proves something only if the canary was accepted before.
func TestCanaryThatNeverWorkedProvesNothing(t *testing.T) {
	t.Parallel()
	f, r := populated(t)
	op := operation(credentialOf(kindLease))
	other := newFake(t)
	r.probe = other // a probe of the wrong service refuses everything
	capture(t, f, r, op)
	_, err := r.Do(t.Context(), op)
	require.NoError(t, err)
	proof, err := r.Verify(t.Context(), op)
	require.NoError(t, err)
	require.False(t, proof.Proved)
	require.Contains(t, proof.Facts["use"], "never seen to work")
}

func TestLeasesWithoutACanary(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(*fakeVault, *Revoke)
		proved  bool
		says    string
	}{
		{"quota used up", func(f *fakeVault, _ *Revoke) {
			f.faults["GET aws/creds/ci"] = fault{status: 500, body: `{"errors":["LimitExceeded"]}`}
		}, false, "was not observed: read aws/creds/ci"},
		{"no probe", func(_ *fakeVault, r *Revoke) { r.probe = nil }, false, "no probe that could use it"},
		{"role deleted before, leases left", func(f *fakeVault, _ *Revoke) { delete(f.roles, "aws/roles/ci") }, false, "the role does not exist"},
		{"role and leases gone before", func(f *fakeVault, _ *Revoke) {
			delete(f.roles, "aws/roles/ci")
			clear(f.leases)
		}, true, "nothing had been issued"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, r := populated(t)
			tt.prepare(f, r)
			op := operation(credentialOf(kindLease))
			capture(t, f, r, op)
			clear(f.faults)
			_, err := r.Do(t.Context(), op)
			require.NoError(t, err, "the revocation does not wait for a canary")
			proof, err := r.Verify(t.Context(), op)
			require.NoError(t, err)
			require.Equal(t, tt.proved, proof.Proved, proof.Method)
			require.Contains(t, proof.Facts["use"], tt.says)
		})
	}
}

func TestTokenWithoutAUsableCopy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*fakeVault, *inventory.Credential)
		says   string
	}{
		{"no reference", func(_ *fakeVault, c *inventory.Credential) { c.Vault.TokenRef = "" }, "only the accessor could be checked"},
		{"copy deleted", func(f *fakeVault, _ *inventory.Credential) { delete(f.kv, "secret/data/ci") }, "has no field token"},
		{"copy replaced by a new token", func(f *fakeVault, _ *inventory.Credential) {
			f.kv["secret/data/ci"] = map[string]any{"token": f.newToken("reissued", "auth/token/create", "")}
		}, "the copy is another token by now"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, r := populated(t)
			c := credentialOf(kindToken)
			tt.change(f, c)
			op := operation(c)
			capture(t, f, r, op)
			_, err := r.Do(t.Context(), op)
			require.NoError(t, err)
			proof, err := r.Verify(t.Context(), op)
			require.NoError(t, err)
			require.True(t, proof.Proved)
			require.Contains(t, proof.Facts["use"], tt.says)
			f.requireNoSecret(proof)
		})
	}
}
