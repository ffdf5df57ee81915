package company

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/vault/api"

	"firebreak/deploy/sandbox/server"
)

// fillVault creates the company's engines, roles, tokens and leases, and the worker's own login with the policy that
// firebreak ships.
func (c *Company) fillVault(ctx context.Context, servers Servers, repository string) error {
	client, err := VaultClient(servers.Vault.Address, servers.Vault.RootToken)
	if err != nil {
		return err
	}
	v := &vaultSetup{client: client}
	v.engines(ctx)
	v.gateway(ctx, "aws", servers.S3)
	v.gateway(ctx, "aws-stg", servers.S3)
	v.write(ctx, "aws/roles/ci-registry-push", map[string]any{"buckets": "nordwall-registry", "default_ttl": "1h", "max_ttl": "12h"})
	v.write(ctx, "aws/roles/firebreak-worker", map[string]any{"buckets": "nordwall-evidence", "default_ttl": "24h", "max_ttl": "24h"})
	v.write(ctx, "aws-stg/roles/stg-registry-push", map[string]any{"buckets": "nordwall-stg-registry", "default_ttl": "1h", "max_ttl": "12h"})
	c.people(ctx, v)
	c.connectors(ctx, v)
	c.worker(ctx, v, filepath.Join(repository, "deploy", "vault", "contain.hcl"))
	if v.err != nil {
		return fmt.Errorf("set up Vault: %w", v.err)
	}
	return c.allowEvidence(ctx, servers.S3)
}

// VaultClient returns a client with a token. Neither token nor namespace are taken from the environment.
func VaultClient(address, token string) (*api.Client, error) {
	config := api.DefaultConfig()
	config.Address, config.Timeout, config.MaxRetries = address, 10*time.Second, 0
	client, err := api.NewClient(config)
	if err != nil {
		return nil, fmt.Errorf("make Vault client: %w", err)
	}
	client.ClearNamespace()
	client.SetToken(token)
	return client, nil
}

// people issues what the company's machines and partners hold.
func (c *Company) people(ctx context.Context, v *vaultSetup) {
	for range 2 {
		data := v.read(ctx, "aws/creds/ci-registry-push")
		c.PushKeys = append(c.PushKeys, Key{text(data, "access_key"), text(data, "secret_key")})
	}
	v.write(ctx, "auth/approle/role/ingest-loans", map[string]any{"token_policies": "default", "token_ttl": "1h", "token_max_ttl": "24h"})
	c.IngestToken = v.login(ctx, "ingest-loans")
	partner, accessor := v.token(ctx, "brightcart")
	c.PartnerKey = partner
	c.credential("brightcart-api-key").Vault.Accessor = accessor
	v.write(ctx, "secret/data/brightcart-api-key", map[string]any{"data": map[string]any{"token": partner}})
}

// connectors issues what the labellers' connector and the feature store hold, and the key of the loan applications.
func (c *Company) connectors(ctx context.Context, v *vaultSetup) {
	v.write(ctx, "auth/approle/role/label-studio", map[string]any{"token_policies": "default", "token_ttl": "1h", "token_max_ttl": "24h"})
	id := v.secretID(ctx, "label-studio")
	c.LabelSecretID = text(id, "secret_id")
	c.credential("label-studio-sync").Vault.SecretIDs = []string{text(id, "secret_id_accessor")}
	c.LabelToken = v.loginWith(ctx, "label-studio", c.LabelSecretID)

	v.write(ctx, "pki/root/generate/internal", map[string]any{"common_name": "Nordwall sandbox", "ttl": "24h"})
	v.write(ctx, "pki/roles/feature-store", map[string]any{"allowed_domains": "nordwall.example", "allow_subdomains": true, "max_ttl": "12h"})
	issued := v.write(ctx, "pki/issue/feature-store", map[string]any{"common_name": "feature-store.nordwall.example"})
	if v.err == nil {
		c.credential("feature-store-mtls").Vault.Serials = []string{text(issued.Data, "serial_number")}
	}
	v.write(ctx, "transit/keys/loan-applications", nil)
}

// worker creates the protected AppRole firebreak-contain and logs the worker in.
func (c *Company) worker(ctx context.Context, v *vaultSetup, policyFile string) {
	policy, err := os.ReadFile(policyFile)
	if err != nil {
		v.fail(err)
		return
	}
	v.fail(v.client.Sys().PutPolicyWithContext(ctx, "firebreak-contain", string(policy)))
	v.write(ctx, "transit/keys/firebreak", nil)
	for _, key := range []string{"firebreak-evidence", "firebreak-drill-evidence"} {
		v.write(ctx, "transit/keys/"+key, map[string]any{"type": "ecdsa-p256"})
	}
	v.write(ctx, "auth/approle/role/firebreak-contain", map[string]any{"token_policies": "firebreak-contain", "token_ttl": "12h", "token_max_ttl": "24h"})
	c.WorkerVaultToken = v.login(ctx, "firebreak-contain")
	data := v.read(ctx, "aws/creds/firebreak-worker")
	c.WorkerS3 = Key{text(data, "access_key"), text(data, "secret_key")}
}

// vaultSetup makes many calls and keeps the first error.
type vaultSetup struct {
	client *api.Client
	err    error
}

func (v *vaultSetup) fail(err error) {
	if v.err == nil {
		v.err = err
	}
}

func (v *vaultSetup) engines(ctx context.Context) {
	for path, kind := range map[string]string{"transit": "transit", "pki": "pki", "aws": "sandbox-aws", "aws-stg": "sandbox-aws"} {
		v.fail(v.client.Sys().MountWithContext(ctx, path, &api.MountInput{Type: kind}))
	}
	v.keyValue(ctx)
	v.fail(v.client.Sys().EnableAuthWithOptionsWithContext(ctx, "approle", &api.EnableAuthOptions{Type: "approle"}))
}

// keyValue mounts the KV engine, version 2, unless it is there: a stock Vault in dev mode comes with it.
func (v *vaultSetup) keyValue(ctx context.Context) {
	mounts, err := v.client.Sys().ListMountsWithContext(ctx)
	if err != nil {
		v.fail(err)
		return
	}
	if m := mounts["secret/"]; m != nil && m.Type == "kv" && m.Options["version"] == "2" {
		return
	}
	v.fail(v.client.Sys().MountWithContext(ctx, "secret", &api.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}))
}

// gateway points an engine at the S3 server whose users it issues.
func (v *vaultSetup) gateway(ctx context.Context, mount string, s *server.S3) {
	v.write(ctx, mount+"/config/root", map[string]any{
		"endpoint": s.Endpoint, "access_key": s.AccessKey, "secret_key": s.SecretKey, "region": s.Region})
}

// write tries for a while: a new KV v2 mount upgrades itself and refuses writes for a moment.
func (v *vaultSetup) write(ctx context.Context, path string, data map[string]any) *api.Secret {
	var secret *api.Secret
	var err error
	for range 50 {
		if v.err != nil {
			return nil
		}
		if secret, err = v.client.Logical().WriteWithContext(ctx, path, data); err == nil {
			return secret
		}
		select {
		case <-ctx.Done():
			v.fail(ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
	v.fail(err)
	return nil
}

func (v *vaultSetup) read(ctx context.Context, path string) map[string]any {
	if v.err != nil {
		return nil
	}
	secret, err := v.client.Logical().ReadWithContext(ctx, path)
	if err != nil || secret == nil {
		v.fail(fmt.Errorf("read %s: %w", path, err))
		return nil
	}
	return secret.Data
}

// login issues a secret id of an AppRole and logs in with it.
func (v *vaultSetup) login(ctx context.Context, role string) string {
	return v.loginWith(ctx, role, text(v.secretID(ctx, role), "secret_id"))
}

// secretID issues a secret id of an AppRole: secret_id and secret_id_accessor.
func (v *vaultSetup) secretID(ctx context.Context, role string) map[string]any {
	secret := v.write(ctx, "auth/approle/role/"+role+"/secret-id", nil)
	if v.err != nil {
		return nil
	}
	return secret.Data
}

func (v *vaultSetup) loginWith(ctx context.Context, role, secretID string) string {
	id := v.read(ctx, "auth/approle/role/"+role+"/role-id")
	login := v.write(ctx, "auth/approle/login", map[string]any{"role_id": id["role_id"], "secret_id": secretID})
	if v.err != nil {
		return ""
	}
	return login.Auth.ClientToken
}

// token issues a token to a partner and returns it with its accessor.
func (v *vaultSetup) token(ctx context.Context, name string) (token, accessor string) {
	if v.err != nil {
		return "", ""
	}
	secret, err := v.client.Auth().Token().CreateWithContext(ctx, &api.TokenCreateRequest{
		Policies: []string{"default"}, TTL: "12h", DisplayName: name, NoParent: true})
	if err != nil {
		v.fail(err)
		return "", ""
	}
	return secret.Auth.ClientToken, secret.Auth.Accessor
}

func text(data map[string]any, key string) string {
	s, _ := data[key].(string)
	return s
}
