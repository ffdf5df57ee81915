package main

import (
	"maps"
	"slices"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// registry names the engines that are compiled in. Vault's own registry
// knows every plugin, and with them every cloud's SDK.
type registry map[consts.PluginType]map[string]logical.Factory

func newRegistry(secrets, auth map[string]logical.Factory) registry {
	return registry{consts.PluginTypeSecrets: secrets, consts.PluginTypeCredential: auth}
}

func (r registry) Contains(name string, kind consts.PluginType) bool {
	_, ok := r[kind][name]
	return ok
}

func (r registry) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	factory, ok := r[kind][name]
	if !ok {
		return nil, false
	}
	return func() (interface{}, error) { return factory, nil }, true
}

func (r registry) Keys(kind consts.PluginType) []string {
	return slices.Sorted(maps.Keys(r[kind]))
}

func (r registry) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, r.Contains(name, kind)
}

func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
