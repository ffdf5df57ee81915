package vault

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/playbooks"
)

func stages() map[string]func(*testing.T, *Revoke, *playbooks.Operation) error {
	return map[string]func(*testing.T, *Revoke, *playbooks.Operation) error{
		"capture": func(t *testing.T, r *Revoke, op *playbooks.Operation) error {
			_, err := r.Capture(t.Context(), op)
			return err
		},
		"do": func(t *testing.T, r *Revoke, op *playbooks.Operation) error {
			_, err := r.Do(t.Context(), op)
			return err
		},
		"verify": func(t *testing.T, r *Revoke, op *playbooks.Operation) error {
			_, err := r.Verify(t.Context(), op)
			return err
		},
		"undo": func(t *testing.T, r *Revoke, op *playbooks.Operation) error {
			_, err := r.Undo(t.Context(), op)
			return err
		},
	}
}

// Every stage of every kind meets every kind of failure: it is tried again, names Vault, and leaks nothing, even if the
// server repeats the request in its answer.
func TestErrorsAreRetriedAndLeakNothing(t *testing.T) {
	t.Parallel()
	faults := map[string]struct {
		fault fault
		says  string
	}{
		"sealed":           {fault{status: 503, body: `{"errors":["Vault is sealed"]}`}, "it is sealed or not active; unseal it"},
		"denied":           {fault{status: 403, body: `{"errors":["permission denied"]}`}, "lacks the capability"},
		"server error":     {fault{status: 502, body: `<html>bad gateway</html>`}, "answered 502"},
		"repeats requests": {fault{status: 500, echo: true}, "answered 500"},
		"lost":             {fault{execute: true}, "cannot be reached"},
	}
	for name, tt := range faults {
		for _, kind := range []string{kindLease, kindAppRole, kindToken} {
			for stage, run := range stages() {
				if kind == kindToken && stage == "undo" {
					continue // it calls nothing
				}
				t.Run(name+"/"+kind+"/"+stage, func(t *testing.T) {
					t.Parallel()
					f, r := populated(t)
					op := operation(credentialOf(kind))
					capture(t, f, r, op)
					f.faults[""] = tt.fault
					err := run(t, r, op)
					require.ErrorContains(t, err, "vault at "+f.server.URL)
					require.ErrorContains(t, err, tt.says)
					_, final := failure.CodeOf(err)
					require.False(t, final)
					f.requireNoSecret(err)
				})
			}
		}
	}
}

// The calls whose bodies are secrets, each met by a server that repeats what it was sent.
func TestEchoOfASecretBodyIsDropped(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ kind, call string }{
		"encrypt lease":   {kindLease, "PUT transit/encrypt/"},
		"encrypt approle": {kindAppRole, "PUT transit/encrypt/"},
		"login":           {kindAppRole, "PUT auth/approle/login"},
		"use":             {kindAppRole, "GET auth/token/lookup-self"},
		"use copy":        {kindToken, "GET auth/token/lookup-self"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, r := populated(t)
			f.faults[tt.call] = fault{status: http.StatusInternalServerError, echo: true}
			_, err := r.Capture(t.Context(), operation(credentialOf(tt.kind)))
			require.ErrorContains(t, err, "answered 500")
			f.requireNoSecret(err)
		})
	}
}

func TestUnreachableVault(t *testing.T) {
	t.Parallel()
	f, r := populated(t)
	f.server.Close()
	_, err := r.Do(t.Context(), operation(credentialOf(kindLease)))
	require.ErrorContains(t, err, "revoke credential ci-registry-push: read aws/roles/ci: vault at "+f.server.URL+" cannot be reached: ")
	require.ErrorContains(t, err, "connection refused")
}

func TestClientOfTheEnvironment(t *testing.T) {
	tests := []struct {
		name  string
		env   map[string]string
		wrong string
	}{
		{"complete", map[string]string{"VAULT_ADDR": "https://vault.example.com:8200", "VAULT_TOKEN": "hvs.x", "VAULT_NAMESPACE": "ml"}, ""},
		{"no address", map[string]string{"VAULT_TOKEN": "hvs.x"}, "VAULT_ADDR is not set"},
		{"address with a password that is no URL", map[string]string{"VAULT_ADDR": "://u:hunter2@x", "VAULT_TOKEN": "hvs.x"}, "VAULT_ADDR is not an address"},
		{"no token", map[string]string{"VAULT_ADDR": "https://vault.example.com:8200"}, "set VAULT_TOKEN"},
		{"certificate that is missing", map[string]string{"VAULT_ADDR": "https://vault.example.com:8200", "VAULT_TOKEN": "hvs.x", "VAULT_CACERT": "/does/not/exist.pem"}, "exist.pem"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE", "VAULT_CACERT"} {
				t.Setenv(name, tt.env[name])
			}
			login, err := NewLogin()
			if tt.wrong != "" {
				require.ErrorContains(t, err, tt.wrong)
				require.NotContains(t, err.Error(), "hunter2")
				return
			}
			require.NoError(t, err)
			client := login.Client()
			require.Equal(t, 0, client.MaxRetries())
			require.Equal(t, callTimeout, client.ClientTimeout())
			require.Equal(t, "ml", client.Namespace())
		})
	}
}

func TestRedaction(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"token":        {"bad token hv" + "s.CAESIJ0abcdefghijklmnop", "bad token [redacted]"},
		"access key":   {"user AK" + "IAABCDEFGHIJKLMNOP is gone", "user [redacted] is gone"},
		"plain":        {"role ci does not exist", "role ci does not exist"},
		"lease id":     {"lease aws/creds/ci-registry-push/Hn3 is left", "lease aws/creds/ci-registry-push/Hn3 is left"},
		"long base 64": {"key wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYabc", "key [redacted]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, redact(tt.text))
		})
	}
}
