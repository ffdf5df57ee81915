package server

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"firebreak/deploy/sandbox/process"
)

// Vault is a running Vault server. Its state is in memory: a Restart gives an
// empty one with the same root token.
type Vault struct {
	*process.Process
	// Address is its URL, for VAULT_ADDR.
	Address string
	// RootToken is its only token at the start.
	RootToken string
	// AuditLog is the file of its audit device "file": one JSON object a line,
	// with secrets as HMACs (sys/audit-hash/file gives that of a value).
	AuditLog string

	// unsealKey reads the only key share.
	unsealKey func() (string, error)
}

// StartVault starts binary unsealed. Without a plugin it is the sandbox's own
// Vault server, which has the secrets engine sandbox-aws in it; with one it
// is a stock `vault`, and plugin is the path of that engine, alone in its
// folder. Both then offer the same, but for the KV engine version 2 at
// secret/ that a stock one comes with.
func StartVault(ctx context.Context, binary, plugin, data string) (*Vault, error) {
	data, err := makeFolders(data)
	if err != nil {
		return nil, err
	}
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	listen := fmt.Sprintf("127.0.0.1:%d", port)
	v := &Vault{
		Address:   "http://" + listen,
		RootToken: newSecret("sandbox-root-"),
		AuditLog:  filepath.Join(data, "audit.log"),
	}
	keyFile := filepath.Join(data, "unseal.key")
	v.unsealKey = func() (string, error) {
		raw, err := os.ReadFile(keyFile)
		return string(raw), err
	}
	command := process.Command{
		Name: "Vault", Path: binary, Args: []string{"--listen", listen, "--audit-log", v.AuditLog, "--unseal-key-file", keyFile},
		// The token is in the environment, for arguments show in the
		// machine's list of processes.
		Env: append(process.BaseEnv(data), "SANDBOX_VAULT_ROOT_TOKEN="+v.RootToken),
		Dir: data, LogFile: filepath.Join(data, "vault.log"),
		Ready: answersOK(http.DefaultClient, v.Address+"/v1/sys/health", nil),
	}
	if plugin != "" {
		if err := v.stock(&command, plugin, listen); err != nil {
			return nil, err
		}
	}
	if v.Process, err = process.Start(ctx, command); err != nil {
		return nil, err
	}
	return v, nil
}

// Seal makes the server forget its keys: it answers 503 to everything until
// Unseal.
func (v *Vault) Seal(ctx context.Context) error {
	return v.call(ctx, http.MethodPut, "sys/seal", nil, nil)
}

// Unseal gives a sealed server its key back.
func (v *Vault) Unseal(ctx context.Context) error {
	key, err := v.unsealKey()
	if err != nil {
		return fmt.Errorf("read unseal key: %w", err)
	}
	var state struct{ Sealed bool }
	if err := v.call(ctx, http.MethodPut, "sys/unseal", map[string]string{"key": key}, &state); err != nil {
		return err
	}
	if state.Sealed {
		return fmt.Errorf("unseal Vault: it is still sealed")
	}
	return nil
}
