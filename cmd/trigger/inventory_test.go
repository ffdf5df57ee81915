package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// inventoryCopy is a file with the reference inventory that a test may change, opened with a log of its own.
func inventoryCopy(t *testing.T) (*inventoryFile, *lockedBuffer) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "inventory.yaml")
	raw, err := os.ReadFile(testInventory)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, raw, 0o600))
	logs := &lockedBuffer{}
	f, err := openInventory(file, newLogger(logs))
	require.NoError(t, err)
	return f, logs
}

// rewrite changes the file's bytes.
func rewrite(t *testing.T, file string, change func(string) string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(change(string(raw))), 0o600))
}

func withComment(s string) string { return s + "# seen\n" }

func withTypo(s string) string { return strings.Replace(s, "\nmodels:", "\nmodles:", 1) }

func TestInventoryFileIsReadAgainWhenItChanges(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(t *testing.T, file string)
		read   bool
	}{
		"not changed": {func(*testing.T, string) {}, false},
		"longer":      {func(t *testing.T, file string) { rewrite(t, file, withComment) }, true},
		"of the same size, later": {func(t *testing.T, file string) {
			rewrite(t, file, func(s string) string { return strings.Replace(s, "assist-chat", "assist-talk", -1) })
			later := time.Now().Add(time.Minute)
			require.NoError(t, os.Chtimes(file, later, later))
		}, true},
		"put in place of the old one, older": {func(t *testing.T, file string) {
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(file+".new", []byte(withComment(string(raw))), 0o600))
			require.NoError(t, os.Chtimes(file+".new", time.Unix(0, 0), time.Unix(0, 0)))
			require.NoError(t, os.Rename(file+".new", file))
		}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, logs := inventoryCopy(t)
			before := f.current()
			tt.change(t, f.path)
			f.look()
			if !tt.read {
				require.Same(t, before, f.current())
				require.Empty(t, logs.String())
				return
			}
			require.NotEqual(t, before.Digest(), f.current().Digest())
			require.False(t, f.current().faulty)
			require.Contains(t, logs.String(), "level=INFO")
			require.Contains(t, logs.String(), "inventory="+f.current().Digest()+" inventory_before="+before.Digest())
		})
	}
}

func TestInventoryFileThatBecomesFaultyKeepsTheLastGoodOne(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil func(t *testing.T, file string)
		text  string
	}{
		"misspelt key": {func(t *testing.T, file string) { rewrite(t, file, withTypo) }, "the inventory has no key"},
		"empty":        {func(t *testing.T, file string) { rewrite(t, file, func(string) string { return "" }) }, "inventory.yaml"},
		"cut in two":   {func(t *testing.T, file string) { rewrite(t, file, func(s string) string { return s[:len(s)/2] }) }, "inventory.yaml"},
		"not there":    {func(t *testing.T, file string) { require.NoError(t, os.Rename(file, file+".away")) }, "no such file"},
		"not a file": {func(t *testing.T, file string) {
			require.NoError(t, os.Remove(file))
			require.NoError(t, os.Mkdir(file, 0o700))
		}, "is a directory"},
		"not an object": {func(t *testing.T, file string) { rewrite(t, file, func(string) string { return "- 1\n" }) }, "inventory.yaml:1:1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, logs := inventoryCopy(t)
			good, err := os.ReadFile(f.path)
			require.NoError(t, err)
			before := f.current().Inventory
			tt.spoil(t, f.path)
			for range 3 {
				f.look()
				require.Same(t, before, f.current().Inventory)
				require.True(t, f.current().faulty)
			}
			require.Equal(t, 1, strings.Count(logs.String(), "level=WARN"), "a fault is said once:\n%s", logs)
			require.Contains(t, logs.String(), tt.text)

			require.NoError(t, os.RemoveAll(f.path))
			require.NoError(t, os.WriteFile(f.path, good, 0o600))
			f.look()
			require.False(t, f.current().faulty)
			require.Equal(t, before.Digest(), f.current().Digest())
			require.Contains(t, logs.String(), "level=INFO", "that it is mended is said too")
		})
	}
}

func TestInventoryFileMovedAwayAndBack(t *testing.T) {
	t.Parallel()
	f, _ := inventoryCopy(t)
	require.NoError(t, os.Rename(f.path, f.path+".away"))
	f.look()
	require.True(t, f.current().faulty)
	require.NoError(t, os.Rename(f.path+".away", f.path))
	f.look()
	require.False(t, f.current().faulty, "the same file as before is good again")
}

// TestAlertsAreJudgedByTheNewestGoodInventory is what a sender sees of it.
func TestAlertsAreJudgedByTheNewestGoodInventory(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{}
	in, _ := newIntake(t, f)
	file, _ := inventoryCopy(t)
	in.inventory = file
	raw := bytes.ReplaceAll(alertFile(t, "extraction-event.json"), []byte("credit-api"), []byte("assist-talk"))
	post := func() string {
		code, a := send(t, in, alertPost(bytes.NewReader(raw)))
		require.Equal(t, http.StatusOK, code)
		return a.Alerts[0].Outcome
	}
	ready := func() (fields map[string]string) {
		w := httptest.NewRecorder()
		in.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		require.Equal(t, http.StatusOK, w.Code, "with the last good inventory alerts can be taken in")
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &fields))
		return fields
	}
	require.Equal(t, outcomeTriaged, post())
	require.NotContains(t, ready(), "inventory_fault")

	rewrite(t, file.path, func(s string) string { return strings.ReplaceAll(s, "assist-chat", "assist-talk") + "#\n" })
	file.look()
	require.Equal(t, outcomeStarted, post(), "an asset that was added is known")
	digest := ready()["inventory"]

	rewrite(t, file.path, withTypo)
	file.look()
	require.Equal(t, outcomeJoined, post(), "a faulty file takes nothing away")
	require.Contains(t, ready()["inventory_fault"], "the last good one is in use")
	require.NotContains(t, ready()["inventory_fault"], file.path)
	require.Equal(t, digest, ready()["inventory"])
}

// TestServeFollowsTheInventory runs the whole program. An alert of a known asset gets as far as Temporal, which is away.
func TestServeFollowsTheInventory(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	file, _ := inventoryCopy(t)
	known, err := os.ReadFile(file.path)
	require.NoError(t, err)
	rewrite(t, file.path, func(s string) string { return strings.ReplaceAll(s, "2026-07-31", "2026-07-30") })
	address := filepath.Join(t.TempDir(), "trigger.addr")
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	stderr := &lockedBuffer{}
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"serve", "--listen", "127.0.0.1:0", "--listen-file", address, "--inventory", file.path},
			strings.NewReader(""), &strings.Builder{}, stderr, []string{
				tokenVariable + "=" + testToken, "TEMPORAL_ADDRESS=" + gone.Addr().String(), "TEMPORAL_CONFIG_FILE=" + filepath.Join(t.TempDir(), "absent"),
			})
	}()
	var host string
	require.Eventually(t, func() bool {
		raw, err := os.ReadFile(address)
		host = strings.TrimSpace(string(raw))
		return err == nil
	}, 10*time.Second, time.Millisecond, "%s", stderr)
	alert := alertFile(t, "dataset-compromise.json")
	require.Equal(t, http.StatusServiceUnavailable, postTo(t, host, alert), "%s", stderr)
	require.Contains(t, stderr.String(), "start triage/alertmanager/", "an asset that is not known goes to a person")
	require.NoError(t, os.WriteFile(file.path, known, 0o600))
	require.Eventually(t, func() bool { return strings.Contains(stderr.String(), "the inventory file was read again") }, 30*time.Second, 10*time.Millisecond)
	require.NotContains(t, stderr.String(), "signal with start "+loanIncident)
	require.Equal(t, http.StatusServiceUnavailable, postTo(t, host, alert), "%s", stderr)
	require.Contains(t, stderr.String(), "signal with start "+loanIncident)
	stop()
	require.Equal(t, exitOK, <-code)
}
