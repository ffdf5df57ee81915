// Package sandboxaws is a Vault secrets engine with the paths of Vault's AWS
// engine (config/root, roles/, creds/) which issues users of versitygw's own
// IAM. A lease revoked here deletes the user, so that the S3 server itself
// refuses the credential afterwards.
package sandboxaws

import (
	"context"
	"fmt"
	"sync"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// Type is the name under which the engine is mounted.
const Type = "sandbox-aws"

type backend struct {
	*framework.Backend
	// policies serialises the read, change and write of bucket policies,
	// for which S3 has no precondition.
	policies sync.Mutex
}

// Factory makes an instance of the engine for one mount.
func Factory(ctx context.Context, conf *logical.BackendConfig) (logical.Backend, error) {
	b := &backend{}
	b.Backend = &framework.Backend{
		Help:         "Issues access keys of the sandbox's S3 server.",
		BackendType:  logical.TypeLogical,
		PathsSpecial: &logical.Paths{SealWrapStorage: []string{configKey}},
		Paths:        append([]*framework.Path{b.pathConfig(), b.pathCredentials()}, b.pathRoles()...),
		Secrets:      []*framework.Secret{b.accessKeys()},
	}
	if err := b.Setup(ctx, conf); err != nil {
		return nil, fmt.Errorf("set up %s: %w", Type, err)
	}
	return b, nil
}

// load decodes the stored entry at key into value; false when there is none.
func load(ctx context.Context, storage logical.Storage, key string, value any) (bool, error) {
	entry, err := storage.Get(ctx, key)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", key, err)
	}
	if entry == nil {
		return false, nil
	}
	if err := entry.DecodeJSON(value); err != nil {
		return false, fmt.Errorf("decode %s: %w", key, err)
	}
	return true, nil
}

func save(ctx context.Context, storage logical.Storage, key string, value any) error {
	entry, err := logical.StorageEntryJSON(key, value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	if err := storage.Put(ctx, entry); err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}
