package sandboxaws

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

const rolePrefix = "roles/"

// role says what a credential may do and how long it lives.
type role struct {
	// GatewayRole is versitygw's: "admin" may do everything, "user" only
	// what bucket policies and ACLs grant, "userplus" may create buckets too.
	GatewayRole string `json:"gateway_role"`
	// Buckets are those in which a credential may read and write.
	Buckets    []string      `json:"buckets"`
	DefaultTTL time.Duration `json:"default_ttl"`
	MaxTTL     time.Duration `json:"max_ttl"`
}

func (b *backend) pathRoles() []*framework.Path {
	one := &framework.Path{
		Pattern: rolePrefix + framework.GenericNameRegex("name"),
		Fields: map[string]*framework.FieldSchema{
			"name":         {Type: framework.TypeString, Description: "Name of the role."},
			"gateway_role": {Type: framework.TypeString, Default: "user", AllowedValues: []interface{}{"user", "userplus", "admin"}, Description: "Role of the users issued, in the S3 server."},
			"buckets":      {Type: framework.TypeCommaStringSlice, Description: "Buckets in which the users issued may read and write."},
			"default_ttl":  {Type: framework.TypeDurationSecond, Description: "Life of a lease; the mount's default when 0."},
			"max_ttl":      {Type: framework.TypeDurationSecond, Description: "Longest life of a lease with renewals; the mount's maximum when 0."},
		},
		ExistenceCheck: b.roleExists,
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation:   &framework.PathOperation{Callback: b.readRole},
			logical.CreateOperation: &framework.PathOperation{Callback: b.writeRole},
			logical.UpdateOperation: &framework.PathOperation{Callback: b.writeRole},
			logical.DeleteOperation: &framework.PathOperation{Callback: b.deleteRole},
		},
		HelpSynopsis: "What the credentials of a role may do, and for how long.",
	}
	list := &framework.Path{
		Pattern: rolePrefix + "?$",
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ListOperation: &framework.PathOperation{Callback: b.listRoles},
		},
		HelpSynopsis: "The names of the roles.",
	}
	return []*framework.Path{one, list}
}

func (b *backend) roleExists(ctx context.Context, req *logical.Request, data *framework.FieldData) (bool, error) {
	return load(ctx, req.Storage, rolePrefix+data.Get("name").(string), &role{})
}

func (b *backend) readRole(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	var r role
	found, err := load(ctx, req.Storage, rolePrefix+data.Get("name").(string), &r)
	if err != nil || !found {
		return nil, err
	}
	return &logical.Response{Data: map[string]interface{}{
		"gateway_role": r.GatewayRole,
		"buckets":      r.Buckets,
		"default_ttl":  int64(r.DefaultTTL.Seconds()),
		"max_ttl":      int64(r.MaxTTL.Seconds()),
	}}, nil
}

func (b *backend) writeRole(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	r := role{
		GatewayRole: data.Get("gateway_role").(string),
		Buckets:     data.Get("buckets").([]string),
		DefaultTTL:  time.Duration(data.Get("default_ttl").(int)) * time.Second,
		MaxTTL:      time.Duration(data.Get("max_ttl").(int)) * time.Second,
	}
	switch r.GatewayRole {
	case "user", "userplus", "admin":
	default:
		return logical.ErrorResponse("gateway_role must be user, userplus or admin"), nil
	}
	if r.MaxTTL > 0 && r.DefaultTTL > r.MaxTTL {
		return logical.ErrorResponse("default_ttl is longer than max_ttl"), nil
	}
	return nil, save(ctx, req.Storage, rolePrefix+data.Get("name").(string), r)
}

func (b *backend) deleteRole(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	return nil, req.Storage.Delete(ctx, rolePrefix+data.Get("name").(string))
}

func (b *backend) listRoles(ctx context.Context, req *logical.Request, _ *framework.FieldData) (*logical.Response, error) {
	names, err := req.Storage.List(ctx, rolePrefix)
	if err != nil {
		return nil, err
	}
	return logical.ListResponse(names), nil
}
