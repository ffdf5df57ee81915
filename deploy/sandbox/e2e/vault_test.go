package e2e_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/scenario"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
)

func rootOf(t *testing.T, s *stack.Stack) *api.Client {
	t.Helper()
	root, err := company.VaultClient(s.Vault.Address, s.Vault.RootToken)
	require.NoError(t, err)
	return root
}

// The labellers' connector writes the dataset: its secret id and what it logged in with are dead, its role is not.
func TestConnectorOfACompromisedDatasetIsCutOff(t *testing.T) {
	t.Parallel()
	s, ctx := start(t), bounded(t)
	require.Equal(t, http.StatusOK, vaultStatus(t, s, s.Company.LabelToken))
	_, rec := play(t, ctx, s, incident.DatasetCompromise)
	require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
	require.True(t, step(t, rec, "revoke-writers", "label-studio-sync").Verified)
	require.Equal(t, http.StatusForbidden, vaultStatus(t, s, s.Company.LabelToken))

	root := rootOf(t, s)
	role, err := root.Logical().ReadWithContext(ctx, "auth/approle/role/label-studio/role-id")
	require.NoError(t, err)
	require.NotNil(t, role, "the role stays")
	_, err = root.Logical().WriteWithContext(ctx, "auth/approle/login", map[string]any{"role_id": role.Data["role_id"], "secret_id": s.Company.LabelSecretID})
	require.Error(t, err)
	noSecretAnywhere(t, s)
}

// Weights that are being read: after one approval the reader's certificate is on the CRL, and the verdict says who will not
// look there.
func TestReadersOfStolenWeightsAreRevoked(t *testing.T) {
	t.Parallel()
	s, ctx := start(t), bounded(t)
	alert := bytes.ReplaceAll(scenario.Webhook(string(incident.ExtractionEvent), "credit-api", "the checkpoint is being copied", time.Now()),
		[]byte(`"firebreak_kind"`), []byte(`"firebreak_facet":"weights","firebreak_kind"`))
	status, answer, err := scenario.Post(ctx, s, s.AlertToken, alert)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, answer)
	_, rec := play(t, ctx, s, incident.ExtractionEvent)
	require.Equal(t, "weights", rec.Facet)
	require.True(t, step(t, rec, "revoke-readers", "feature-store-mtls").Verified)
	require.Equal(t, incident.ContainedWithGaps, rec.Verdict, gaps(rec))
	require.Contains(t, gaps(rec), "verifiers that ask neither CRL nor OCSP accept certificate")
	require.True(t, listed(t, s), "the CRL has it")
}

// The real worker logs in by AppRole with a secret id from a file, and says what is wrong with one that is refused.
func TestWorkerLogsInByAppRole(t *testing.T) {
	t.Parallel()
	s, ctx := start(t), bounded(t)
	root := rootOf(t, s)
	role, err := root.Logical().ReadWithContext(ctx, "auth/approle/role/firebreak-contain/role-id")
	require.NoError(t, err)
	issued, err := root.Logical().WriteWithContext(ctx, "auth/approle/role/firebreak-contain/secret-id", nil)
	require.NoError(t, err)
	cases := map[string]struct {
		secret, says string
		exits        bool
	}{
		"good":    {issued.Data["secret_id"].(string), "worker is ready", false},
		"refused": {"0c0ffee0-0000-4000-8000-000000000000", "it refuses the login: check the role, its secret and the addresses it is bound to", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "secret-id")
			require.NoError(t, os.WriteFile(file, []byte(c.secret), 0o600))
			env := slices.DeleteFunc(s.WorkerEnv(), func(kv string) bool { return strings.HasPrefix(kv, "VAULT_TOKEN=") })
			cmd := exec.CommandContext(ctx, s.WorkerBinary())
			cmd.Env = append(env, "FIREBREAK_VAULT_AUTH=approle", "FIREBREAK_VAULT_SECRET_ID_FILE="+file, "FIREBREAK_VAULT_ROLE_ID="+role.Data["role_id"].(string))
			log, err := os.Create(filepath.Join(t.TempDir(), "log"))
			require.NoError(t, err)
			defer log.Close()
			cmd.Stdout, cmd.Stderr = log, log
			require.NoError(t, cmd.Start())
			said := func() string { raw, _ := os.ReadFile(log.Name()); return string(raw) }
			require.Eventually(t, func() bool { return strings.Contains(said(), c.says) }, 30*time.Second, 50*time.Millisecond)
			_ = cmd.Process.Signal(os.Interrupt) // one that was refused has ended
			err = cmd.Wait()
			require.Equal(t, c.exits, err != nil, "%v", err)
			require.NotContains(t, said(), c.secret)
		})
	}
}

// listed reports whether the feature store's certificate is on the CRL that everybody can read.
func listed(t *testing.T, s *stack.Stack) bool {
	t.Helper()
	serial := ""
	for _, c := range s.Company.Assets.Credentials {
		if c.ID == "feature-store-mtls" {
			serial = c.Vault.Serials[0]
		}
	}
	root := rootOf(t, s)
	secret, err := root.Logical().ReadWithContext(t.Context(), "pki/cert/"+serial)
	require.NoError(t, err)
	block, _ := pem.Decode([]byte(secret.Data["certificate"].(string)))
	certificate, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	published, err := root.Logical().ReadWithContext(t.Context(), "pki/cert/crl")
	require.NoError(t, err)
	block, _ = pem.Decode([]byte(published.Data["certificate"].(string)))
	list, err := x509.ParseRevocationList(block.Bytes)
	require.NoError(t, err)
	for _, entry := range list.RevokedCertificateEntries {
		if entry.SerialNumber.Cmp(certificate.SerialNumber) == 0 {
			return true
		}
	}
	return false
}
