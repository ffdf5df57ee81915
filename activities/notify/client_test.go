package notify

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClientOfTheEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("xoxb-canary-file\n"), 0o600))
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	tests := []struct {
		name               string
		token, file, wrong string
		url                string
	}{
		{"token", "xoxb-canary", "", "", ""},
		{"token and address", "xoxb-canary", "", "", "http://127.0.0.1:9/api"},
		{"file", "", file, "", ""},
		{"nothing", "", "", "set SLACK_BOT_TOKEN, or SLACK_BOT_TOKEN_FILE", ""},
		{"both", "xoxb-canary", file, "set one", ""},
		{"no file", "", "/does/not/exist", "read SLACK_BOT_TOKEN_FILE: open /does/not/exist", ""},
		{"empty file", "", empty, "not a bot token", ""},
		{"not a token", "canary-hunter2", "", "not a bot token", ""},
		{"wrong address", "xoxb-canary", "", "SLACK_API_URL is not an address", "slack.com"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("SLACK_BOT_TOKEN", tt.token)
			t.Setenv("SLACK_BOT_TOKEN_FILE", tt.file)
			t.Setenv("SLACK_API_URL", tt.url)
			client, err := NewSlackClient()
			if tt.wrong == "" {
				require.NoError(t, err)
				require.NotNil(t, client)
				return
			}
			require.ErrorContains(t, err, tt.wrong)
			requireNoToken(t, err)
		})
	}
}

// The token is in every body: a redirect must not carry it to another host.
func TestClientFollowsNoRedirect(t *testing.T) {
	f, _ := newFake(t)
	elsewhere, _ := newFake(t)
	f.before = func(w http.ResponseWriter, _ string) bool {
		w.Header().Set("Location", elsewhere.server.URL+"/conversations.list")
		w.WriteHeader(http.StatusTemporaryRedirect)
		return true
	}
	t.Setenv("SLACK_BOT_TOKEN", botTokenForTests)
	t.Setenv("SLACK_BOT_TOKEN_FILE", "")
	t.Setenv("SLACK_API_URL", f.server.URL)
	client, err := NewSlackClient()
	require.NoError(t, err)
	_, err = NewLegal(client).Do(t.Context(), operation())
	require.ErrorContains(t, err, "slack answered status 307")
	require.Empty(t, elsewhere.calls)
}
