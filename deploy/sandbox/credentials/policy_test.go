package credentials

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
)

// forbidden are operations that a stolen worker's token would be wanted for. Each is of its own kind.
var forbidden = []struct {
	name, method, path string
	body               map[string]any
}{
	{"read another secret", http.MethodGet, "secret/data/payroll", nil},
	{"read the secret that it may withdraw", http.MethodGet, "secret/data/hub-token", nil},
	{"list secrets", "LIST", "secret/metadata", nil},
	{"write a secret", http.MethodPut, "secret/data/hub-token", map[string]any{"data": map[string]any{"a": "b"}}},
	{"write the copy of a token", http.MethodPut, "secret/data/brightcart-api-key", map[string]any{"data": map[string]any{"a": "b"}}},
	{"delete all versions and their history", http.MethodDelete, "secret/metadata/hub-token", nil},
	{"destroy a version", http.MethodPut, "secret/destroy/hub-token", map[string]any{"versions": []int{1}}},
	{"withdraw another secret", http.MethodPut, "secret/delete/payroll", map[string]any{"versions": []int{1}}},
	{"create a token", http.MethodPut, "auth/token/create", map[string]any{"policies": []string{"root"}}},
	{"create an orphan token", http.MethodPut, "auth/token/create-orphan", nil},
	{"revoke a token by its value", http.MethodPut, "auth/token/revoke", map[string]any{"token": "x"}},
	{"write a policy", http.MethodPut, "sys/policies/acl/firebreak-contain", map[string]any{"policy": `path "*" { capabilities = ["sudo"] }`}},
	{"read a policy", http.MethodGet, "sys/policies/acl/firebreak-contain", nil},
	{"mount an engine", http.MethodPut, "sys/mounts/mine", map[string]any{"type": "kv"}},
	{"list mounts", http.MethodGet, "sys/mounts", nil},
	{"unmount an engine", http.MethodDelete, "sys/mounts/secret", nil},
	{"enable a way to log in", http.MethodPut, "sys/auth/mine", map[string]any{"type": "userpass"}},
	{"seal Vault", http.MethodPut, "sys/seal", nil},
	{"switch the audit log off", http.MethodDelete, "sys/audit/file", nil},
	{"rotate Vault's own key", http.MethodPut, "sys/rotate", nil},
	{"read the configuration of the storage", http.MethodGet, "sys/raw/core", nil},
	{"forget leases by force", http.MethodPut, "sys/leases/revoke-force/database/creds/loan-reader", nil},
	{"revoke another role's leases", http.MethodPut, "sys/leases/revoke-prefix/database/creds/payroll", nil},
	{"revoke leases of a role whose name begins alike", http.MethodPut, "sys/leases/revoke-prefix/database/creds/loan-reader-2", nil},
	{"revoke all leases of an engine", http.MethodPut, "sys/leases/revoke-prefix/database", nil},
	{"revoke all logins", http.MethodPut, "sys/leases/revoke-prefix/auth/approle/login", nil},
	{"list leases of another role", "LIST", "sys/leases/lookup/database/creds/payroll", nil},
	{"clean leases up", http.MethodPut, "sys/leases/tidy", nil},
	{"change the database's connection", http.MethodPut, "database/config/loans", map[string]any{"plugin_name": "x"}},
	{"make another role of the database", http.MethodPut, "database/roles/mine", map[string]any{"db_name": "loans"}},
	{"change the role that sees sessions", http.MethodPut, "database/roles/firebreak-sessions", map[string]any{"db_name": "loans"}},
	{"get a login of another role", http.MethodGet, "database/creds/payroll", nil},
	{"get cloud keys of another role", http.MethodGet, "aws/creds/firebreak-worker", nil},
	{"widen its own AppRole", http.MethodPut, "auth/approle/role/firebreak-contain", map[string]any{"token_policies": "root"}},
	{"get its own secret id", http.MethodPut, "auth/approle/role/firebreak-contain/secret-id", nil},
	{"change the role whose secret ids it destroys", http.MethodPut, "auth/approle/role/label-studio", map[string]any{"token_policies": "root"}},
	{"delete the role whose secret ids it destroys", http.MethodDelete, "auth/approle/role/label-studio", nil},
	{"decrypt the company's data", http.MethodPut, "transit/decrypt/loan-applications", map[string]any{"ciphertext": "vault:v1:x"}},
	{"export a key", http.MethodGet, "transit/export/encryption-key/loan-applications", nil},
	{"back a key up", http.MethodGet, "transit/backup/loan-applications", nil},
	{"delete a key", http.MethodDelete, "transit/keys/loan-applications", nil},
	{"let a key be exported", http.MethodPut, "transit/keys/loan-applications/config", map[string]any{"exportable": true}},
	{"let a key be deleted", http.MethodPut, "transit/keys/loan-applications/config", map[string]any{"deletion_allowed": true}},
	{"drop a key's old versions", http.MethodPut, "transit/keys/loan-applications/trim", map[string]any{"min_available_version": 1}},
	{"rotate its own key", http.MethodPut, "transit/keys/firebreak/rotate", nil},
	{"rotate the key that signs evidence", http.MethodPut, "transit/keys/firebreak-evidence/rotate", nil},
	{"let the key that signs evidence be exported", http.MethodPut, "transit/keys/firebreak-evidence/config", map[string]any{"exportable": true}},
	{"export the key that signs evidence", http.MethodGet, "transit/export/signing-key/firebreak-evidence", nil},
	{"back the key that signs evidence up", http.MethodGet, "transit/backup/firebreak-evidence", nil},
	{"replace the key that signs evidence", http.MethodPut, "transit/restore/firebreak-evidence", map[string]any{"backup": "x", "force": true}},
	{"drop old versions of the key that signs evidence", http.MethodPut, "transit/keys/firebreak-evidence/trim", map[string]any{"min_available_version": 1}},
	{"delete the key that signs evidence", http.MethodDelete, "transit/keys/firebreak-evidence", nil},
	{"rotate the key that signs drills", http.MethodPut, "transit/keys/firebreak-drill-evidence/rotate", nil},
	{"delete the key that signs drills", http.MethodDelete, "transit/keys/firebreak-drill-evidence", nil},
	{"make a key of its own", http.MethodPut, "transit/keys/firebreak-evidence-2", map[string]any{"type": "ecdsa-p256"}},
	{"sign with another's key", http.MethodPut, "transit/sign/releases", map[string]any{"input": "eA=="}},
	{"list keys", "LIST", "transit/keys", nil},
	{"issue a certificate", http.MethodPut, "pki/issue/feature-store", map[string]any{"common_name": "x.example"}},
	{"sign a certificate", http.MethodPut, "pki/sign-verbatim", map[string]any{"csr": "x"}},
	{"switch OCSP off", http.MethodPut, "pki/config/crl", map[string]any{"ocsp_disable": true}},
	{"delete the authority", http.MethodDelete, "pki/root", nil},
	{"forget revoked certificates", http.MethodPut, "pki/tidy", map[string]any{"tidy_revoked_certs": true}},
}

func TestPolicyAllowsNothingElse(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	// What is not there could be refused for that alone: everything that the table names is.
	s.featureStore()
	s.hubToken()
	s.loanKey()
	s.labelStudio()
	s.signingKeys()
	s.write("transit/keys/releases", map[string]any{"type": "ecdsa-p256"})
	s.write("secret/data/payroll", map[string]any{"data": map[string]any{"a": "b"}})
	for _, f := range forbidden {
		_, err := s.call(s.worker, f.method, f.path, f.body)
		require.Error(t, err, f.name)
		var answer *api.ResponseError
		require.ErrorAs(t, err, &answer, f.name)
		require.Equal(t, http.StatusForbidden, answer.StatusCode, "%s: %v", f.name, err)
		require.Contains(t, strings.Join(answer.Errors, " "), "permission denied", f.name)
	}
	// The same calls with a token of the worker's that knows no bounds are not refused for want of a right: so it is the
	// policy that refuses them.
	for _, path := range []string{"secret/data/payroll", "sys/mounts", "sys/policies/acl/firebreak-contain"} {
		_, err := s.call(s.root, http.MethodGet, path, nil)
		require.NoError(t, err, path)
	}
}

func (s *scene) call(c *api.Client, method, path string, body map[string]any) (*api.Secret, error) {
	logical := c.Logical()
	switch method {
	case http.MethodGet:
		return logical.ReadWithContext(s.t.Context(), path)
	case "LIST":
		return logical.ListWithContext(s.t.Context(), path)
	case http.MethodDelete:
		return logical.DeleteWithContext(s.t.Context(), path)
	default:
		return logical.WriteWithContext(s.t.Context(), path, body)
	}
}
