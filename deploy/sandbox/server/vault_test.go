package server

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/build"
)

func startVault(t *testing.T) (*Vault, *api.Client) {
	t.Helper()
	b, err := build.New(t.Context(), os.Stderr)
	require.NoError(t, err)
	path, plugin, err := b.Vault(t.Context())
	require.NoError(t, err)
	began := time.Now()
	server, err := Again(func() (*Vault, error) { return StartVault(t.Context(), path, plugin, t.TempDir()) })
	require.NoError(t, err)
	t.Logf("%s started in %s", path, time.Since(began).Round(time.Millisecond))
	stopsAtTheEnd(t, server.Process, server.Address)
	return server, vaultClient(t, server, server.RootToken)
}

func vaultClient(t *testing.T, server *Vault, token string) *api.Client {
	t.Helper()
	config := api.DefaultConfig()
	require.NoError(t, config.Error)
	config.Address, config.MaxRetries = server.Address, 0
	c, err := api.NewClient(config)
	require.NoError(t, err)
	c.SetToken(token)
	return c
}

// status is the HTTP status of a refusal, or 0 for none.
func status(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	var refused *api.ResponseError
	require.True(t, errors.As(err, &refused), "%v", err)
	return refused.StatusCode
}

func write(t *testing.T, c *api.Client, path string, data map[string]any) *api.Secret {
	t.Helper()
	secret, err := c.Logical().WriteWithContext(t.Context(), path, data)
	require.NoError(t, err)
	return secret
}

func TestVaultTokenOfAnAppRoleIsDeadOnceRevoked(t *testing.T) {
	t.Parallel()
	server, root := startVault(t)
	require.NoError(t, root.Sys().EnableAuthWithOptionsWithContext(t.Context(), "approle", &api.EnableAuthOptions{Type: "approle"}))
	write(t, root, "auth/approle/role/trainer", map[string]any{"token_ttl": "1h", "token_policies": "default"})
	roleID, err := root.Logical().ReadWithContext(t.Context(), "auth/approle/role/trainer/role-id")
	require.NoError(t, err)
	secretID := write(t, root, "auth/approle/role/trainer/secret-id", nil)
	login := write(t, root, "auth/approle/login", map[string]any{
		"role_id": roleID.Data["role_id"], "secret_id": secretID.Data["secret_id"],
	})
	holder := vaultClient(t, server, login.Auth.ClientToken)
	_, err = holder.Auth().Token().LookupSelfWithContext(t.Context())
	require.NoError(t, err)

	require.NoError(t, root.Auth().Token().RevokeAccessorWithContext(t.Context(), login.Auth.Accessor))
	_, err = holder.Auth().Token().LookupSelfWithContext(t.Context())
	require.Equal(t, http.StatusForbidden, status(t, err))

	write(t, root, "auth/approle/role/trainer/secret-id-accessor/destroy", map[string]any{
		"secret_id_accessor": secretID.Data["secret_id_accessor"],
	})
	_, err = root.Logical().WriteWithContext(t.Context(), "auth/approle/login", map[string]any{
		"role_id": roleID.Data["role_id"], "secret_id": secretID.Data["secret_id"],
	})
	require.Equal(t, http.StatusBadRequest, status(t, err))

	audit, err := os.ReadFile(server.AuditLog)
	require.NoError(t, err)
	require.Contains(t, string(audit), `"path":"auth/token/revoke-accessor"`)
	require.NotContains(t, string(audit), login.Auth.ClientToken)
}

func TestVaultIsEmptyAndAuditedAfterARestart(t *testing.T) {
	t.Parallel()
	server, root := startVault(t)
	write(t, root, "sys/policies/acl/first", map[string]any{"policy": `path "notes/*" { capabilities = ["read"] }`})
	require.NoError(t, server.Restart(t.Context()))
	policies, err := root.Sys().ListPoliciesWithContext(t.Context())
	require.NoError(t, err)
	require.NotContains(t, policies, "first", "its state is in memory")
	write(t, root, "sys/policies/acl/second", map[string]any{"policy": `path "notes/*" { capabilities = ["read"] }`})
	audit, err := os.ReadFile(server.AuditLog)
	require.NoError(t, err)
	require.Contains(t, string(audit), `"path":"sys/policies/acl/first"`)
	require.Contains(t, string(audit), `"path":"sys/policies/acl/second"`)
	require.NotContains(t, string(audit), server.RootToken)
}

func TestVaultEngines(t *testing.T) {
	t.Parallel()
	_, root := startVault(t)
	mount := func(path, kind string, options map[string]string) {
		require.NoError(t, root.Sys().MountWithContext(t.Context(), path, &api.MountInput{Type: kind, Options: options}))
	}
	mount("transit", "transit", nil)
	write(t, root, "transit/keys/checkpoints", nil)
	plain := base64.StdEncoding.EncodeToString([]byte("weights"))
	sealed := write(t, root, "transit/encrypt/checkpoints", map[string]any{"plaintext": plain})
	opened := write(t, root, "transit/decrypt/checkpoints", map[string]any{"ciphertext": sealed.Data["ciphertext"]})
	require.Equal(t, plain, opened.Data["plaintext"])

	mount("notes", "kv", map[string]string{"version": "2"})
	// A new mount of version 2 upgrades itself for a moment.
	require.Eventually(t, func() bool {
		_, err := root.KVv2("notes").Put(t.Context(), "trainer", map[string]any{"api_key": "k-1"})
		return err == nil
	}, 20*time.Second, 20*time.Millisecond)
	kept, err := root.KVv2("notes").Get(t.Context(), "trainer")
	require.NoError(t, err)
	require.Equal(t, "k-1", kept.Data["api_key"])

	mount("pki", "pki", nil)
	authority := write(t, root, "pki/root/generate/internal", map[string]any{"common_name": "sandbox"})
	require.True(t, strings.HasPrefix(authority.Data["certificate"].(string), "-----BEGIN CERTIFICATE-----"))

	require.NoError(t, root.Sys().EnableAuthWithOptionsWithContext(t.Context(), "userpass", &api.EnableAuthOptions{Type: "userpass"}))
	write(t, root, "auth/userpass/users/ada", map[string]any{"password": "difference"})
	require.NotEmpty(t, write(t, root, "auth/userpass/login/ada", map[string]any{"password": "difference"}).Auth.ClientToken)
}

// mountSandboxAWS mounts the engine at aws/ with a role for each gateway role.
func mountSandboxAWS(t *testing.T, root *api.Client, s *S3) {
	t.Helper()
	require.NoError(t, root.Sys().MountWithContext(t.Context(), "aws", &api.MountInput{Type: "sandbox-aws"}))
	write(t, root, "aws/config/root", map[string]any{
		"endpoint": s.Endpoint, "access_key": s.AccessKey, "secret_key": s.SecretKey, "region": s.Region,
	})
	write(t, root, "aws/roles/trainer", map[string]any{"buckets": "datasets", "default_ttl": "15m", "max_ttl": "1h"})
	write(t, root, "aws/roles/operator", map[string]any{"gateway_role": "admin"})
}

// credential issues a key of a role and returns a client with it.
func credential(t *testing.T, root *api.Client, s *S3, role string) (*s3.Client, *api.Secret) {
	t.Helper()
	secret, err := root.Logical().ReadWithContext(t.Context(), "aws/creds/"+role)
	require.NoError(t, err)
	return s3Client(s, secret.Data["access_key"].(string), secret.Data["secret_key"].(string)), secret
}

func putRow(t *testing.T, c *s3.Client, bucket string) error {
	t.Helper()
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("row"), Body: strings.NewReader("1")})
	return err
}

func TestVaultLeasesOfS3KeysAreDeadOnceRevoked(t *testing.T) {
	t.Parallel()
	s := startS3(t)
	owner := s3Client(s, s.AccessKey, s.SecretKey)
	for _, bucket := range []string{"datasets", "payroll"} {
		_, err := owner.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
		require.NoError(t, err)
	}
	_, root := startVault(t)
	mountSandboxAWS(t, root, s)
	roles, err := root.Logical().ListWithContext(t.Context(), "aws/roles")
	require.NoError(t, err)
	require.Equal(t, []any{"operator", "trainer"}, roles.Data["keys"])

	first, lease := credential(t, root, s, "trainer")
	second, _ := credential(t, root, s, "trainer")
	operator, _ := credential(t, root, s, "operator")
	require.Equal(t, 900, lease.LeaseDuration)
	require.NoError(t, putRow(t, first, "datasets"))
	require.NoError(t, putRow(t, second, "datasets"))
	require.NoError(t, putRow(t, operator, "payroll"))
	require.Equal(t, "AccessDenied", code(t, putRow(t, first, "payroll")), "its role names another bucket")

	revoke := func() error {
		return root.Sys().RevokeWithOptionsWithContext(t.Context(), &api.RevokeOptions{LeaseID: "aws/creds/trainer", Prefix: true, Sync: true})
	}
	require.NoError(t, revoke())
	for _, c := range []*s3.Client{first, second} {
		require.Equal(t, "InvalidAccessKeyId", code(t, putRow(t, c, "datasets")))
	}
	require.NoError(t, putRow(t, operator, "datasets"), "another role's lease goes on")
	require.NoError(t, revoke(), "revoking what is revoked is no error")
	_, err = root.Logical().WriteWithContext(t.Context(), "sys/leases/lookup", map[string]any{"lease_id": lease.LeaseID})
	require.Equal(t, http.StatusBadRequest, status(t, err))
	_, err = owner.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String("datasets")})
	require.Equal(t, "NoSuchBucketPolicy", code(t, err))
}

// A revocation that does not reach the S3 server is refused, and the lease
// stays: asked again once the server is back, it succeeds.
func TestVaultRefusesToRevokeWhatItCannotReach(t *testing.T) {
	t.Parallel()
	s := startS3(t)
	_, err := s3Client(s, s.AccessKey, s.SecretKey).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("datasets")})
	require.NoError(t, err)
	_, root := startVault(t)
	mountSandboxAWS(t, root, s)
	holder, lease := credential(t, root, s, "trainer")

	require.NoError(t, s.Kill())
	revoke := func() error {
		return root.Sys().RevokeWithOptionsWithContext(t.Context(), &api.RevokeOptions{LeaseID: lease.LeaseID, Sync: true})
	}
	require.Equal(t, http.StatusBadRequest, status(t, revoke()))
	require.NoError(t, s.Restart(t.Context()))
	require.NoError(t, putRow(t, holder, "datasets"))
	require.NoError(t, revoke())
	require.Equal(t, "InvalidAccessKeyId", code(t, putRow(t, holder, "datasets")))
}

func TestVaultSandboxAWSRefusesBadInput(t *testing.T) {
	t.Parallel()
	_, root := startVault(t)
	require.NoError(t, root.Sys().MountWithContext(t.Context(), "aws", &api.MountInput{Type: "sandbox-aws"}))
	write(t, root, "aws/roles/trainer", nil)
	cases := map[string]struct {
		path string
		data map[string]any
		want string
	}{
		"creds before the configuration": {"aws/creds/trainer", nil, "config/root is not written"},
		"creds of no role":               {"aws/creds/nobody", nil, `role "nobody" does not exist`},
		"a configuration without a key":  {"aws/config/root", map[string]any{"endpoint": "http://127.0.0.1:1"}, "are needed"},
		"a gateway role that is none":    {"aws/roles/x", map[string]any{"gateway_role": "emperor"}, "gateway_role must be"},
		"a default beyond the maximum":   {"aws/roles/x", map[string]any{"default_ttl": "2h", "max_ttl": "1h"}, "longer than max_ttl"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := root.Logical().WriteWithContext(t.Context(), c.path, c.data)
			require.Equal(t, http.StatusBadRequest, status(t, err))
			require.ErrorContains(t, err, c.want)
		})
	}
}
