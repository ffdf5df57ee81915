package slack

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// App is what an app's owner sets on Slack's pages.
type App struct {
	// SigningSecret signs what is sent over HTTP.
	SigningSecret string
	// Commands are the slash commands, such as "/incident".
	Commands []string
	// SocketMode sends everything through the connections that the app opened, instead of to the URLs.
	SocketMode bool
	// AppTokens are the app-level tokens, xapp-…, that apps.connections.open takes.
	AppTokens []string
	// CommandURL, InteractivityURL, OptionsURL and EventsURL are where HTTP requests go. Without an EventsURL, and
	// without Socket Mode, no events are sent. OptionsURL falls back to InteractivityURL.
	CommandURL, InteractivityURL, OptionsURL, EventsURL string
	// BaseURL is this server's own address for the app to call back: response URLs, Socket Mode, permalinks. If empty it
	// is the host by which the server was last called.
	BaseURL string
	// Patience is how long Slack waits for an answer; three seconds if zero.
	Patience time.Duration
	// EventRetries are the pauses before an event that was not acknowledged is sent again: at once, after a minute and
	// after five if nil.
	EventRetries []time.Duration
}

func (a App) withDefaults() App {
	if a.Patience == 0 {
		a.Patience = 3 * time.Second
	}
	if a.EventRetries == nil {
		a.EventRetries = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	if a.OptionsURL == "" {
		a.OptionsURL = a.InteractivityURL
	}
	a.BaseURL = strings.TrimSuffix(a.BaseURL, "/")
	return a
}

// Configure changes the app's settings. As on Slack's pages, a new EventsURL is first asked to return a challenge, and
// nothing is changed if it does not.
func (s *Server) Configure(ctx context.Context, app App) error {
	app = app.withDefaults()
	if app.EventsURL != "" && app.EventsURL != s.settings().EventsURL {
		if err := s.challenge(ctx, app); err != nil {
			return fmt.Errorf("verify %s: %w", app.EventsURL, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app = app
	return nil
}

func (s *Server) settings() App {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.app
}

// address is the server's own, as the app shall call it.
func (s *Server) address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.app.BaseURL != "" || s.host == "" {
		return s.app.BaseURL
	}
	return "http://" + s.host
}

// knows says whether the app has the command.
func (a App) knows(command string) bool { return slices.Contains(a.Commands, command) }

// challenge is the url_verification handshake: the answer is the challenge, bare or as JSON.
func (s *Server) challenge(ctx context.Context, app App) error {
	word := rand.Text()
	body, err := json.Marshal(reply{"type": "url_verification", "token": verificationToken, "challenge": word})
	if err != nil {
		return fmt.Errorf("encode challenge: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, app.Patience)
	defer cancel()
	got, err := s.post(ctx, app, request{url: app.EventsURL, kind: "application/json", body: body})
	if err != nil {
		return err
	}
	var parsed struct {
		Challenge string `json:"challenge"`
	}
	if strings.TrimSpace(string(got.body)) != word && (json.Unmarshal(got.body, &parsed) != nil || parsed.Challenge != word) {
		return errors.New("the answer does not hold the challenge")
	}
	return nil
}

// verificationToken is the old shared word that Slack still sends; apps should look at the signature instead.
const verificationToken = "sandbox-verification"

// Sign makes the headers of Slack's signature for a body
// (https://docs.slack.dev/authentication/verifying-requests-from-slack), for tests that send requests of their own.
func Sign(secret string, at time.Time, body []byte) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(slices.Concat([]byte("v0:"+stamp+":"), body))
	header := make(http.Header)
	header.Set("X-Slack-Request-Timestamp", stamp)
	header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return header
}

// request is one HTTP request to the app.
type request struct {
	url, kind string
	body      []byte
	header    http.Header
	// forged spoils the signature.
	forged bool
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// post sends a signed request. A redirect is not followed: Slack's do not carry the signature.
func (s *Server) post(ctx context.Context, app App, r request) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(r.body))
	if err != nil {
		return answer{}, fmt.Errorf("build request: %w", err)
	}
	secret := app.SigningSecret
	if r.forged {
		secret += "-forged"
	}
	for name, values := range Sign(secret, s.workspace.now(), r.body) {
		req.Header[name] = values
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", r.kind)
	req.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	return exchange(req)
}
