package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// listening runs a server for the test and returns its address and what it ended with.
func listening(t *testing.T, ctx context.Context, in *intake, lim limits) (string, chan error) {
	t.Helper()
	l, err := listen(ctx, "127.0.0.1:0", "")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- serveHTTP(ctx, l, in.routes(), lim, discard()) }()
	return l.Addr().String(), done
}

func postTo(t *testing.T, address string, raw []byte) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/alerts/alertmanager", bytes.NewReader(raw))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+testToken)
	r.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

func TestSlowSendersAreCutOffAndHoldNobodyUp(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	f := &fakeTemporal{}
	in, _ := newIntake(t, f)
	in.slots = make(chan struct{}, 1)
	lim := defaultLimits()
	lim.read = 300 * time.Millisecond
	address, done := listening(t, ctx, in, lim)

	raw := alertFile(t, "dataset-compromise.json")
	var slow []net.Conn
	for range 8 {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		_, err = fmt.Fprintf(conn, "POST /alerts/alertmanager HTTP/1.1\r\nHost: trigger\r\nAuthorization: Bearer %s\r\n"+
			"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", testToken, len(raw), raw[:len(raw)/2])
		require.NoError(t, err)
		slow = append(slow, conn)
	}
	require.Equal(t, http.StatusOK, postTo(t, address, raw), "more slow senders than slots keep nobody out")
	for _, conn := range slow {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(30*time.Second)))
		answer, err := io.ReadAll(conn)
		require.NoError(t, err, "the server ends the connection")
		require.Contains(t, string(answer), "408 Request Timeout")
	}
	require.Len(t, f.alerts, 1)
	stop()
	require.NoError(t, <-done)
}

func TestShutdownLetsADeliveryFinish(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	f := &fakeTemporal{entered: make(chan string)}
	in, _ := newIntake(t, f)
	address, done := listening(t, ctx, in, defaultLimits())
	code := make(chan int, 1)
	go func() { code <- postTo(t, address, alertFile(t, "dataset-compromise.json")) }()
	// The delivery has begun once it offers its asset; the server is told to stop before it may go on.
	require.Eventually(t, func() bool { return len(in.slots) == 1 }, 10*time.Second, time.Millisecond)
	stop()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, 10*time.Second, time.Millisecond, "no new connections are taken")
	require.Equal(t, "loan-applications@2026-07-31", <-f.entered)
	require.Equal(t, http.StatusOK, <-code)
	require.NoError(t, <-done)
}

func TestHealthAndOtherRoutes(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{}
	in, _ := newIntake(t, f)
	get := func(method, path string) (int, string) {
		w := httptest.NewRecorder()
		in.routes().ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w.Code, w.Body.String()
	}
	code, _ := get(http.MethodGet, "/healthz")
	require.Equal(t, http.StatusOK, code)
	code, body := get(http.MethodGet, "/readyz")
	require.Equal(t, http.StatusOK, code)
	var ready map[string]string
	require.NoError(t, json.Unmarshal([]byte(body), &ready))
	require.Equal(t, map[string]string{"status": "ready", "mode": "live", "inventory": in.inventory.current().Digest(), "routes": in.routing.current().Digest}, ready)

	f.failure = errors.New("no route to host 10.0.0.1")
	code, body = get(http.MethodGet, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.NotContains(t, body, "10.0.0.1")
	code, _ = get(http.MethodGet, "/healthz")
	require.Equal(t, http.StatusOK, code, "the process is alive without Temporal")

	code, _ = get(http.MethodGet, "/alerts/alertmanager")
	require.Equal(t, http.StatusMethodNotAllowed, code)
	code, _ = get(http.MethodPost, "/alerts/nagios")
	require.Equal(t, http.StatusNotFound, code)
}

func TestServeRefusesToStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	token := tokenVariable + "=" + testToken
	inv := inventoryVariable + "=" + testInventory
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { busy.Close() })
	tests := map[string]struct {
		env  []string
		args []string
		code int
		text string
	}{
		"no token":         {[]string{inv}, nil, 1, "no source of alerts has a secret: set --alert-token-file or FIREBREAK_ALERT_TOKEN"},
		"short token":      {[]string{inv, tokenVariable + "=fifteen-letters"}, nil, 1, "has fewer than 16 characters"},
		"two words":        {[]string{inv, tokenVariable + "=correct horse battery staple"}, nil, 1, "white space"},
		"empty token file": {[]string{inv, token}, []string{"--alert-token-file", write("empty", "\n")}, 1, "the alert token (--alert-token-file) is empty"},
		"no token file":    {[]string{inv, token}, []string{"--alert-token-file", filepath.Join(dir, "absent")}, 1, "read the alert token (--alert-token-file): open"},
		"repeated token":   {[]string{inv, tokenVariable + "=abababababababababab"}, nil, 1, "repeats fewer than 6 characters"},
		"default token":    {[]string{inv, tokenVariable + "=ChangeMe-ChangeMe-1234"}, nil, 1, "is a placeholder of documentation"},
		"unknown source":   {[]string{inv, token}, []string{"--secret", "nagios=" + write("nagios", testToken)}, 2, `--secret "nagios=`},
		"no secret file":   {[]string{inv, token}, []string{"--secret", "pagerduty"}, 2, "want SOURCE=FILE"},
		"short secret":     {[]string{inv, token}, []string{"--secret", "pagerduty=" + write("short", "hunter2\n")}, 1, "the secret of pagerduty (--secret) in"},
		"empty secret":     {[]string{inv, token, "FIREBREAK_GENERIC_SECRET_FILE=" + write("void", "\n\n")}, nil, 1, "the secret of generic (FIREBREAK_GENERIC_SECRET_FILE) is empty"},
		"bad topic":        {[]string{inv}, []string{"--sns-topic", "firebreak"}, 1, `"firebreak" is no ARN of an SNS topic`},
		"bad queue":        {[]string{inv, token}, []string{"--sqs-queue", "firebreak"}, 1, `--sqs-queue or FIREBREAK_SQS_QUEUE: "firebreak" is no URL of an SQS queue`},
		"bad routes":       {[]string{inv, token}, []string{"--routes", write("routes.yaml", "version: 2\nrules: []\ndefault: drop\n")}, 1, "routes.yaml:3:10: default: what fits no rule can only go to triage"},
		"absent routes":    {[]string{inv, token, routesVariable + "=" + filepath.Join(dir, "absent")}, nil, 1, "(--routes or FIREBREAK_ROUTES)"},
		"routes and label": {[]string{inv, token}, []string{"--routes", write("r.yaml", "version: 1\nrules: []\ndefault: triage\n"), "--kind-label", "k"}, 1, "name the fields in the file"},
		"bad label":        {[]string{inv, token}, []string{"--asset-label", "a: b"}, 2, "--kind-label, --asset-label"},
		"no inventory":     {[]string{token}, nil, 1, "no inventory: set --inventory or FIREBREAK_INVENTORY"},
		"absent inventory": {[]string{token}, []string{"--inventory", filepath.Join(dir, "absent")}, 1, "load the inventory (--inventory or FIREBREAK_INVENTORY): open"},
		"bad inventory":    {[]string{token}, []string{"--inventory", write("inv.yaml", "schema: ai-assets/v1\nmodles: []\n")}, 1, `inv.yaml:2:1: key: the inventory has no key "modles"`},
		"bad mode":         {[]string{token, inv}, []string{"--mode", "dry"}, 2, `--mode "dry": want live or drill`},
		"bad Temporal":     {[]string{token, inv, "TEMPORAL_PROFILE=absent"}, nil, 1, "read Temporal's connection settings (TEMPORAL_ADDRESS"},
		"bad certificate":  {[]string{token, inv, "TEMPORAL_TLS_CLIENT_CERT_PATH=/nowhere", "TEMPORAL_TLS_CLIENT_KEY_PATH=/nowhere"}, nil, 1, "TEMPORAL_TLS_*"},
		"port in use":      {[]string{token, inv}, []string{"--listen", busy.Addr().String()}, 1, "(--listen): listen tcp"},
		"no playbooks":     {[]string{token, inv}, []string{"--playbooks", filepath.Join(dir, "no")}, 1, "(--playbooks or FIREBREAK_PLAYBOOKS)"},
		"no such folder":   {[]string{token, inv}, []string{"--listen", "127.0.0.1:0", "--listen-file", filepath.Join(dir, "no", "file")}, 1, "(--listen-file)"},
		"argument":         {[]string{token, inv}, []string{"now"}, 2, "unknown command"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr strings.Builder
			env := append([]string{"TEMPORAL_CONFIG_FILE=" + filepath.Join(dir, "temporal.toml")}, tt.env...)
			code := run(t.Context(), append([]string{"serve", "--listen", "127.0.0.1:0"}, tt.args...), strings.NewReader(""), &stdout, &stderr, env)
			require.Equal(t, tt.code, code, stderr.String())
			require.Contains(t, stderr.String(), tt.text)
			require.NotContains(t, stderr.String(), "listening on")
			require.NotContains(t, stderr.String(), testToken)
		})
	}
}

// TestServeWithoutTemporal runs the whole program: it comes up, says where, refuses to acknowledge, and stops.
func TestServeWithoutTemporal(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	dir := t.TempDir()
	file := filepath.Join(dir, "trigger.addr")
	token := filepath.Join(dir, "token")
	require.NoError(t, os.WriteFile(token, []byte(testToken+"\n"), 0o600))
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	temporalAddress := gone.Addr().String()
	require.NoError(t, gone.Close())
	var stdout strings.Builder
	stderr := &lockedBuffer{}
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"serve", "--listen", "127.0.0.1:0", "--listen-file", file, "--alert-token-file", token},
			strings.NewReader(""), &stdout, stderr, []string{
				inventoryVariable + "=" + testInventory, "TEMPORAL_ADDRESS=" + temporalAddress, "TEMPORAL_CONFIG_FILE=" + filepath.Join(dir, "absent"),
			})
	}()
	var address string
	require.Eventually(t, func() bool {
		raw, err := os.ReadFile(file)
		address = strings.TrimSpace(string(raw))
		return err == nil
	}, 10*time.Second, time.Millisecond, "%s", stderr)
	require.Equal(t, http.StatusServiceUnavailable, postTo(t, address, alertFile(t, "dataset-compromise.json")))
	require.Contains(t, stderr.String(), `msg="listening on http://`+address+`"`)
	require.Contains(t, stderr.String(), "signal with start "+loanIncident+" at "+temporalAddress)
	stop()
	require.Equal(t, exitOK, <-code)
	require.NoFileExists(t, file)
	require.NotContains(t, stderr.String(), testToken)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing is left behind but the token file")
}
