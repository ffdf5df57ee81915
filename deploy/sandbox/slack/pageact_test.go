package slack_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/slack"
)

// browse sends one request to the pages as a browser would, and returns the page that it ends on.
func browse(t *testing.T, method, address string, form url.Values, header http.Header) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, values := range header {
		req.Header[name] = values
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body)
}

func TestPersonActsThroughForms(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	id, ts, err := app.api.PostMessageContext(t.Context(), "#legal", buttons())
	require.NoError(t, err)
	base := baseURL(t, app, id, ts)
	page := base + "/as/" + lena
	channel := http.Header{"Referer": {page + "/channels/legal"}}

	app.on("/command", func(_ http.ResponseWriter, r received) {
		if err := open(app.api, r.form.Get("trigger_id")); err != nil {
			t.Error(err)
		}
	})
	status, body := browse(t, http.MethodPost, page+"/say", url.Values{"channel": {id}, "text": {"/incident start"}}, channel)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `<h2 id="modal-title">Declare</h2>`)
	view := as(t, server, lena).Modal().ID

	_, body = browse(t, http.MethodPost, page+"/submit", url.Values{"view": {view}, "value:reason/text": {""}, "value:more/flags": {""}}, channel)
	require.Contains(t, body, "Please complete this required field.")
	_, body = browse(t, http.MethodPost, page+"/submit", url.Values{"view": {view}, "value:reason/text": {"<b>leak</b>"}, "value:more/flags": {"", "drill"}}, channel)
	require.NotContains(t, body, "modal-title")
	got := app.last().payload(t).View.State.Values
	require.Equal(t, "<b>leak</b>", got["reason"]["text"].Value)
	require.Len(t, got["more"]["flags"].SelectedOptions, 1)

	_, _ = browse(t, http.MethodPost, page+"/act", url.Values{"surface": {"message"}, "channel": {id}, "ts": {ts}, "action": {"decide/approve"}}, channel)
	require.Equal(t, "approve", app.last().payload(t).ActionCallback.BlockActions[0].ActionID)
	_, _ = browse(t, http.MethodPost, page+"/act", url.Values{"surface": {"message"}, "channel": {id}, "ts": {ts}, "action": {"decide/severity"}, "value:decide/severity": {"2"}}, channel)
	require.Equal(t, "2", app.last().payload(t).ActionCallback.BlockActions[0].SelectedOption.Value)
	_, body = browse(t, http.MethodPost, page+"/say", url.Values{"channel": {id}, "text": {"<i>hi</i> @firebreak"}, "thread": {ts}}, channel)
	require.Contains(t, body, `&lt;i&gt;hi&lt;/i&gt; <b class="mention">@firebreak</b>`)
}

// baseURL is the look-alike's own address, out of a permalink.
func baseURL(t *testing.T, app *testApp, channel, ts string) string {
	t.Helper()
	link, err := app.api.GetPermalinkContext(t.Context(), &slackgo.PermalinkParameters{Channel: channel, Ts: ts})
	require.NoError(t, err)
	base, _, _ := strings.Cut(link, "/channels/")
	return base
}

func TestPagesOfPeople(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	id, ts, err := app.api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText("for all", false))
	require.NoError(t, err)
	_, err = app.api.PostEphemeralContext(t.Context(), id, lena, slackgo.MsgOptionText("for lena", false))
	require.NoError(t, err)
	_, _, err = app.api.PostMessageContext(t.Context(), lena, slackgo.MsgOptionText("direct word", false))
	require.NoError(t, err)
	home := slackgo.HomeTabViewRequest{Type: slackgo.VTHomeTab, Blocks: slackgo.Blocks{BlockSet: []slackgo.Block{slackgo.NewHeaderBlock(plain("Open <incidents>"))}}}
	_, err = app.api.PublishView(lena, home, "")
	require.NoError(t, err)
	server.Remove("incidents", ida)
	base := baseURL(t, app, id, ts)
	tests := map[string]struct {
		path, want, not string
		status          int
	}{
		"who are you":         {"/", "Who are you?", "", 200},
		"leads to a channel":  {"/as/" + lena, "#legal", "", 200},
		"mine":                {"/as/" + lena + "/channels/legal", "for lena", "", 200},
		"not mine":            {"/as/" + ida + "/channels/legal", "for all", "for lena", 200},
		"the app's words":     {"/as/" + lena + "/app", "direct word", "", 200},
		"not the app's words": {"/as/" + ida + "/app", "No messages yet", "direct word", 200},
		"home":                {"/as/" + lena + "/home", "Open &lt;incidents&gt;", "", 200},
		"no home":             {"/as/" + ida + "/home", "published nothing", "", 200},
		"not a member":        {"/as/" + ida + "/channels/incidents", "No such channel", "", 404},
		"nobody":              {"/as/U9/channels/legal", "No such person", "", 404},
		"panel":               {"/break", "Break Slack", "", 200},
		"script":              {"/page.js", "use strict", "", 200},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			status, body := browse(t, http.MethodGet, base+tc.path, nil, nil)
			require.Equal(t, tc.status, status)
			require.Contains(t, body, tc.want)
			if tc.not != "" {
				require.NotContains(t, body, tc.not)
			}
		})
	}
}

func TestOtherSitesCannotAct(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	id, ts, err := app.api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText("x", false))
	require.NoError(t, err)
	base := baseURL(t, app, id, ts)
	foreign := http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}
	for _, path := range []string{"/as/" + lena + "/say", "/as/" + lena + "/act", "/as/" + lena + "/submit", "/as/" + lena + "/close", "/break", "/control"} {
		status, _ := browse(t, http.MethodPost, base+path, url.Values{"channel": {id}, "text": {"x"}}, foreign)
		require.Equal(t, http.StatusForbidden, status, path)
	}
	require.Len(t, server.Messages(id), 1)
	status, body := browse(t, http.MethodPost, base+"/as/"+lena+"/act", url.Values{"channel": {id}, "ts": {ts}, "action": {"x"}}, nil)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, body, "no element")
}

func TestControl(t *testing.T) {
	t.Parallel()
	server, app := startApp(t, impatient)
	id, ts, err := app.api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText("x", false))
	require.NoError(t, err)
	base := baseURL(t, app, id, ts)
	control := func(body string) int {
		res, err := http.Post(base+"/control", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		defer res.Body.Close()
		return res.StatusCode
	}
	call := func() error { _, err := app.api.AuthTestContext(t.Context()); return err }
	tests := []struct{ body, want string }{
		{`{"break":"down"}`, "503"},
		{`{"break":"rate_limit","on":"auth.test","milliseconds":1000}`, "rate limit"},
		{`{"break":"fail","error":"fatal_error"}`, "fatal_error"},
		{`{"break":"fail_http","status":502}`, "502"},
		{`{"break":"fail_http"}`, "500"},
		{`{"break":"timeout_after_doing"}`, "EOF"},
	}
	for _, tc := range tests {
		require.Equal(t, http.StatusOK, control(tc.body), tc.body)
		require.ErrorContains(t, call(), tc.want, tc.body)
		require.Equal(t, http.StatusOK, control(`{"break":"mend"}`))
		require.NoError(t, call())
	}
	for _, body := range []string{`{"break":"lose"}`, `{"break":"forge","on":"slash_commands"}`, `{"break":"delay","milliseconds":300}`} {
		require.Equal(t, http.StatusOK, control(body), body)
		require.Error(t, as(t, server, lena).Slash(t.Context(), "legal", "/incident"), body)
		require.Equal(t, http.StatusOK, control(`{"break":"mend"}`))
	}
	for _, body := range []string{`{"break":"explode"}`, `{"break":"fail"}`, `{"break":"fail_http","status":200}`, `{"brake":"down"}`, `x`} {
		require.Equal(t, http.StatusBadRequest, control(body), body)
	}
	status, body := browse(t, http.MethodPost, base+"/break", url.Values{"break": {"duplicate"}, "count": {"1"}}, nil)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "1 faults are waiting")
	status, body = browse(t, http.MethodPost, base+"/break", url.Values{"break": {"delay"}, "count": {"-1"}}, nil)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, body, "whole number")
	require.Error(t, server.Apply(slack.Control{}))
}
