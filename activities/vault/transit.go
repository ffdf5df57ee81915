package vault

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// transitMount is where the engine of firebreak's own key is mounted.
const transitMount = "transit"

// transit keeps secrets as ciphertext that only Vault can open, so that they may be recorded.
type transit struct {
	server server
	key    string
}

// seal encrypts a value as JSON.
func (t transit) seal(ctx context.Context, value any) (string, error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return "", errors.New("encode canary")
	}
	secret, err := t.server.writeSecret(ctx, transitMount+"/encrypt/"+t.key, map[string]any{"plaintext": base64.StdEncoding.EncodeToString(plain)})
	if err != nil {
		return "", err
	}
	if secret != nil {
		if ciphertext, ok := secret.Data["ciphertext"].(string); ok {
			return ciphertext, nil
		}
	}
	return "", fmt.Errorf("encrypt canary: transit/encrypt/%s answered without ciphertext", t.key)
}

// open decrypts what seal made. Its errors never repeat what was decrypted.
func (t transit) open(ctx context.Context, ciphertext string, value any) error {
	secret, err := t.server.writeSecret(ctx, transitMount+"/decrypt/"+t.key, map[string]any{"ciphertext": ciphertext})
	if err != nil {
		return err
	}
	if secret != nil {
		if encoded, ok := secret.Data["plaintext"].(string); ok {
			plain, err := base64.StdEncoding.DecodeString(encoded)
			if err == nil && json.Unmarshal(plain, value) == nil {
				return nil
			}
		}
	}
	return fmt.Errorf("decrypt canary: transit/decrypt/%s did not answer with a canary", t.key)
}
