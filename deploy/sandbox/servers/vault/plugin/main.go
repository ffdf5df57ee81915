// Command sandbox-aws is the secrets engine of that name as a plugin, for a
// stock Vault: `vault server -dev -dev-plugin-dir` registers it under the name
// of its file.
package main

import (
	"fmt"
	"os"

	"github.com/hashicorp/vault/sdk/plugin"

	"firebreak/deploy/sandbox/servers/vault/sandboxaws"
)

func main() {
	// Vault 1.12 and later secure the connection themselves (AutoMTLS), so
	// there is no TLS provider for older ones.
	if err := plugin.ServeMultiplex(&plugin.ServeOpts{BackendFactoryFunc: sandboxaws.Factory}); err != nil {
		fmt.Fprintln(os.Stderr, sandboxaws.Type+":", err)
		os.Exit(1)
	}
}
