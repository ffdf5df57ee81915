package notify

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

// callTimeout bounds one call of Slack's; Temporal repeats calls, so the client itself never does.
const callTimeout = 10 * time.Second

// NewSlackClient builds a client with the bot token of SLACK_BOT_TOKEN, or of the file that SLACK_BOT_TOKEN_FILE names.
// SLACK_API_URL, if set, replaces https://slack.com/api/. It calls nothing. The error says what to set, and never holds
// the token.
func NewSlackClient() (*slack.Client, error) {
	token, err := botToken()
	if err != nil {
		return nil, err
	}
	options := []slack.Option{slack.OptionHTTPClient(&http.Client{
		Timeout: callTimeout,
		// The token is in the body of every call: a redirect must not carry it elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})}
	if address := os.Getenv("SLACK_API_URL"); address != "" {
		u, err := url.Parse(address)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return nil, errors.New("SLACK_API_URL is not an address such as https://slack.com/api/")
		}
		options = append(options, slack.OptionAPIURL(strings.TrimSuffix(address, "/")+"/"))
	}
	return slack.New(token, options...), nil
}

func botToken() (string, error) {
	token, file := os.Getenv("SLACK_BOT_TOKEN"), os.Getenv("SLACK_BOT_TOKEN_FILE")
	switch {
	case token != "" && file != "":
		return "", errors.New("both SLACK_BOT_TOKEN and SLACK_BOT_TOKEN_FILE are set: set one")
	case file != "":
		content, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read SLACK_BOT_TOKEN_FILE: %w", err)
		}
		token = string(content)
	case token == "":
		return "", errors.New("no Slack token: set SLACK_BOT_TOKEN, or SLACK_BOT_TOKEN_FILE to a file that holds it")
	}
	token = strings.TrimSpace(token)
	if !strings.HasPrefix(token, "xox") || strings.ContainsAny(token, " \t\r\n") {
		return "", errors.New("the Slack token is not a bot token, which begins with xoxb-")
	}
	return token, nil
}
