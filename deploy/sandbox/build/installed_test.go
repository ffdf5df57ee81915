package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRecentTemporal(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{
		"temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)": true,
		"temporal version 1.4.0 (Server 1.28.0, UI 2.39.0)": true,
		"temporal version 2.0.0":                            true,
		"temporal version 1.3.0 (Server 1.27.1, UI 2.36.0)": false,
		"temporal version 0.13.2":                           false,
		"something else":                                    false,
		"":                                                  false,
	}
	for output, want := range cases {
		t.Run(output, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, recentTemporal(output))
		})
	}
}

func TestRecentVault(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{
		"Vault v1.21.1 (2453aac2638a6ae243341b4e0657fd8aea1cbf18), built 2025-11-18T13:04:32Z": true,
		"Vault v1.15.0 (b4d07277a6c5318bb50d3b94bbd6135dccb4c601), built 2023-09-22T16:53:10Z": true,
		"Vault v1.19.0+ent, built 2025-03-05T10:00:00Z":                                        true,
		"Vault v2.0.0, built 2026-04-01T10:00:00Z":                                             true,
		"Vault v1.14.8 (446e2a4e7bd0c4e5f7e8d0b7b3a0a0ca6a2ad2e8), built 2023-12-04T10:00:00Z": false,
		"Vault v0.11.6":      false,
		"OpenBao v2.4.0":     false,
		"HCP Vault CLI 1.20": false,
		"":                   false,
	}
	for output, want := range cases {
		t.Run(output, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, recentVault(output))
		})
	}
}

// The PATH is the process's own, so this test runs alone.
func TestVaultIsTheInstalledOneWhereThereIsARecentOne(t *testing.T) {
	cases := map[string]struct {
		script    string
		installed bool
	}{
		"a recent one":   {"echo 'Vault v1.21.1, built 2025-11-18T13:04:32Z'", true},
		"an old one":     {"echo 'Vault v1.14.8, built 2023-12-04T10:00:00Z'", false},
		"one that fails": {"echo 'Vault v1.21.1, built 2025-11-18T13:04:32Z'; exit 1", false},
		"none":           {"", false},
	}
	tool, err := exec.LookPath("go")
	require.NoError(t, err)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b, _ := sandbox(t, program("our own"))
			write(t, filepath.Join(b.Dir, "servers", Vault, "plugin", "main.go"), program("plugin"))
			bin := t.TempDir()
			require.NoError(t, os.Symlink(tool, filepath.Join(bin, "go")))
			t.Setenv("PATH", bin)
			stock := filepath.Join(bin, "vault")
			if c.script != "" {
				require.NoError(t, os.WriteFile(stock, []byte("#!/bin/sh\n"+c.script+"\n"), 0o755))
			}
			binary, plugin, err := b.Vault(t.Context())
			require.NoError(t, err)
			if !c.installed {
				require.Empty(t, plugin)
				require.Equal(t, "our own", says(t, binary))
				return
			}
			require.Equal(t, stock, binary)
			require.Equal(t, "sandbox-aws", filepath.Base(plugin))
			require.Equal(t, "plugin", says(t, plugin))
			left, err := os.ReadDir(filepath.Dir(plugin))
			require.NoError(t, err)
			require.Len(t, left, 1, "Vault takes every file of the folder for a plugin")
		})
	}
}

func TestServerAndPluginAreBuiltApart(t *testing.T) {
	t.Parallel()
	b, log := sandbox(t, program("our own"))
	folder := filepath.Join(b.Dir, "servers", Vault, "plugin")
	server, err := b.Server(t.Context(), Vault)
	require.NoError(t, err)
	write(t, filepath.Join(folder, "main.go"), program("plugin"))
	plugin, err := b.Server(t.Context(), VaultPlugin)
	require.NoError(t, err)
	again, err := b.Server(t.Context(), Vault)
	require.NoError(t, err)
	require.Equal(t, server, again, "the plugin is no part of the server")
	require.Equal(t, 1, log.builds())

	write(t, filepath.Join(folder, "main.go"), program("changed"))
	changed, err := b.Server(t.Context(), VaultPlugin)
	require.NoError(t, err)
	require.NotEqual(t, plugin, changed)
	require.Equal(t, "changed", says(t, changed))
	require.Equal(t, "plugin", says(t, plugin), "another process may still run the old one")
}
