package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"firebreak/internal/incident"
)

func TestSlackConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	secret, old := file("secret", testSecret+"\n"), file("old", oldSecret)
	bot, level := file("bot", "xox"+"b-1111-2222-of-nobody"), file("app", "xap"+"p-1-A0-of-nobody-at-all")
	tests := map[string]struct {
		env     []string
		flags   slackFlags
		text    string
		secrets int
		sockets int
	}{
		"nothing":               {nil, slackFlags{}, "", -1, 0},
		"a bot token alone":     {[]string{"SLACK_BOT_TOKEN=x"}, slackFlags{}, "", -1, 0},
		"HTTP":                  {nil, slackFlags{signingSecrets: []string{secret}, botToken: bot}, "", 1, 0},
		"rotation":              {nil, slackFlags{signingSecrets: []string{secret, old}, botToken: bot}, "", 2, 0},
		"Socket Mode":           {nil, slackFlags{appToken: level, botToken: bot}, "", 0, 2},
		"by the environment":    {[]string{"SLACK_SIGNING_SECRET=" + testSecret, "SLACK_BOT_TOKEN_FILE=" + bot, "SLACK_APP_TOKEN_FILE=" + level, "FIREBREAK_SLACK_TEAM=T1"}, slackFlags{}, "", 1, 2},
		"three secrets":         {nil, slackFlags{signingSecrets: []string{secret, old, secret}, botToken: bot}, "3 signing secrets", 0, 0},
		"no bot token":          {nil, slackFlags{signingSecrets: []string{secret}}, "no Slack bot token: set --slack-bot-token-file or SLACK_BOT_TOKEN", 0, 0},
		"a user's token":        {nil, slackFlags{signingSecrets: []string{secret}, botToken: file("user", "xox"+"p-1111-2222-of-nobody")}, "begins with xoxb-", 0, 0},
		"a placeholder":         {nil, slackFlags{signingSecrets: []string{secret}, botToken: file("stub", "xoxb-changeme")}, "at least 20 characters", 0, 0},
		"bot for app":           {nil, slackFlags{appToken: bot, botToken: bot}, "begins with xapp-", 0, 0},
		"a short secret":        {nil, slackFlags{signingSecrets: []string{file("short", "0123456789abcdef")}, botToken: bot}, "at least 32 hexadecimal digits", 0, 0},
		"a default secret":      {nil, slackFlags{signingSecrets: []string{file("zeros", strings.Repeat("0", 32))}, botToken: bot}, "signing secret", 0, 0},
		"a word":                {[]string{"SLACK_SIGNING_SECRET=changeme-changeme-changeme-changeme"}, slackFlags{botToken: bot}, "signing secret", 0, 0},
		"an empty file":         {nil, slackFlags{signingSecrets: []string{file("empty", "\n")}, botToken: bot}, "is empty", 0, 0},
		"no file":               {nil, slackFlags{signingSecrets: []string{filepath.Join(dir, "absent")}, botToken: bot}, "read the Slack secret (--slack-signing-secret-file", 0, 0},
		"a bad team":            {nil, slackFlags{signingSecrets: []string{secret}, botToken: bot, team: "nordwall"}, `--slack-team "nordwall"`, 0, 0},
		"a bad app":             {nil, slackFlags{signingSecrets: []string{secret}, botToken: bot, app: "T1"}, `--slack-app "T1"`, 0, 0},
		"a bad API":             {[]string{"SLACK_API_URL=slack.com"}, slackFlags{signingSecrets: []string{secret}, botToken: bot}, "SLACK_API_URL is not an address", 0, 0},
		"more than one at once": {nil, slackFlags{signingSecrets: []string{file("bad", "x")}, team: "x", appToken: "/nowhere"}, "--slack-team", 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &app{env: newEnvironment(tt.env)}
			c, err := a.cockpit(t.Context(), tt.flags, slackParts{mode: incident.Live, log: discard()})
			if tt.text != "" {
				require.ErrorContains(t, err, tt.text)
				require.NotContains(t, err.Error(), "changeme")
				return
			}
			require.NoError(t, err)
			if tt.secrets < 0 {
				require.Nil(t, c)
				return
			}
			require.Len(t, c.secrets, tt.secrets)
			require.Len(t, c.sockets, tt.sockets)
		})
	}
}

// The manifest is what the code serves and uses.
func TestManifestMatchesTheCode(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../deploy/slack/manifest.yaml")
	require.NoError(t, err)
	var m struct {
		Display  yaml.Node `yaml:"display_information"`
		Features struct {
			Home struct {
				Tab      bool `yaml:"home_tab_enabled"`
				Messages bool `yaml:"messages_tab_enabled"`
				ReadOnly bool `yaml:"messages_tab_read_only_enabled"`
			} `yaml:"app_home"`
			Bot      yaml.Node `yaml:"bot_user"`
			Commands []struct {
				Command     string `yaml:"command"`
				URL         string `yaml:"url"`
				Description string `yaml:"description"`
				Hint        string `yaml:"usage_hint"`
				Escape      bool   `yaml:"should_escape"`
			} `yaml:"slash_commands"`
		} `yaml:"features"`
		OAuth struct {
			Scopes struct {
				Bot []string `yaml:"bot"`
			} `yaml:"scopes"`
		} `yaml:"oauth_config"`
		Settings struct {
			Interactivity struct {
				Enabled bool   `yaml:"is_enabled"`
				URL     string `yaml:"request_url"`
				Options string `yaml:"message_menu_options_url"`
			} `yaml:"interactivity"`
			Events struct {
				URL string   `yaml:"request_url"`
				Bot []string `yaml:"bot_events"`
			} `yaml:"event_subscriptions"`
			Org      bool `yaml:"org_deploy_enabled"`
			Socket   bool `yaml:"socket_mode_enabled"`
			Rotation bool `yaml:"token_rotation_enabled"`
		} `yaml:"settings"`
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(raw)))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&m))

	require.Len(t, m.Features.Commands, 1)
	command := m.Features.Commands[0]
	require.Equal(t, slackCommand, command.Command)
	for _, verb := range strings.Split(command.Hint, " | ") {
		require.Contains(t, slackUsage, slackCommand+" "+verb)
	}
	require.True(t, m.Features.Home.Tab)
	require.True(t, m.Features.Home.Messages, "people are answered there")
	require.Equal(t, []string{slackHomeOpened}, m.Settings.Events.Bot)
	require.True(t, m.Settings.Interactivity.Enabled)
	require.True(t, m.Settings.Socket)
	// What each method needs, by https://docs.slack.dev/reference/methods: views.* and response_urls need no scope.
	want := []string{"commands", "chat:write", "channels:read", "channels:history", "groups:read", "groups:history"}
	require.ElementsMatch(t, want, m.OAuth.Scopes.Bot)

	c, _, _ := newCockpit(t, desks())
	routes := []string{command.URL, m.Settings.Interactivity.URL, m.Settings.Interactivity.Options, m.Settings.Events.URL}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(routes))), 4)
	for _, address := range routes {
		path, ok := strings.CutPrefix(address, "https://firebreak.example")
		require.True(t, ok, address)
		w := c.serve(httptest.NewRequest(http.MethodPost, path, nil))
		require.Equal(t, http.StatusUnauthorized, w.Code, "%s is served, to Slack alone", path)
		require.Equal(t, http.StatusNotFound, c.serve(httptest.NewRequest(http.MethodGet, path, nil)).Code)
	}
}
