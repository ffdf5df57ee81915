package e2e_test

import (
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/stack"
	"firebreak/internal/incident"
	"firebreak/internal/manifest"
	"firebreak/internal/manifest/dsse"
)

// evidenceHolds checks an incident's sealed evidence as an auditor does: with the public key from Vault and a download of
// everything that is in the store.
func evidenceHolds(t *testing.T, s *stack.Stack, rec *incident.Record) {
	t.Helper()
	vault, err := company.VaultClient(s.Vault.Address, s.Vault.RootToken)
	require.NoError(t, err)
	secret, err := vault.Logical().Read("transit/keys/firebreak-evidence")
	require.NoError(t, err)
	text, _ := secret.Data["keys"].(map[string]any)["1"].(map[string]any)["public_key"].(string)
	key, err := dsse.ParseKey([]byte(text))
	require.NoError(t, err)

	folder, sealed := t.TempDir(), []byte(nil)
	path, id, _ := strings.Cut(rec.Evidence.Manifest, "?versionId=")
	id, err = url.QueryUnescape(id)
	require.NoError(t, err)
	client := company.S3Client(s.S3.Endpoint, s.S3.Region, company.Key{Access: s.S3.AccessKey, Secret: s.S3.SecretKey})
	pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: aws.String("nordwall-evidence")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, v := range page.Versions {
			out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("nordwall-evidence"), Key: v.Key, VersionId: v.VersionId})
			require.NoError(t, err)
			content, err := io.ReadAll(out.Body)
			require.NoError(t, err)
			require.NoError(t, out.Body.Close())
			file := filepath.Join(folder, *v.Key)
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
			require.NoError(t, os.WriteFile(file, content, 0o600))
			if "s3://nordwall-evidence/"+*v.Key == path && *v.VersionId == id {
				sealed = content
			}
		}
	}
	root, err := os.OpenRoot(folder)
	require.NoError(t, err)
	defer func() { _ = root.Close() }()
	r := manifest.Check(sealed, manifest.Options{Key: key, Objects: root})
	require.Empty(t, r.Findings)
	require.True(t, r.Signed)
	require.Equal(t, rec.ID, r.Incident)
	require.Empty(t, r.Gaps)
	require.Equal(t, "firebreak-evidence:1", rec.Evidence.Signer)
	require.Greater(t, r.Read, r.Objects, "what the snapshots list is hashed too")
	require.NotZero(t, r.Receipts)
	require.NotZero(t, r.Custody)
}
