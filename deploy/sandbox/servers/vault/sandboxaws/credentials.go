package sandboxaws

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// secretType is what Vault's AWS engine calls an IAM user's leased key.
const secretType = "access_keys"

func (b *backend) pathCredentials() *framework.Path {
	return &framework.Path{
		Pattern: "creds/" + framework.GenericNameRegex("name"),
		Fields: map[string]*framework.FieldSchema{
			"name": {Type: framework.TypeString, Description: "Name of the role."},
		},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation:   &framework.PathOperation{Callback: b.issue},
			logical.UpdateOperation: &framework.PathOperation{Callback: b.issue},
		},
		HelpSynopsis: "A new user of the S3 server with the rights of the role.",
	}
}

func (b *backend) accessKeys() *framework.Secret {
	return &framework.Secret{
		Type: secretType,
		Fields: map[string]*framework.FieldSchema{
			"access_key": {Type: framework.TypeString, Description: "Access key."},
			"secret_key": {Type: framework.TypeString, Description: "Secret key."},
		},
		Renew:  b.renew,
		Revoke: b.revoke,
	}
}

// issue creates a user in the S3 server and leases its key.
func (b *backend) issue(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	name := data.Get("name").(string)
	var r role
	found, err := load(ctx, req.Storage, rolePrefix+name, &r)
	if err != nil {
		return nil, err
	}
	if !found {
		return logical.ErrorResponse("role %q does not exist", name), nil
	}
	c, err := b.connection(ctx, req.Storage)
	if errors.Is(err, errNotConfigured) {
		return logical.ErrorResponse(err.Error()), nil
	}
	if err != nil {
		return nil, err
	}
	u := newUser(r.GatewayRole)
	if err := c.createUser(ctx, u); err != nil {
		return nil, err
	}
	if err := b.grant(ctx, c, u.Access, r.Buckets); err != nil {
		return nil, errors.Join(err, b.withdraw(ctx, c, u.Access, r.Buckets))
	}
	response := b.Secret(secretType).Response(
		map[string]interface{}{"access_key": u.Access, "secret_key": u.Secret},
		map[string]interface{}{"access_key": u.Access, "buckets": r.Buckets, "role": name},
	)
	response.Secret.TTL, response.Secret.MaxTTL = r.DefaultTTL, r.MaxTTL
	return response, nil
}

func (b *backend) renew(ctx context.Context, req *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	name, _ := req.Secret.InternalData["role"].(string)
	var r role
	found, err := load(ctx, req.Storage, rolePrefix+name, &r)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("renew lease: role %q does not exist any more", name)
	}
	response := &logical.Response{Secret: req.Secret}
	response.Secret.TTL, response.Secret.MaxTTL = r.DefaultTTL, r.MaxTTL
	return response, nil
}

// revoke deletes the lease's user. It may be called again for the same lease
// after a failure: a user that is gone already is no error.
func (b *backend) revoke(ctx context.Context, req *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	access, _ := req.Secret.InternalData["access_key"].(string)
	if access == "" {
		return nil, errors.New("revoke lease: it names no access key")
	}
	var buckets []string
	if stored, ok := req.Secret.InternalData["buckets"].([]interface{}); ok {
		for _, bucket := range stored {
			if name, ok := bucket.(string); ok {
				buckets = append(buckets, name)
			}
		}
	}
	c, err := b.connection(ctx, req.Storage)
	if errors.Is(err, errNotConfigured) {
		// Trying again cannot help, so that Vault takes the lease for irrevocable.
		return nil, fmt.Errorf("revoke lease: %w: %w", err, logical.ErrUnrecoverable)
	}
	if err != nil {
		return nil, err
	}
	return nil, b.withdraw(ctx, c, access, buckets)
}

// withdraw takes the user's statements out of the bucket policies and deletes
// it. The statements go first, because the server refuses to store a policy
// that names a user who is gone; the user goes whatever became of them,
// because that is what ends the credential.
func (b *backend) withdraw(ctx context.Context, c connection, access string, buckets []string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return errors.Join(b.ungrant(ctx, c, access, buckets), c.deleteUser(ctx, access))
}

// newUser makes a key that looks like AWS's: 20 characters that begin with
// AKIA, and a secret of 40.
func newUser(gatewayRole string) user {
	access, secret := make([]byte, 10), make([]byte, 30)
	// crypto/rand.Read never returns an error.
	_, _ = rand.Read(access)
	_, _ = rand.Read(secret)
	return user{
		Access: "AKIA" + base32.StdEncoding.EncodeToString(access),
		Secret: base64.StdEncoding.EncodeToString(secret),
		Role:   gatewayRole,
	}
}
