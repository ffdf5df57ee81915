package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func sign(secret, stamp, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":" + body))
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// The example of https://docs.slack.dev/authentication/verifying-requests-from-slack.
func TestSignatureOfSlacksOwnExample(t *testing.T) {
	t.Parallel()
	const body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA" +
		"&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F" +
		"96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	h := http.Header{}
	h.Set(timestampHeader, "1531420618")
	h.Set(signatureHeader, "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")
	s, ok := claimed(h, time.Unix(1531420618, 0))
	require.True(t, ok)
	secrets := signingSecrets{[]byte("8f742231b10e8888abcd99yyyzzz85a5")}
	require.True(t, secrets.verify(s, []byte(body)))
	require.False(t, secrets.verify(s, []byte(body+"&")))
}

func TestSignaturesThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(r *http.Request, body []byte) []byte
		status int
	}{
		"genuine":             {func(_ *http.Request, b []byte) []byte { return b }, http.StatusOK},
		"the other secret":    {func(r *http.Request, b []byte) []byte { restamp(r, b, oldSecret, 0); return b }, http.StatusOK},
		"300 s old":           {func(r *http.Request, b []byte) []byte { restamp(r, b, testSecret, -300*time.Second); return b }, http.StatusOK},
		"300 s ahead":         {func(r *http.Request, b []byte) []byte { restamp(r, b, testSecret, 300*time.Second); return b }, http.StatusOK},
		"301 s old":           {func(r *http.Request, b []byte) []byte { restamp(r, b, testSecret, -301*time.Second); return b }, http.StatusUnauthorized},
		"301 s ahead":         {func(r *http.Request, b []byte) []byte { restamp(r, b, testSecret, 301*time.Second); return b }, http.StatusUnauthorized},
		"a decade ahead":      {func(r *http.Request, b []byte) []byte { restamp(r, b, testSecret, 87600*time.Hour); return b }, http.StatusUnauthorized},
		"another secret":      {func(r *http.Request, b []byte) []byte { restamp(r, b, strings.Repeat("ab", 16), 0); return b }, http.StatusUnauthorized},
		"one bit of the body": {func(_ *http.Request, b []byte) []byte { b[len(b)/2] ^= 1; return b }, http.StatusUnauthorized},
		"a body that goes on": {func(_ *http.Request, b []byte) []byte { return append(b, "&x=1"...) }, http.StatusUnauthorized},
		"a later time stamp":  {set(timestampHeader, "1789365637"), http.StatusUnauthorized},
		"no time stamp":       {set(timestampHeader, ""), http.StatusUnauthorized},
		"signed time stamp":   {set(timestampHeader, "+1789365636"), http.StatusUnauthorized},
		"huge time stamp":     {set(timestampHeader, "99999999999999999999999"), http.StatusUnauthorized},
		"no signature":        {set(signatureHeader, ""), http.StatusUnauthorized},
		"another version": {func(r *http.Request, b []byte) []byte {
			r.Header.Set(signatureHeader, "v1"+r.Header.Get(signatureHeader)[2:])
			return b
		}, http.StatusUnauthorized},
		"no hexadecimal":    {set(signatureHeader, "v0="+strings.Repeat("z", 64)), http.StatusUnauthorized},
		"a short signature": {set(signatureHeader, "v0=ab"), http.StatusUnauthorized},
		"two signatures": {func(r *http.Request, b []byte) []byte {
			r.Header.Add(signatureHeader, "v0="+strings.Repeat("0", 64))
			return b
		}, http.StatusUnauthorized},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, f, logs := newCockpit(t, desks())
			body := commandBody(f, slackIC, "help")
			r := slackSigned("/slack/commands", formType, body, testSecret, received)
			changed := tt.change(r, []byte(body))
			r.Body = http.NoBody
			again := httptest.NewRequest(http.MethodPost, "/slack/commands", bytes.NewReader(changed))
			again.Header = r.Header
			w := c.serve(again)
			require.Equal(t, tt.status, w.Code, logs)
			if tt.status == http.StatusUnauthorized {
				require.JSONEq(t, `{"error":"unauthorized"}`, w.Body.String())
				require.Contains(t, logs.String(), "slack request refused")
			}
			// The right signature of what was sent is told to nobody.
			right := strings.TrimPrefix(sign(testSecret, r.Header.Get(timestampHeader), string(changed)), "v0=")
			require.NotContains(t, w.Body.String()+logs.String(), right)
			require.NotContains(t, w.Body.String()+logs.String(), right[:12])
		})
	}
}

func restamp(r *http.Request, body []byte, secret string, by time.Duration) {
	fresh := slackSigned("/", formType, string(body), secret, received.Add(by))
	r.Header = fresh.Header
}

func set(header, value string) func(*http.Request, []byte) []byte {
	return func(r *http.Request, body []byte) []byte {
		r.Header.Set(header, value)
		return body
	}
}

func TestEdgeRefusals(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("a", slackBodyLimit+1)
	tests := map[string]struct {
		path, media, body string
		status            int
	}{
		"too large":           {"/slack/commands", formType, large, http.StatusRequestEntityTooLarge},
		"JSON for a form":     {"/slack/commands", jsonType, "{}", http.StatusUnsupportedMediaType},
		"a form for JSON":     {"/slack/events", formType, "a=b", http.StatusUnsupportedMediaType},
		"user twice":          {"/slack/commands", formType, "user_id=" + slackIC + "&user_id=" + outsider + "&trigger_id=1", http.StatusBadRequest},
		"no user":             {"/slack/commands", formType, "trigger_id=1&user_id=ic-1", http.StatusBadRequest},
		"no trigger":          {"/slack/commands", formType, "user_id=" + slackIC, http.StatusBadRequest},
		"two payloads":        {"/slack/interactions", formType, "payload=%7B%7D&payload=%7B%7D", http.StatusBadRequest},
		"no payload":          {"/slack/interactions", formType, "", http.StatusBadRequest},
		"no JSON":             {"/slack/interactions", formType, "payload=%7B", http.StatusBadRequest},
		"two actions":         {"/slack/interactions", formType, interactionBody(map[string]any{"type": "block_actions", "user": map[string]any{"id": slackIC}, "actions": []any{map[string]any{}, map[string]any{}}}), http.StatusBadRequest},
		"a view without one":  {"/slack/interactions", formType, interactionBody(map[string]any{"type": "view_submission", "user": map[string]any{"id": slackIC}}), http.StatusBadRequest},
		"deep JSON":           {"/slack/events", jsonType, strings.Repeat(`{"event":`, 20000), http.StatusBadRequest},
		"an event without id": {"/slack/events", jsonType, `{"type":"event_callback"}`, http.StatusBadRequest},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, f, logs := newCockpit(t, desks())
			w := c.serve(slackSigned(tt.path, tt.media, tt.body, testSecret, received))
			require.Equal(t, tt.status, w.Code, w.Body)
			require.Contains(t, logs.String(), "slack request refused")
			require.Empty(t, f.made(""))
		})
	}
}

func TestWhatIsNotConfiguredIsNotServed(t *testing.T) {
	t.Parallel()
	c, f, _ := newCockpit(t, desks())
	request := func() *http.Request {
		return slackSigned("/slack/commands", formType, commandBody(f, slackIC, "help"), testSecret, received)
	}
	require.Equal(t, http.StatusOK, c.serve(request()).Code)
	c.secrets = nil
	require.Equal(t, http.StatusNotFound, c.serve(request()).Code)
	c = nil
	require.Equal(t, http.StatusNotFound, c.serve(request()).Code)
	c.start(t.Context())()
}

func TestForeignPayloadsAreRefusedAtTheEdge(t *testing.T) {
	t.Parallel()
	rec := waitingRecord()
	for name, change := range map[string]func(map[string]any){
		"another workspace": func(p map[string]any) { p["team"] = map[string]any{"id": "T0OTHER"} },
		"no workspace":      func(p map[string]any) { p["team"] = nil },
		"another app":       func(p map[string]any) { p["api_app_id"] = "A0OTHER" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desk := desks(rec)
			c, f, logs := newCockpit(t, desk)
			p := click(f, slackMLO, "firebreak.approve", approveButton(t, rec, "approve-rollback"))
			change(p)
			require.Equal(t, http.StatusForbidden, c.interact(p).Code)
			require.Empty(t, desk.decided)
			require.Contains(t, logs.String(), "another workspace or app")
		})
	}
}
