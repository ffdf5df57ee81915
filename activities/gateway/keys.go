package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"firebreak/activities/failure"
	"firebreak/internal/inventory"
)

// fields reads a field of a KV v2 secret in Vault, named as mount/data/name#field.
type fields interface {
	Field(ctx context.Context, ref string) (string, error)
}

// Keys finds the keys for administration: in a folder of the worker's own, with a file named after each gateway, or else in
// Vault, where the inventory says. They are read anew for every use, so that a rotated key is taken up at once.
type Keys struct {
	folder string
	vault  fields
}

// NewKeys returns the finder. The folder may be empty.
func NewKeys(folder string, vault fields) *Keys { return &Keys{folder: folder, vault: vault} }

// plainName is what the id of a gateway with a file of its own consists of.
var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// mostKeyBytes bounds a file with a key.
const mostKeyBytes = 4 << 10

// AdminKey returns the key. Its errors say where it was looked for.
func (k *Keys) AdminKey(ctx context.Context, g inventory.Gateway) (string, error) {
	if k.folder != "" && plainName.MatchString(g.ID) {
		key, err := fromFile(filepath.Join(k.folder, g.ID))
		if key != "" || err != nil {
			return key, err
		}
	}
	if g.AdminKeyRef == "" || g.AdminKeyRef == "none" {
		return "", failure.New(failure.Invalid, "the inventory has no admin_key_ref for gateway %s, and the worker no file for it", g.ID)
	}
	return k.vault.Field(ctx, g.AdminKeyRef)
}

// fromFile returns "" if there is no such file.
func fromFile(path string) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read key: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, mostKeyBytes))
	if err != nil {
		return "", fmt.Errorf("read key: %w", err)
	}
	key := strings.TrimSpace(string(raw))
	if key == "" {
		return "", fmt.Errorf("read key: %s is empty", path)
	}
	return key, nil
}
