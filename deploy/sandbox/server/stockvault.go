package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"firebreak/deploy/sandbox/process"
)

// stock changes a command into that of a stock Vault in dev mode, which is in
// memory and unsealed, and makes it ready only once its audit device is on.
func (v *Vault) stock(command *process.Command, plugin, listen string) error {
	// Vault refuses a plugin whose folder, links followed, is another than it
	// was told.
	plugin, err := filepath.EvalSymlinks(plugin)
	if err != nil {
		return fmt.Errorf("find Vault's plugin: %w", err)
	}
	command.Args = stockArguments(filepath.Dir(plugin), listen)
	v.unsealKey = func() (string, error) { return stockKey(command.LogFile) }
	command.Env = append(process.BaseEnv(command.Dir), "VAULT_DEV_ROOT_TOKEN_ID="+v.RootToken)
	health := command.Ready
	command.Ready = func(ctx context.Context) error {
		if err := health(ctx); err != nil {
			return err
		}
		return v.audited(ctx)
	}
	return nil
}

// stockKey finds the key share that dev mode prints when it starts.
func stockKey(log string) (string, error) {
	raw, err := os.ReadFile(log)
	if err != nil {
		return "", err
	}
	const label = "Unseal Key: "
	// The last start is the one that runs.
	at := strings.LastIndex(string(raw), label)
	if at < 0 {
		return "", fmt.Errorf("%s names no unseal key", log)
	}
	key, _, _ := strings.Cut(string(raw)[at+len(label):], "\n")
	return strings.TrimSpace(key), nil
}

func stockArguments(pluginFolder, listen string) []string {
	return []string{
		"server", "-dev", "-dev-listen-address", listen, "-dev-plugin-dir", pluginFolder,
		// Without this one the root token goes to ~/.vault-token.
		"-dev-no-store-token", "-log-level", "warn",
	}
}

// audited enables the audit device file/ unless it is on. Dev mode keeps
// nothing, so it is part of every start.
func (v *Vault) audited(ctx context.Context) error {
	var enabled struct{ Data map[string]json.RawMessage }
	if err := v.call(ctx, http.MethodGet, "sys/audit", nil, &enabled); err != nil {
		return err
	}
	if _, on := enabled.Data["file/"]; on {
		return nil
	}
	device := map[string]any{"type": "file", "options": map[string]string{"file_path": v.AuditLog}}
	return v.call(ctx, http.MethodPut, "sys/audit/file", device, nil)
}

// call sends one request to Vault's API with the root token: body as JSON,
// unless it is nil, and the answer into into, unless that is nil.
func (v *Vault) call(ctx context.Context, method, path string, body, into any) error {
	var encoded io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode request to %s: %w", path, err)
		}
		encoded = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, v.Address+"/v1/"+path, encoded)
	if err != nil {
		return fmt.Errorf("make request to %s: %w", path, err)
	}
	req.Header.Set("X-Vault-Token", v.RootToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read answer of %s: %w", path, err)
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: status %d: %s", method, path, res.StatusCode, raw)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("decode answer of %s: %w", path, err)
	}
	return nil
}
