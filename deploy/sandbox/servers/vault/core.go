package main

import (
	"context"
	"fmt"

	"github.com/hashicorp/go-hclog"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/audit"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/credential/userpass"
	"github.com/hashicorp/vault/builtin/logical/database"
	"github.com/hashicorp/vault/builtin/logical/pki"
	"github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/helper/namespace"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"

	"firebreak/deploy/sandbox/servers/vault/sandboxaws"
)

// startCore assembles a core on memory, initialises and unseals it with one
// key share, which it returns, and leaves rootToken as its only root token.
func startCore(logger hclog.Logger, address, rootToken string) (*vault.Core, []byte, error) {
	storage, err := inmem.NewTransactionalInmem(nil, logger.Named("storage"))
	if err != nil {
		return nil, nil, fmt.Errorf("create storage: %w", err)
	}
	logical, credential := secretsEngines(), authMethods()
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:           storage,
		StorageType:        "inmem",
		Logger:             logger,
		DisableMlock:       true,
		RedirectAddr:       address,
		BuiltinRegistry:    newRegistry(logical, credential),
		LogicalBackends:    logical,
		CredentialBackends: credential,
		AuditBackends:      map[string]audit.Factory{"file": audit.NewFileBackend},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("create core: %w", err)
	}
	ctx := namespace.RootContext(context.Background())
	initial, err := core.Initialize(ctx, &vault.InitParams{
		BarrierConfig: &vault.SealConfig{SecretShares: 1, SecretThreshold: 1},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("initialise core: %w", err)
	}
	unsealed, err := core.Unseal(initial.SecretShares[0])
	if err != nil {
		return nil, nil, fmt.Errorf("unseal core: %w", err)
	}
	if !unsealed {
		return nil, nil, fmt.Errorf("unseal core: it is still sealed after its only key share")
	}
	if err := replaceRootToken(ctx, core, initial.RootToken, rootToken); err != nil {
		return nil, nil, err
	}
	return core, initial.SecretShares[0], nil
}

func secretsEngines() map[string]logical.Factory {
	return map[string]logical.Factory{
		"kv":            kv.Factory,
		"transit":       transit.Factory,
		"pki":           pki.Factory,
		"database":      database.Factory,
		sandboxaws.Type: sandboxaws.Factory,
	}
}

func authMethods() map[string]logical.Factory {
	return map[string]logical.Factory{"approle": approle.Factory, "userpass": userpass.Factory}
}

// replaceRootToken does what `-dev-root-token-id` does: it makes the token
// asked for and revokes the one that initialisation gave.
func replaceRootToken(ctx context.Context, core *vault.Core, initial, wanted string) error {
	create := &logical.Request{
		ID: "create-root-token", Operation: logical.UpdateOperation, ClientToken: initial, Path: "auth/token/create",
		Data: map[string]interface{}{
			"id": wanted, "policies": []string{"root"}, "no_parent": true, "no_default_policy": true,
		},
	}
	response, err := core.HandleRequest(ctx, create)
	if err != nil {
		return fmt.Errorf("create root token: %w", err)
	}
	if response == nil || response.Auth == nil {
		return fmt.Errorf("create root token: no token in the answer")
	}
	revoke := &logical.Request{
		ID: "revoke-initial-token", Operation: logical.UpdateOperation, ClientToken: initial, Path: "auth/token/revoke-self",
	}
	if _, err := core.HandleRequest(ctx, revoke); err != nil {
		return fmt.Errorf("revoke initial root token: %w", err)
	}
	return nil
}

// enableAudit enables the file audit device at the path "file/".
func enableAudit(core *vault.Core, token, file string) error {
	response, err := core.HandleRequest(namespace.RootContext(context.Background()), &logical.Request{
		ID: "enable-audit", Operation: logical.UpdateOperation, ClientToken: token, Path: "sys/audit/file",
		Data: map[string]interface{}{"type": "file", "options": map[string]string{"file_path": file}},
	})
	if err != nil {
		return fmt.Errorf("enable audit device: %w", err)
	}
	if response.IsError() {
		return fmt.Errorf("enable audit device: %w", response.Error())
	}
	return nil
}
