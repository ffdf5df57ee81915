package main

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	web "firebreak/internal/page"
	"firebreak/workflows"
)

func TestPageSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	token, secret := write("token", testToken+"\n"), write("secret", "the-client-secret\n")
	oidc := "--oidc-issuer https://id.nordwall.example --oidc-client-id firebreak --oidc-redirect-url https://i.nordwall.example/signin/callback "
	tests := map[string]struct {
		args string
		text string
	}{
		"both ways":         {oidc + "--page-token-file " + token, "exclude each other"},
		"token beyond":      {"--listen 0.0.0.0:0 --page-token-file " + token, "a token in clear text is for this machine alone"},
		"token everywhere":  {"--listen :0 --page-token-file " + token, "listen on 127.0.0.1, or use --oidc-issuer"},
		"short token":       {"--page-token-file " + write("short", "short"), "has fewer than 16 characters"},
		"empty token":       {"--page-token-file " + write("none", ""), "(--page-token-file) is empty"},
		"no token file":     {"--page-token-file " + filepath.Join(dir, "absent"), "read the page token (--page-token-file)"},
		"no secret":         {oidc, "the client secret is empty: set --oidc-client-secret-file or FIREBREAK_OIDC_CLIENT_SECRET"},
		"no secret file":    {oidc + "--oidc-client-secret-file " + filepath.Join(dir, "absent"), "read the secret (--oidc-client-secret-file)"},
		"clear text issuer": {"--oidc-issuer http://id.nordwall.example --oidc-client-secret-file " + secret, "want an https URL"},
		"no client":         {"--oidc-issuer https://id.nordwall.example --oidc-client-secret-file " + secret, "--oidc-client-id is empty"},
		"other claim":       {oidc + "--oidc-claim name --oidc-client-secret-file " + secret, "--oidc-claim"},
		"short key":         {oidc + "--oidc-client-secret-file " + secret + " --page-key-file " + write("key", "short"), "at least 32"},
		"key alone":         {"--page-key-file " + secret, "--page-key-file has no use without"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr strings.Builder
			args := append([]string{"serve", "--listen", "127.0.0.1:0"}, strings.Fields(tt.args)...)
			code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, []string{
				inventoryVariable + "=" + testInventory, tokenVariable + "=" + testToken, "TEMPORAL_CONFIG_FILE=" + filepath.Join(dir, "absent"),
			})
			require.Equal(t, exitError, code, stderr.String())
			require.Contains(t, stderr.String(), tt.text)
			require.NotContains(t, stderr.String(), "listening on")
			require.NotContains(t, stderr.String(), testToken)
			require.NotContains(t, stderr.String(), "the-client-secret")
		})
	}
}

// TestPageBesideAlerts signs in with the token and looks; alerts are taken in as without a page.
func TestPageBesideAlerts(t *testing.T) {
	t.Parallel()
	in, logs := newIntake(t, &fakeTemporal{})
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("a-token-for-the-page"), 0o600))
	a := &app{env: newEnvironment(nil), now: func() time.Time { return at(600) }}
	site, err := a.page(pageFlags{tokenFile: file}, "127.0.0.1:8080", in.inventory, desks(waitingRecord()), newLogger(logs))
	require.NoError(t, err)
	server := httptest.NewServer(withPage(in.routes(), site))
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar}
	read := func(res *http.Response, err error) (int, string) {
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(body)
	}
	_, body := read(browser.Get(server.URL + "/"))
	require.Contains(t, body, "--page-token-file")
	_, body = read(browser.PostForm(server.URL+"/signin", url.Values{"token": {"a-token-for-the-page"}, "next": {"/incidents/backdoor-discovery/credit-scorer@17"}}))
	require.Contains(t, body, "you can look, not decide")
	require.Contains(t, body, "trigger approve "+scorerIncident+" approve-rollback --as PERSON --plan "+testPlan)
	require.NotContains(t, body, `value="approve"`)
	status, _ := read(browser.Get(server.URL + "/healthz"))
	require.Equal(t, http.StatusOK, status)
	status, _ = read(browser.Get(server.URL + "/alerts/alertmanager"))
	require.Equal(t, http.StatusMethodNotAllowed, status)
	require.NotContains(t, logs.String(), "a-token-for-the-page")

	alone := httptest.NewServer(withPage(in.routes(), nil))
	t.Cleanup(alone.Close)
	status, _ = read(browser.Get(alone.URL + "/incidents"))
	require.Equal(t, http.StatusNotFound, status, "without a way to sign in there is no page")
}

func TestPageHandsInByName(t *testing.T) {
	t.Parallel()
	f := desks(waitingRecord())
	desk := pageDesk{f}
	ctx := context.Background()
	outcome, err := desk.Decide(ctx, scorerIncident, web.Decision{Step: "approve-rollback", Person: "mlo-1", PlanDigest: testPlan, Reason: "seen", Approve: true})
	require.NoError(t, err)
	require.Equal(t, web.Outcome{Accepted: true, Message: "recorded"}, outcome)
	require.Equal(t, []workflows.DecideApproval{{Step: "approve-rollback", Person: "mlo-1", PlanDigest: testPlan, Comment: "seen", Approve: true, Via: "page"}}, f.decided)
	_, err = desk.Report(ctx, scorerIncident, web.Report{Step: "confirm", Person: "mlo-1", Outcome: "confirmed", Comment: "38 of 40"})
	require.NoError(t, err)
	_, err = desk.Acknowledge(ctx, scorerIncident, "leg-1")
	require.NoError(t, err)
	require.Equal(t, []steered{
		{workflows.CompleteTaskUpdate, workflows.Steer{Step: "confirm", Person: "mlo-1", Outcome: "confirmed", Reason: "38 of 40", Via: "page"}},
		{workflows.AcknowledgeBriefUpdate, workflows.Steer{Person: "leg-1", Via: "page"}},
	}, f.steered)
	_, err = desk.Acknowledge(ctx, chatIncident, "leg-1")
	require.ErrorIs(t, err, web.ErrNone)
	_, err = pageSource{f}.Record(ctx, chatIncident, "")
	require.ErrorIs(t, err, web.ErrNone)
}
