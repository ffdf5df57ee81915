package slack_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/slack"
)

func TestSlashReachesTheAppSigned(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	require.NoError(t, as(t, server, lena).Slash(t.Context(), "#legal", "/incident start  credit-api "))

	got := app.last()
	require.Equal(t, "/command", got.path)
	require.Equal(t, "/incident", got.form.Get("command"))
	require.Equal(t, "start  credit-api", got.form.Get("text"))
	require.Equal(t, lena, got.form.Get("user_id"))
	require.Equal(t, "legal", got.form.Get("channel_name"))
	require.Equal(t, channelID(t, server, "legal"), got.form.Get("channel_id"))
	require.NotEmpty(t, got.form.Get("trigger_id"))
	require.Empty(t, server.Messages("legal"), "an empty answer shows nothing")
	require.Equal(t, "ok", server.Deliveries()[0].Answer)
}

func TestSlashShowsTheAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind, body string
		text       string
		onlyFor    string
	}{
		"plain text":         {"text/plain", "hello", "hello", lena},
		"json is for one":    {"application/json", `{"text":"hello"}`, "hello", lena},
		"json for everybody": {"application/json", `{"response_type":"in_channel","text":"hello"}`, "hello", ""},
		"blocks":             {"application/json", `{"blocks":[{"type":"divider"}]}`, "", lena},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, app := startApp(t)
			app.says("/command", tc.kind, tc.body)
			require.NoError(t, as(t, server, lena).Slash(t.Context(), "legal", "/incident"))
			got := as(t, server, lena).Sees("legal")
			require.Len(t, got, 1)
			require.Equal(t, tc.text, got[0].Text)
			require.Equal(t, tc.onlyFor, got[0].EphemeralFor)
			seen := 1
			if tc.onlyFor != "" {
				seen = 0
			}
			require.Len(t, as(t, server, ida).Sees("legal"), seen)
		})
	}
}

func TestSlashTellsThePersonWhatFailed(t *testing.T) {
	t.Parallel()
	status := func(code int) func(*slack.Server, *testApp) {
		return func(_ *slack.Server, app *testApp) {
			app.on("/command", func(w http.ResponseWriter, _ received) { w.WriteHeader(code) })
		}
	}
	tests := map[string]struct {
		breaks func(*slack.Server, *testApp)
		reason string
	}{
		"too slow": {func(_ *slack.Server, app *testApp) {
			app.on("/command", func(http.ResponseWriter, received) { time.Sleep(400 * time.Millisecond) })
		}, "operation_timeout"},
		"500":             {status(500), "http_service_error"},
		"404":             {status(404), "http_client_error"},
		"a redirect":      {status(302), "http_client_error"},
		"not there":       {func(_ *slack.Server, app *testApp) { app.Close() }, "dispatch_failed"},
		"bad json":        {func(_ *slack.Server, app *testApp) { app.says("/command", "application/json", `{"text":`) }, "invalid_response"},
		"bad blocks":      {func(_ *slack.Server, app *testApp) { app.says("/command", "application/json", `{"blocks":[{}]}`) }, "invalid_response"},
		"forged":          {func(s *slack.Server, _ *testApp) { s.Forge("slash_commands", 1) }, "http_client_error"},
		"lost on way":     {func(s *slack.Server, _ *testApp) { s.Lose("slash_commands", 1) }, "operation_timeout"},
		"late by a fault": {func(s *slack.Server, _ *testApp) { s.Delay("slash_commands", 1, 200*time.Millisecond) }, "operation_timeout"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, app := startApp(t, impatient)
			tc.breaks(server, app)
			person := as(t, server, lena)
			said := noticed(t, person.Slash(t.Context(), "legal", "/incident x"), tc.reason)
			require.Equal(t, fmt.Sprintf("/incident failed with the error %q", tc.reason), said)
			seen := person.Sees("legal")
			require.Len(t, seen, 1)
			require.Equal(t, said, seen[0].Text)
			require.Empty(t, as(t, server, ida).Sees("legal"))
		})
	}
}

func TestLateDeliveryArrivesNevertheless(t *testing.T) {
	t.Parallel()
	server, app := startApp(t, impatient)
	server.Delay("slash_commands", 1, 150*time.Millisecond)
	noticed(t, as(t, server, lena).Slash(t.Context(), "legal", "/incident x"), "operation_timeout")
	require.Empty(t, app.all())
	require.Eventually(t, func() bool { return len(app.all()) == 1 }, 5*time.Second, 5*time.Millisecond)
}

func TestDuplicatesCarryTheSameTrigger(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	server.Duplicate("slash_commands", 1, 2)
	require.NoError(t, as(t, server, lena).Slash(t.Context(), "legal", "/incident x"))
	require.Eventually(t, func() bool { return len(app.all()) == 3 }, 5*time.Second, 5*time.Millisecond)
	for _, r := range app.all() {
		require.Equal(t, app.all()[0].form, r.form)
	}
	require.NoError(t, as(t, server, lena).Slash(t.Context(), "legal", "/incident x"))
	require.Len(t, app.all(), 4, "the fault met one command only")
}

func TestWhoMayType(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	person := as(t, server, lena)
	require.ErrorContains(t, person.Slash(t.Context(), "nowhere", "/incident"), "in no channel")
	noticed(t, person.Slash(t.Context(), "legal", "/other"), "")
	require.Contains(t, person.Sees("legal")[0].Text, "not a valid command")
	ts, err := person.Say("legal", "hello", "")
	require.NoError(t, err)
	_, err = person.Say("legal", "/incident x", ts)
	require.ErrorContains(t, err, "not supported in threads")
	_, err = person.Say("legal", "x", "1.000001")
	require.ErrorContains(t, err, "no message")
	_, err = server.As("U9")
	require.ErrorContains(t, err, "AddUsers")
	server.Remove("legal", lena)
	require.ErrorContains(t, person.Slash(t.Context(), "legal", "/incident"), "in no channel")
	require.Empty(t, app.all())
}

func TestResponseURL(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	blocks := slackgo.MsgOptionBlocks(slackgo.NewActionBlock("b", slackgo.NewButtonBlockElement("go", "v",
		slackgo.NewTextBlockObject("plain_text", "Go", false, false))))
	id, ts, err := app.api.PostMessageContext(t.Context(), "#legal", blocks)
	require.NoError(t, err)
	require.NoError(t, as(t, server, lena).Click(t.Context(), id, ts, "go"))
	respond := func(body string) (int, string) {
		res, err := http.Post(app.last().payload(t).ResponseURL, "application/json", bytes.NewReader([]byte(body)))
		require.NoError(t, err)
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(raw)
	}
	post := func(body string) {
		status, said := respond(body)
		require.Equal(t, http.StatusOK, status, said)
	}

	post(`{"text":"only you"}`)
	got := server.Messages(id)
	require.Equal(t, lena, got[1].EphemeralFor)
	post(`{"text":"replaced","replace_original":true}`)
	got = server.Messages(id)
	require.Len(t, got, 2)
	require.Equal(t, "replaced", got[0].Text)
	require.Nil(t, got[0].Blocks)
	status, said := respond(`{"text":"` + `","blocks":[{"type":"nope"}]}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, said, "invalid_payload")
	post(`{"text":"all","response_type":"in_channel"}`)
	require.Empty(t, server.Messages(id)[2].EphemeralFor)
	post(`{"delete_original":true}`)
	require.Len(t, server.Messages(id), 2)

	status, said = respond(`{"text":"a sixth"}`)
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, said, "used_url")
	res, err := http.Post(app.last().payload(t).ResponseURL+"x", "application/json", http.NoBody)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusNotFound, res.StatusCode)
}

func TestFaultsOfResponseURLs(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	require.NoError(t, as(t, server, lena).Slash(t.Context(), "legal", "/incident x"))
	address := app.last().form.Get("response_url")
	post := func() error {
		return slackgo.PostWebhookContext(t.Context(), address, &slackgo.WebhookMessage{Text: "x"})
	}
	server.RateLimit("response_url", 1, time.Second)
	var limited *slackgo.RateLimitedError
	require.ErrorAs(t, post(), &limited)
	server.FailHTTP("response_url", 1, 500)
	require.ErrorContains(t, post(), "500")
	server.TimeoutAfterDoing("response_url", 1)
	require.ErrorContains(t, post(), "EOF")
	require.Len(t, server.Messages("legal"), 1, "it was done")
	require.NoError(t, post())
}

func TestSign(t *testing.T) {
	t.Parallel()
	// The example of https://docs.slack.dev/authentication/verifying-requests-from-slack.
	body := "token=xyzz0WbapA4v" + "BCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V" +
		"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=" +
		"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN" +
		"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	header := slack.Sign("8f742231b10e8888"+"abcd99yyyzzz85a5", time.Unix(1531420618, 0), []byte(body))
	require.Equal(t, "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", header.Get("X-Slack-Signature"))
}
