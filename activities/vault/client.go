package vault

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/hashicorp/vault/api"
)

// callTimeout bounds one call; Temporal repeats calls, so the client itself never does.
const callTimeout = 10 * time.Second

// newClient builds a client from Vault's own environment variables (VAULT_ADDR, VAULT_TOKEN, VAULT_NAMESPACE,
// VAULT_CACERT and so on), with a timeout of 10 seconds a call and no retries. It calls nothing. The error says what to set.
func newClient() (*api.Client, error) {
	address := os.Getenv(api.EnvVaultAddress)
	if address == "" {
		return nil, errors.New("VAULT_ADDR is not set: set it to the address of Vault, e.g. https://vault.example.com:8200")
	}
	// The value is not quoted in the error: an address may carry a password.
	if u, err := url.Parse(address); err != nil || u.Scheme == "" || u.Host+u.Path == "" {
		return nil, errors.New("VAULT_ADDR is not an address such as https://vault.example.com:8200")
	}
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, fmt.Errorf("read Vault's environment variables: %w", config.Error)
	}
	config.MaxRetries = 0
	config.Timeout = callTimeout
	client, err := api.NewClient(config)
	if err != nil {
		return nil, fmt.Errorf("create Vault client: %w", err)
	}
	return client, nil
}
