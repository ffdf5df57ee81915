package credentials

import (
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"firebreak/activities/probe"
	"firebreak/activities/vault"
	"firebreak/deploy/sandbox/build"
	"firebreak/deploy/sandbox/company"
	"firebreak/deploy/sandbox/server"
	"firebreak/internal/inventory"
)

// gateway is a real S3 server whose keys Vault's engine at aws/ issues.
func (s *scene) gateway() *server.S3 {
	s.t.Helper()
	binary, err := build.Server(s.t.Context(), build.S3, os.Stderr)
	require.NoError(s.t, err)
	gateway, err := server.StartS3(s.t.Context(), binary, s.t.TempDir())
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, gateway.Stop()) })
	owner := company.S3Client(gateway.Endpoint, gateway.Region, company.Key{Access: gateway.AccessKey, Secret: gateway.SecretKey})
	_, err = owner.CreateBucket(s.t.Context(), &s3.CreateBucketInput{Bucket: aws.String("registry")})
	require.NoError(s.t, err)
	require.NoError(s.t, s.root.Sys().MountWithContext(s.t.Context(), "aws", &api.MountInput{Type: "sandbox-aws"}))
	s.configure(gateway)
	s.write("aws/roles/ci-registry-push", map[string]any{"buckets": "registry", "default_ttl": "1h", "max_ttl": "2h"})
	return gateway
}

func (s *scene) configure(gateway *server.S3) {
	s.t.Helper()
	s.write("aws/config/root", map[string]any{
		"endpoint": gateway.Endpoint, "access_key": gateway.AccessKey, "secret_key": s.keep(gateway.SecretKey), "region": gateway.Region})
}

func (s *scene) pushKey(gateway *server.S3, kind string) (*act, *s3.Client) {
	s.t.Helper()
	data := s.read("aws/creds/ci-registry-push")
	holder := company.S3Client(gateway.Endpoint, gateway.Region, company.Key{Access: data["access_key"].(string), Secret: s.keep(data["secret_key"].(string))})
	c := &inventory.Credential{ID: "ci-registry-push", Kind: kind}
	c.Vault.Mount, c.Vault.Role, c.Vault.LeasePrefix = "aws", "ci-registry-push", "aws/creds/ci-registry-push/"
	a := s.act("vault.revoke", c)
	a.action = vault.NewRevoke(s.worker, "firebreak", probe.NewS3Credential(holder), nil)
	return a, holder
}

func TestCloudKeysAreDeadOnceRevoked(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"vault-lease", "vault-aws"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			a, holder := s.pushKey(s.gateway(), kind)
			a.capture()
			require.False(t, a.verify().Proved)
			a.do()
			_, err := holder.ListBuckets(t.Context(), &s3.ListBucketsInput{})
			require.ErrorContains(t, err, "InvalidAccessKeyId")
			proof := a.verify()
			require.True(t, proof.Proved, proof.Method)
			require.True(t, a.undo().Changed)
		})
	}
}

// An engine that lost its connection cannot revoke, and Vault gives up: the list of leases and the key both say so.
func TestIrrevocableLeaseIsNotContained(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	gateway := s.gateway()
	a, holder := s.pushKey(gateway, "vault-aws")
	a.capture()
	_, err := s.root.Logical().DeleteWithContext(t.Context(), "aws/config/root")
	require.NoError(t, err)
	_, err = a.action.Do(t.Context(), a.op)
	require.ErrorContains(t, err, "config/root is not written")
	// Vault's own attempts, which it makes beside ours, end here for good.
	require.NoError(t, s.root.Sys().RevokeWithOptionsWithContext(t.Context(), &api.RevokeOptions{LeaseID: "aws/creds/ci-registry-push", Prefix: true}))
	require.Eventually(t, func() bool { return a.verify().Facts["irrevocable"] != "" }, 20*time.Second, 100*time.Millisecond)
	proof := a.verify()
	require.False(t, proof.Proved)
	require.Contains(t, proof.Facts["irrevocable"], "Vault has given up revoking 2 leases under aws/creds/ci-registry-push/, whose credentials work on")
	_, err = holder.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	require.NoError(t, err, "and so they do")

	s.configure(gateway)
	a.do()
	_, err = holder.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	require.ErrorContains(t, err, "InvalidAccessKeyId")
	proof = a.verify()
	require.True(t, proof.Proved, proof.Method)
}
