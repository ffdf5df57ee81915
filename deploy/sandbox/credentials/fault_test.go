package credentials

import (
	"errors"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/activities/vault"
	"firebreak/deploy/sandbox/fault"
	"firebreak/internal/inventory"
)

// kinds are the credentials that need nothing but Vault, each with the call that does it.
var kinds = []struct {
	name, action string
	of           func(*scene) *inventory.Credential
	// does matches the requests that change something, in their order.
	does []string
}{
	{"secret ids", "vault.revoke", func(s *scene) *inventory.Credential {
		stolen, _, c := s.labelStudio()
		_, err := s.loginWith("label-studio", stolen)
		require.NoError(s.t, err)
		return c
	}, []string{"secret-id-accessor/destroy", "auth/token/revoke-accessor"}},
	{"certificate", "vault.revoke", (*scene).featureStore, []string{"pki/roles/feature-store", "pki/revoke"}},
	{"key", "vault.rotate", (*scene).loanKey, []string{"keys/loan-applications/rotate", "keys/loan-applications/config"}},
	{"secret", "vault.withdraw", (*scene).hubToken, []string{"secret/delete/hub-token"}},
}

// changing matches a request that changes something at a path.
func changing(path string) fault.Rule {
	return fault.Rule{Name: path, Path: regexp.MustCompile(path), Match: func(r *http.Request) bool { return r.Method != http.MethodGet }}
}

// Whatever Vault does in the middle of an act: Do says that it did not come to its end, Verify does not say that it holds,
// and once Vault is well again both do.
func TestNoFaultLooksLikeContainment(t *testing.T) {
	t.Parallel()
	faults := map[string]fault.Action{
		"503": fault.Unavailable(http.StatusServiceUnavailable), "429": fault.Unavailable(http.StatusTooManyRequests),
		"500": fault.Unavailable(http.StatusInternalServerError), "502": fault.Answer(http.StatusBadGateway, nil, "<html>bad gateway</html>"),
		"standby": fault.Unavailable(473), "dropped": fault.Refuse(), "done but timed out": fault.DoneButTimedOut(),
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			for name, broken := range faults {
				for i, path := range kind.does {
					s.fresh(t)
					a := s.act(kind.action, kind.of(s))
					a.capture()
					rule := changing(path)
					rule.Action = broken
					s.proxy.Add(rule)
					a.broken(t, name, path, i == len(kind.does)-1)
					s.proxy.Clear()
					a.do()
					proof := a.verify()
					require.True(t, proof.Proved, "%s at %s: %s", name, path, proof.Method)
				}
			}
		})
	}
}

// broken acts while a fault is on, which last says is in the last call that changes something.
func (a *act) broken(t *testing.T, name, path string, last bool) {
	t.Helper()
	lost := name == "done but timed out"
	effect, err := a.action.Do(t.Context(), a.op)
	if err == nil {
		// It looked, and saw that the call whose answer was lost had been done.
		require.True(t, lost, "%s at %s", name, path)
		a.op.Effect = through(a.scene, effect)
		require.True(t, a.verify().Proved, "%s at %s", name, path)
		return
	}
	a.hidden(err.Error())
	_, final := failure.CodeOf(err)
	require.False(t, final, "%s at %s is tried again: %v", name, path, err)
	// The last call may have been done although its answer was lost; nothing before it was.
	if !lost || !last {
		require.False(t, a.verify().Proved, "%s at %s", name, path)
	}
}

// fresh removes what a case left, so that each case begins with a credential that nobody touched.
func (s *scene) fresh(t *testing.T) {
	t.Helper()
	s.proxy.Clear()
	for _, path := range []string{"auth/approle/role/label-studio", "secret/metadata/hub-token", "pki/root"} {
		_, err := s.root.Logical().DeleteWithContext(t.Context(), path)
		require.NoError(t, err)
	}
	if _, err := s.root.Logical().WriteWithContext(t.Context(), "transit/keys/loan-applications/config", map[string]any{"deletion_allowed": true}); err == nil {
		_, err = s.root.Logical().DeleteWithContext(t.Context(), "transit/keys/loan-applications")
		require.NoError(t, err)
	}
}

// A sealed Vault answers nothing: no stage says anything but that.
func TestSealedVaultIsNeverContained(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			a := s.act(kind.action, kind.of(s))
			a.capture()
			require.NoError(t, s.vault.Seal(t.Context()))
			_, doErr := a.action.Do(t.Context(), a.op)
			proof, verifyErr := a.action.Verify(t.Context(), a.op)
			_, undoErr := a.action.Undo(t.Context(), a.op)
			require.Nil(t, proof)
			for _, err := range []error{doErr, verifyErr, undoErr} {
				if err == nil {
					continue // undoing what cannot be undone asks nobody
				}
				require.ErrorContains(t, err, "it is sealed or not active; unseal it")
				_, final := failure.CodeOf(err)
				require.False(t, final)
			}
			require.Error(t, doErr)
			require.Error(t, verifyErr)

			require.NoError(t, s.vault.Unseal(t.Context()))
			require.Eventually(t, func() bool { return s.works(s.worker.Token()) }, 10*time.Second, 20*time.Millisecond)
			a.do()
			require.True(t, a.verify().Proved)
		})
	}
}

// A Vault that is slow is waited for as long as one call may take, and no longer.
func TestSlowVaultIsNotContained(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	a := s.act("vault.withdraw", s.hubToken())
	a.capture()
	s.worker.SetClientTimeout(300 * time.Millisecond)
	s.proxy.Add(fault.Rule{Name: "slow", Action: fault.Delay(time.Minute)})
	began := time.Now()
	_, err := a.action.Do(t.Context(), a.op)
	require.ErrorContains(t, err, "did not answer in time")
	_, err = a.action.Verify(t.Context(), a.op)
	require.ErrorContains(t, err, "did not answer in time")
	require.Less(t, time.Since(began), 10*time.Second)
	s.proxy.Clear()
	require.False(t, a.verify().Proved)
}

// A token that ends in the middle of a step is told from a credential that is dead.
func TestWorkersTokenThatEndedIsNoProof(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			a := s.act(kind.action, kind.of(s))
			a.capture()
			require.NoError(t, s.root.Auth().Token().RevokeTreeWithContext(t.Context(), s.worker.Token()))
			_, err := a.action.Do(t.Context(), a.op)
			require.ErrorContains(t, err, "the worker's token is not valid or lacks the capability")
			_, err = a.action.Verify(t.Context(), a.op)
			require.ErrorContains(t, err, "the worker's token is not valid or lacks the capability")
			s.worker.SetToken(s.login("firebreak-contain"))
			a.do()
			require.True(t, a.verify().Proved)
		})
	}
}

// What is firebreak's own or for emergencies is refused before anything is asked of Vault.
func TestProtectedCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	own := &inventory.Credential{ID: "firebreak-contain", Kind: "vault-secret-id"}
	own.Vault.Mount, own.Vault.Role = "auth/approle", "firebreak-contain"
	ownKey := &inventory.Credential{ID: "canaries", Kind: "vault-transit"}
	ownKey.Vault.Mount, ownKey.Vault.Key = "transit", "firebreak"
	_, err := s.act("vault.rotate", ownKey).action.Capture(t.Context(), s.act("vault.rotate", ownKey).op)
	requireRefused(t, err)
	for _, kind := range kinds {
		c := kind.of(s)
		c.Protected = true
		a := s.act(kind.action, c)
		_, err := a.action.Capture(t.Context(), a.op)
		requireRefused(t, err)
		_, err = a.action.Do(t.Context(), a.op)
		requireRefused(t, err)
	}
}

func requireRefused(t *testing.T, err error) {
	t.Helper()
	code, final := failure.CodeOf(err)
	require.True(t, final)
	require.Equal(t, failure.Refused, code)
}

// A login that Vault refuses is told from a Vault that is sealed.
func TestLoginOfASealedVaultIsTriedAgain(t *testing.T) {
	s := newScene(t)
	l := s.appRoleLogin("firebreak-contain", s.newSecretID("firebreak-contain"), false)
	require.NoError(t, s.vault.Seal(t.Context()))
	err := l.Open(t.Context())
	require.ErrorContains(t, err, "it is sealed")
	var refused *vault.Refused
	require.False(t, errors.As(err, &refused))
	require.NoError(t, s.vault.Unseal(t.Context()))
	require.Eventually(t, func() bool { return l.Open(t.Context()) == nil }, 10*time.Second, 50*time.Millisecond)
}
