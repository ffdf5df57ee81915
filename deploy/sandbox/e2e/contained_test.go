package e2e_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/scenario"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
	"firebreak/playbooks"
)

func TestOneAlertBecomesOneContainedIncident(t *testing.T) {
	t.Parallel()
	kinds, err := playbooks.BuiltIn().Kinds()
	require.NoError(t, err)
	require.Len(t, kinds, 4)
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s, ctx := start(t), bounded(t)
			r, rec := play(t, ctx, s, kind)
			require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
			require.Equal(t, "#ir-legal", rec.Legal.Channel)
			require.Len(t, s.Slack.Messages("ir-legal"), 1)
			require.Positive(t, rec.Evidence.Objects)
			require.Contains(t, rec.Evidence.Manifest, "s3://nordwall-evidence/")
			require.Contains(t, rec.Alerts[0].RawURI, "s3://nordwall-evidence/", "what raised the alarm is kept")

			file := filepath.Join(t.TempDir(), "result.json")
			require.NoError(t, r.Result(rec).Write(file))
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			var result map[string]any
			require.NoError(t, json.Unmarshal(raw, &result))
			require.Equal(t, string(rec.Verdict), result["verdict"])
			require.NotEmpty(t, result["steps"])

			require.NoError(t, r.Close(ctx, false))
			rec, err = r.Until(ctx, func(rec *incident.Record) bool { return rec.Progress == incident.Closed })
			require.NoError(t, err)
			evidenceHolds(t, s, rec)
			noSecretAnywhere(t, s)
		})
	}
}

// What the servers themselves say after a dataset compromise: the partner's endpoint serves the known-good checkpoint,
// and what the writers held is dead.
func TestContainmentHoldsInTheServers(t *testing.T) {
	t.Parallel()
	s, ctx := start(t), bounded(t)
	_, rec := play(t, ctx, s, incident.DatasetCompromise)
	require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
	require.Equal(t, s.Company.Assets.Checkpoint("credit-scorer@16").RootDigest, served(t, s, "credit-api"))
	require.Equal(t, http.StatusForbidden, vaultStatus(t, s, s.Company.IngestToken))
	for _, key := range s.Company.PushKeys {
		require.ErrorContains(t, listBuckets(t, s, key), "InvalidAccessKeyId")
	}
	require.NoError(t, listBuckets(t, s, s.Company.WorkerS3), "the engine's own credential is not touched")
	require.Equal(t, http.StatusOK, vaultStatus(t, s, s.Company.WorkerVaultToken))
	require.Equal(t, http.StatusOK, vaultStatus(t, s, s.Company.PartnerKey), "the partner's key is not in the radius of a dataset")
}

func TestTheSameAlertJoinsTheOpenIncident(t *testing.T) {
	t.Parallel()
	s, ctx := start(t), bounded(t)
	r, rec := play(t, ctx, s, incident.ExtractionEvent)
	require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
	acts := len(s.VaultProxy.Calls())
	again := scenario.Webhook(string(incident.ExtractionEvent), "credit-api", "again", time.Now())
	for range 3 {
		status, answer, err := scenario.Post(ctx, s, s.AlertToken, again)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status, answer)
		require.Contains(t, answer, r.ID)
	}
	_, err := r.Until(ctx, func(rec *incident.Record) bool { return rec.AlertCount == 4 })
	require.NoError(t, err)
	output, code, err := s.CLI(ctx, "list", "-o", "json")
	require.NoError(t, err)
	require.Zero(t, code, output)
	var open []map[string]any
	require.NoError(t, json.Unmarshal([]byte(output), &open), output)
	require.Len(t, open, 1)
	require.Len(t, s.VaultProxy.Calls(), acts, "a joined alert acts on nothing")
}

func TestDenialStaysContained(t *testing.T) {
	t.Parallel()
	s, ctx := start(t), bounded(t)
	_, rec := play(t, ctx, s, incident.BackdoorDiscovery, "approve-rollback")
	require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
	require.Equal(t, incident.Skipped, step(t, rec, "rollback", "credit-api").Status)
	require.Empty(t, served(t, s, "credit-api"), "the endpoint stays out of service")
}

func TestFalsePositiveIsUndone(t *testing.T) {
	t.Parallel()
	s, ctx := start(t), bounded(t)
	before := served(t, s, "credit-api")
	r, rec := play(t, ctx, s, incident.DatasetCompromise)
	require.Equal(t, incident.Contained, rec.Verdict, gaps(rec))
	require.NotEqual(t, before, served(t, s, "credit-api"))
	require.NoError(t, r.Close(ctx, true))
	rec, err := r.Until(ctx, func(rec *incident.Record) bool { return rec.Progress == incident.Closed })
	require.NoError(t, err)
	require.Equal(t, incident.FalsePositive, rec.Verdict)
	require.Equal(t, before, served(t, s, "credit-api"), "the endpoint serves what it served before")
	root, err := company.VaultClient(s.Vault.Address, s.Vault.RootToken)
	require.NoError(t, err)
	for _, role := range []string{"aws/roles/ci-registry-push", "auth/approle/role/ingest-loans"} {
		secret, err := root.Logical().ReadWithContext(ctx, role)
		require.NoError(t, err)
		require.NotNil(t, secret, "%s can issue again", role)
	}
	for _, key := range s.Company.PushKeys {
		require.Error(t, listBuckets(t, s, key), "what was revoked stays revoked")
	}
	require.Len(t, s.Slack.Messages("ir-legal"), 2, "legal is told of the withdrawal")
}

// served returns the digest with which an endpoint answers from outside, or "" if it does not answer.
func served(t *testing.T, s *stack.Stack, endpoint string) string {
	t.Helper()
	e := s.Company.Assets.Endpoint(endpoint)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.Probe.URL, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return ""
	}
	return res.Header.Get(e.Probe.ExpectDigestHeader)
}
