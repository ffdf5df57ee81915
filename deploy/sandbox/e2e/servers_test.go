package e2e_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/modelserver"
	"firebreak/deploy/sandbox/stack"
)

// vaultStatus is the HTTP status with which Vault answers a token that looks itself up.
func vaultStatus(t *testing.T, s *stack.Stack, token string) int {
	t.Helper()
	client, err := company.VaultClient(s.Vault.Address, token)
	require.NoError(t, err)
	_, err = client.Auth().Token().LookupSelfWithContext(t.Context())
	var answer *api.ResponseError
	if errors.As(err, &answer) {
		return answer.StatusCode
	}
	require.NoError(t, err)
	return http.StatusOK
}

func listBuckets(t *testing.T, s *stack.Stack, key company.Key) error {
	t.Helper()
	_, err := company.S3Client(s.S3.Endpoint, s.S3.Region, key).ListBuckets(t.Context(), &s3.ListBucketsInput{})
	return err
}

// noSecretAnywhere looks for the real secrets of the company in everything that Temporal, the worker, the trigger,
// Slack and the mail server keep: histories, logs and messages.
func noSecretAnywhere(t *testing.T, s *stack.Stack) {
	t.Helper()
	secrets := map[string]string{
		"the worker's Vault token": s.Company.WorkerVaultToken, "the worker's S3 key": s.Company.WorkerS3.Secret,
		"the partner's API key": s.Company.PartnerKey, "the writer's token": s.Company.IngestToken,
		"a leased key": s.Company.PushKeys[0].Secret, "the alert token": s.AlertToken, "the Slack token": stack.SlackToken,
		"a pod's secret": modelserver.PodSecret,
	}
	read := 0
	look := func(name string, raw []byte) {
		read++
		for what, secret := range secrets {
			require.NotEmpty(t, secret, what)
			require.Falsef(t, bytes.Contains(raw, []byte(secret)), "%s is in %s", what, name)
		}
	}
	for _, place := range []string{"temporal", "worker.log", "trigger.log"} {
		err := filepath.WalkDir(filepath.Join(s.Options.Data, place), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !d.Type().IsRegular() {
				return err
			}
			raw, err := os.ReadFile(path)
			look(path, raw)
			return err
		})
		require.NoError(t, err)
	}
	require.GreaterOrEqual(t, read, 3, "Temporal's database and both logs were read")
	for _, m := range s.Slack.Messages("ir-legal") {
		look("a Slack message", []byte(m.Text))
		look("a Slack message", m.Blocks)
	}
	for _, m := range s.Mail.Mails() {
		look("a mail", []byte(m.Raw))
	}
}
