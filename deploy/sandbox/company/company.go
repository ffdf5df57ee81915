// Package company is Nordwall, the invented lender that lives in the sandbox: its inventory, and the datasets,
// checkpoints, endpoints, credentials and people of that inventory, really created in the sandbox's servers.
package company

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"

	"firebreak/deploy/sandbox/server"
	"firebreak/internal/inventory"
)

// Servers are where the company's assets are created. ModelURL is the base URL of the model server.
type Servers struct {
	Vault      *server.Vault
	S3         *server.S3
	Kubernetes *server.Kubernetes
	ModelURL   string
}

// Company is what the sandbox needs to know of the company once it lives.
type Company struct {
	// Inventory is the file that worker and trigger read.
	Inventory string
	Assets    *inventory.Inventory
	// WorkerVaultToken is a login of the AppRole firebreak-contain.
	WorkerVaultToken string
	// WorkerS3 is the worker's S3 user.
	WorkerS3 Key
	// PartnerKey is the API key that brightcart calls credit-api with. It is a Vault token.
	PartnerKey string
	// IngestToken is a login of the AppRole ingest-loans, as the writer of loan-applications holds it.
	IngestToken string
	// LabelToken is a login of the labellers' connector with the secret id LabelSecretID.
	LabelToken, LabelSecretID string
	// PushKeys are leased S3 keys of the CI runner that pushes checkpoints.
	PushKeys []Key
}

// Key is an S3 access key.
type Key struct{ Access, Secret string }

// Found creates the company in the servers and writes its inventory to dir. The template is the reference inventory: the
// digests, places and accessors of what was really created replace the invented ones.
func Found(ctx context.Context, template, dir, repository string, servers Servers) (*Company, error) {
	inv, err := inventory.Load(template)
	if err != nil {
		return nil, err
	}
	c := &Company{Assets: inv, Inventory: filepath.Join(dir, "assets.yaml")}
	c.adapt(servers.ModelURL)
	if err := c.fillStores(ctx, servers.S3); err != nil {
		return nil, err
	}
	if err := c.fillVault(ctx, servers, repository); err != nil {
		return nil, err
	}
	if err := c.deploy(ctx, servers.Kubernetes); err != nil {
		return nil, err
	}
	return c, c.write()
}

// adapt fits the reference inventory to what the sandbox can run: every endpoint is a KServe InferenceService on the model
// server, the partner's key is a Vault token, and the writer of loan-applications is an AppRole.
func (c *Company) adapt(modelURL string) {
	for i := range c.Assets.Endpoints {
		e := &c.Assets.Endpoints[i]
		e.Serving.Platform = "kserve"
		e.Probe.URL = fmt.Sprintf("%s/%s/%s/v1/health-probe", modelURL, e.Serving.Namespace, e.Serving.Name)
		e.LogStream = "s3://nordwall-logs/" + e.ID + "/"
		if e.Env != "prod" {
			e.LogStream = "s3://nordwall-stg-logs/" + e.ID + "/"
		}
	}
	// The sandbox has no MLflow; its tests have (deploy/sandbox/platforms).
	for i := range c.Assets.Models {
		c.Assets.Models[i].Registry.Platform, c.Assets.Models[i].Registry.Name = "", ""
	}
	// No gateway stands before the model server, so that nothing here has keys of one.
	c.Assets.Gateways = nil
	c.Assets.Credentials = slices.DeleteFunc(c.Assets.Credentials, func(k inventory.Credential) bool { return k.Gateway != nil })
	for i := range c.Assets.Credentials {
		if k := &c.Assets.Credentials[i]; k.ID == "brightcart-api-key" {
			k.Kind = "vault-token"
			k.Vault.TokenRef = "secret/data/brightcart-api-key#token"
		}
	}
	c.Assets.Credentials = append(c.Assets.Credentials, machines()...)
}

// machines are the logins of the company's machines that the reference inventory does not have: the export of the core
// banking system, the labellers' connector, and the key that the loan applications are encrypted with.
func machines() []inventory.Credential {
	made := func(id, kind, asset string, verbs ...string) inventory.Credential {
		k := inventory.Credential{ID: id, Kind: kind, Env: "prod", Grants: []inventory.Grant{{Asset: asset, Verbs: verbs}}}
		k.Revoke.Approver, k.Reissue.Owner = "SEC", "do-1"
		return k
	}
	export := made("ingest-loans", "vault-approle", "loan-applications", "read", "write")
	export.Shared, export.Holders = true, []string{"core-banking-export"}
	export.Vault.Mount, export.Vault.Role = "auth/approle", "ingest-loans"
	export.Revoke.Order, export.Reissue.How = []string{"disable_role", "revoke_accessors"}, "new secret_id response-wrapped"

	labels := made("label-studio-sync", "vault-secret-id", "loan-applications", "write")
	labels.Holders = []string{"label-studio"}
	labels.Vault.Mount, labels.Vault.Role = "auth/approle", "label-studio"
	labels.Revoke.Order, labels.Reissue.How = []string{"destroy_secret_ids", "revoke_accessors"}, "new secret_id response-wrapped"

	key := made("loan-data-key", "vault-transit", "loan-applications", "decrypt")
	key.Vault.Mount, key.Vault.Key = "transit", "loan-applications"
	key.Revoke.Order, key.Reissue.How = []string{"rotate", "raise_min_decryption_version"}, "rewrap with the new version"
	return []inventory.Credential{export, labels, key}
}

// write saves the inventory and loads it again, so that what worker and trigger read is known to be good.
func (c *Company) write() error {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(c.Assets); err != nil {
		return fmt.Errorf("encode inventory: %w", err)
	}
	if err := os.WriteFile(c.Inventory, out.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write inventory: %w", err)
	}
	inv, err := inventory.Load(c.Inventory)
	if err != nil {
		return err
	}
	c.Assets = inv
	return nil
}
