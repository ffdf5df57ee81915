package main

import (
	"maps"
	"slices"

	"github.com/hashicorp/vault/plugins/database/postgresql"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// registry names the engines that are compiled in. Vault's own registry
// knows every plugin, and with them every cloud's SDK.
type registry map[consts.PluginType]map[string]func() (any, error)

func newRegistry(secrets, auth map[string]logical.Factory) registry {
	return registry{
		consts.PluginTypeSecrets: engines(secrets), consts.PluginTypeCredential: engines(auth),
		// The database engine reaches its servers through a plugin for each kind of server.
		consts.PluginTypeDatabase: {"postgresql-database-plugin": postgresql.New},
	}
}

func engines(factories map[string]logical.Factory) map[string]func() (any, error) {
	out := make(map[string]func() (any, error), len(factories))
	for name, factory := range factories {
		out[name] = func() (any, error) { return factory, nil }
	}
	return out
}

func (r registry) Contains(name string, kind consts.PluginType) bool {
	_, ok := r[kind][name]
	return ok
}

func (r registry) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	made, ok := r[kind][name]
	return made, ok
}

func (r registry) Keys(kind consts.PluginType) []string {
	return slices.Sorted(maps.Keys(r[kind]))
}

func (r registry) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, r.Contains(name, kind)
}

func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
