package vault

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/vault/api"

	"firebreak/activities/failure"
)

// Sealer keeps secrets of other capabilities as transit ciphertext, so that they may be recorded, and reads the ones that
// are kept in Vault.
type Sealer struct{ transit transit }

// NewSealer returns a sealer that encrypts with key of the transit engine mounted at transit/.
func NewSealer(client *api.Client, key string) *Sealer {
	return &Sealer{transit{server: server{client: client}, key: key}}
}

// Seal encrypts a value as JSON.
func (s *Sealer) Seal(ctx context.Context, value any) (string, error) {
	return s.transit.seal(ctx, value)
}

// Open decrypts what Seal made. Its errors never repeat what was decrypted.
func (s *Sealer) Open(ctx context.Context, ciphertext string, value any) error {
	return s.transit.open(ctx, ciphertext, value)
}

// Field reads one field of a KV v2 secret, named as mount/data/name#field.
func (s *Sealer) Field(ctx context.Context, ref string) (string, error) {
	path, field, ok := strings.Cut(ref, "#")
	if !ok || field == "" || strings.Contains(path, "..") || !pathLike.MatchString(path) {
		return "", failure.New(failure.Invalid, "%q is not of the form mount/data/name#field", ref)
	}
	secret, err := s.transit.server.read(ctx, path)
	if err != nil {
		return "", err
	}
	if secret != nil {
		data, _ := secret.Data["data"].(map[string]any)
		if value, _ := data[field].(string); value != "" {
			return value, nil
		}
	}
	return "", fmt.Errorf("read %s: it has no field %s", path, field)
}
