package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"github.com/spf13/pflag"

	"firebreak/internal/incident"
)

// The variables with which the flags below can be set. The tokens' have the names that the worker reads too.
const (
	signingSecretVariable = "SLACK_SIGNING_SECRET"
	botTokenVariable      = "SLACK_BOT_TOKEN"
	appTokenVariable      = "SLACK_APP_TOKEN"
	slackTeamVariable     = "FIREBREAK_SLACK_TEAM"
	slackAppVariable      = "FIREBREAK_SLACK_APP"
	slackAPIVariable      = "SLACK_API_URL"
	// fileSuffix names a file instead of the secret itself.
	fileSuffix = "_FILE"
)

// slackFlags configure the trigger's side of Slack. Without a signing secret and an app token there is none.
type slackFlags struct {
	signingSecrets     []string
	botToken, appToken string
	team, app          string
}

const slackHelp = `
With --slack-signing-secret-file Slack's requests are taken at POST /slack/commands, /slack/interactions, /slack/options and
/slack/events; with --slack-app-token-file the same comes by Socket Mode, and nothing need be reachable from outside. Both
need the bot token, with which people are answered. deploy/slack/manifest.yaml is the app.`

func (f *slackFlags) flags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.signingSecrets, "slack-signing-secret-file", nil, "file with Slack's signing secret; give it twice while one secret replaces another (default $"+signingSecretVariable+fileSuffix+", or the secret in $"+signingSecretVariable+")")
	flags.StringVar(&f.botToken, "slack-bot-token-file", "", "file with the bot token (default $"+botTokenVariable+fileSuffix+", or the token in $"+botTokenVariable+")")
	flags.StringVar(&f.appToken, "slack-app-token-file", "", "file with the app-level token: turns Socket Mode on (default $"+appTokenVariable+fileSuffix+", or the token in $"+appTokenVariable+")")
	flags.StringVar(&f.team, "slack-team", "", "take payloads of this workspace only (default $"+slackTeamVariable+")")
	flags.StringVar(&f.app, "slack-app", "", "take payloads of this app only (default $"+slackAppVariable+")")
}

// slackParts is what the trigger's side of Slack is made of besides its own settings.
type slackParts struct {
	op        operator
	inventory *inventoryFile
	mode      incident.Mode
	kinds     []incident.Kind
	log       *slog.Logger
}

// cockpit makes the trigger's side of Slack; nil if nothing configures it. It calls nothing yet.
func (a *app) cockpit(ctx context.Context, f slackFlags, parts slackParts) (*cockpit, error) {
	secrets, secretErr := a.signingSecrets(f.signingSecrets)
	appToken, appErr := a.slackSecret(f.appToken, "slack-app-token-file", appTokenVariable)
	if errors.Join(secretErr, appErr) == nil && len(secrets) == 0 && appToken == "" {
		return nil, nil
	}
	botToken, botErr := a.slackSecret(f.botToken, "slack-bot-token-file", botTokenVariable)
	if botErr == nil {
		botErr = checkToken("bot token", "xoxb-", botToken, "--slack-bot-token-file or "+botTokenVariable)
	}
	if appErr == nil && appToken != "" {
		appErr = checkToken("app-level token", "xapp-", appToken, "--slack-app-token-file or "+appTokenVariable)
	}
	address, addressErr := slackAPI(a.env.get(slackAPIVariable))
	team, app := cmp.Or(f.team, a.env.get(slackTeamVariable)), cmp.Or(f.app, a.env.get(slackAppVariable))
	if err := errors.Join(secretErr, appErr, botErr, addressErr, checkSlackID("--slack-team", team, "T"), checkSlackID("--slack-app", app, "A")); err != nil {
		return nil, err
	}
	c := &cockpit{
		op: parts.op, inventory: parts.inventory, mode: parts.mode, kinds: parts.kinds, secrets: secrets, team: team, app: app,
		answers: newAnswers(botToken, address, parts.log), jobs: newJobs(ctx, time.Now, parts.log), log: parts.log, now: time.Now,
	}
	if appToken != "" {
		c.sockets = sockets(appToken, address, c)
	}
	return c, nil
}

func sockets(appToken, address string, c *cockpit) []*socket {
	var out []*socket
	for n := range socketConnections {
		options := []slack.Option{slack.OptionAppLevelToken(appToken), slack.OptionHTTPClient(c.answers.http)}
		if address != "" {
			options = append(options, slack.OptionAPIURL(address))
		}
		out = append(out, &socket{number: n + 1, api: slack.New("", options...), log: c.log, handle: c.handle, now: c.now, pause: socketPause, places: make(chan struct{}, socketPlaces)})
	}
	return out
}

// maxSigningSecrets is one that is in use and one that replaces it.
const maxSigningSecrets = 2

// signingShape is what Slack's signing secrets look like: 32 hexadecimal digits at least.
var signingShape = regexp.MustCompile(`^[0-9a-fA-F]{32,128}$`)

func (a *app) signingSecrets(files []string) (signingSecrets, error) {
	var texts []string
	if len(files) == 0 {
		text, err := a.slackSecret("", "slack-signing-secret-file", signingSecretVariable)
		if err != nil || text == "" {
			return nil, err
		}
		texts = append(texts, text)
	}
	for _, file := range files {
		text, err := a.slackSecret(file, "slack-signing-secret-file", signingSecretVariable)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	if len(texts) > maxSigningSecrets {
		return nil, fmt.Errorf("%d signing secrets (--slack-signing-secret-file): give the one in use and the one that replaces it", len(texts))
	}
	var secrets signingSecrets
	for _, text := range texts {
		if !signingShape.MatchString(text) || strings.Trim(text, text[:1]) == "" {
			return nil, fmt.Errorf("the Slack signing secret (--slack-signing-secret-file or %s) is not one: take it from the app's page "+
				"Basic Information, App Credentials; it has at least 32 hexadecimal digits", signingSecretVariable)
		}
		secrets = append(secrets, []byte(text))
	}
	return secrets, nil
}

// slackSecret reads a secret from the file of the flag, from the file that the environment names, or from the environment. It
// is empty if none of them is set; a file that is empty is an error.
func (a *app) slackSecret(file, flag, variable string) (string, error) {
	file = cmp.Or(file, a.env.get(variable+fileSuffix))
	if file == "" {
		return strings.TrimSpace(a.env.get(variable)), nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the Slack secret (--%s or %s%s): %w", flag, variable, fileSuffix, err)
	}
	text := strings.TrimSpace(string(raw))
	if text == "" {
		return "", fmt.Errorf("the file of --%s or %s%s is empty", flag, variable, fileSuffix)
	}
	return text, nil
}

// minSlackToken keeps out placeholders.
const minSlackToken = 20

func checkToken(name, prefix, token, set string) error {
	switch {
	case token == "":
		return fmt.Errorf("no Slack %s: set %s", name, set)
	case !strings.HasPrefix(token, prefix) || len(token) < minSlackToken || strings.ContainsAny(token, " \t\r\n"):
		return fmt.Errorf("the Slack %s (%s) is not one: it begins with %s and has at least %d characters", name, set, prefix, minSlackToken)
	}
	return nil
}

var slackIDShape = regexp.MustCompile(`^[A-Z0-9]{2,30}$`)

func checkSlackID(flag, id, prefix string) error {
	if id != "" && (!slackIDShape.MatchString(id) || !strings.HasPrefix(id, prefix)) {
		return fmt.Errorf("%s %q is not an id of Slack's that begins with %s", flag, id, prefix)
	}
	return nil
}

// slackAPI checks the address that replaces Slack's own. It is for tests and proxies: answers then lead there too.
func slackAPI(address string) (string, error) {
	if address == "" {
		return "", nil
	}
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return "", errors.New(slackAPIVariable + " is not an address such as https://slack.com/api/")
	}
	return strings.TrimSuffix(address, "/") + "/", nil
}
