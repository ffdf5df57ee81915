package sandboxaws

import (
	"context"
	"errors"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

const configKey = "config/root"

// errNotConfigured is what every use of the S3 server answers before
// config/root is written.
var errNotConfigured = errors.New("config/root is not written")

// connection is how the engine reaches the S3 server, as its administrator.
type connection struct {
	Endpoint  string `json:"endpoint"`
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
	Region    string `json:"region"`
}

func (b *backend) pathConfig() *framework.Path {
	return &framework.Path{
		Pattern: configKey + "$",
		Fields: map[string]*framework.FieldSchema{
			"endpoint":   {Type: framework.TypeString, Description: "URL of the S3 server.", Required: true},
			"access_key": {Type: framework.TypeString, Description: "Access key of its administrator.", Required: true},
			"secret_key": {Type: framework.TypeString, Description: "Secret key of its administrator.", Required: true,
				DisplayAttrs: &framework.DisplayAttributes{Sensitive: true}},
			"region": {Type: framework.TypeString, Default: "us-east-1", Description: "Region to sign requests for."},
		},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation:   &framework.PathOperation{Callback: b.readConfig},
			logical.UpdateOperation: &framework.PathOperation{Callback: b.writeConfig},
			logical.DeleteOperation: &framework.PathOperation{Callback: b.deleteConfig},
		},
		HelpSynopsis: "The S3 server and the administrator's key to it.",
	}
}

func (b *backend) readConfig(ctx context.Context, req *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	var c connection
	found, err := load(ctx, req.Storage, configKey, &c)
	if err != nil || !found {
		return nil, err
	}
	return &logical.Response{Data: map[string]interface{}{
		"endpoint": c.Endpoint, "access_key": c.AccessKey, "region": c.Region,
	}}, nil
}

func (b *backend) writeConfig(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	c := connection{
		Endpoint:  data.Get("endpoint").(string),
		AccessKey: data.Get("access_key").(string),
		SecretKey: data.Get("secret_key").(string),
		Region:    data.Get("region").(string),
	}
	if c.Endpoint == "" || c.AccessKey == "" || c.SecretKey == "" {
		return logical.ErrorResponse("endpoint, access_key and secret_key are needed"), nil
	}
	return nil, save(ctx, req.Storage, configKey, c)
}

// deleteConfig leaves the engine without a way to revoke what it issued.
func (b *backend) deleteConfig(ctx context.Context, req *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	return nil, req.Storage.Delete(ctx, configKey)
}

func (b *backend) connection(ctx context.Context, storage logical.Storage) (connection, error) {
	var c connection
	found, err := load(ctx, storage, configKey, &c)
	if err == nil && !found {
		err = errNotConfigured
	}
	return c, err
}
