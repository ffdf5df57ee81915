package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/process"
)

func TestStockVaultIsStartedWithoutItsTokenInSight(t *testing.T) {
	t.Parallel()
	real, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(real, "sandbox-aws"), nil, 0o755))
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(real, link))
	v := &Vault{RootToken: "sandbox-root-1"}
	command := process.Command{Dir: "/data"}

	require.NoError(t, v.stock(&command, filepath.Join(link, "sandbox-aws"), "127.0.0.1:1"))
	require.Equal(t, []string{
		"server", "-dev", "-dev-listen-address", "127.0.0.1:1", "-dev-plugin-dir", real, "-dev-no-store-token", "-log-level", "warn",
	}, command.Args)
	require.Contains(t, command.Env, "VAULT_DEV_ROOT_TOKEN_ID=sandbox-root-1")
	require.Contains(t, command.Env, "HOME=/data")
	require.NotContains(t, strings.Join(command.Args, " "), v.RootToken)

	require.ErrorContains(t, v.stock(&command, filepath.Join(real, "absent"), "127.0.0.1:1"), "find Vault's plugin")
}

func TestStockVaultIsReadyOnceItIsAudited(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		health  int
		devices string
		put     int
		puts    int
		want    string
	}{
		"not up yet":       {http.StatusServiceUnavailable, "", 0, 0, "status 503"},
		"no device yet":    {http.StatusOK, `{"data":{}}`, http.StatusNoContent, 1, ""},
		"another device":   {http.StatusOK, `{"data":{"syslog/":{}}}`, http.StatusNoContent, 1, ""},
		"the device is on": {http.StatusOK, `{"data":{"file/":{"type":"file"}}}`, 0, 0, ""},
		"it is refused":    {http.StatusOK, `{"data":{}}`, http.StatusBadRequest, 1, "PUT sys/audit/file: status 400: no"},
		"no JSON":          {http.StatusOK, `<html>`, 0, 0, "decode answer of sys/audit"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			puts := 0
			v := &Vault{RootToken: "sandbox-root-1", AuditLog: "/data/audit.log"}
			api := httptest.NewServer(vaultAPI(t, v, c.health, c.devices, c.put, &puts))
			t.Cleanup(api.Close)
			v.Address = api.URL
			command := process.Command{Ready: answersOK(api.Client(), api.URL+"/v1/sys/health", nil)}
			require.NoError(t, v.stock(&command, os.Args[0], "127.0.0.1:1"))
			err := command.Ready(t.Context())
			require.Equal(t, c.puts, puts)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), v.RootToken)
		})
	}
}

// vaultAPI answers as given and counts the devices that are put.
func vaultAPI(t *testing.T, v *Vault, health int, devices string, put int, puts *int) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/sys/health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(health) })
	mux.HandleFunc("GET /v1/sys/audit", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Token") != v.RootToken {
			t.Error("the devices are listed without the token")
		}
		_, _ = w.Write([]byte(devices))
	})
	mux.HandleFunc("PUT /v1/sys/audit/file", func(w http.ResponseWriter, r *http.Request) {
		*puts++
		var device struct {
			Type    string
			Options map[string]string
		}
		err := json.NewDecoder(r.Body).Decode(&device)
		if err != nil || device.Type != "file" || device.Options["file_path"] != v.AuditLog || r.Header.Get("X-Vault-Token") != v.RootToken {
			t.Errorf("wrong device: %+v %v", device, err)
		}
		w.WriteHeader(put)
		_, _ = w.Write([]byte("no"))
	})
	return mux
}
