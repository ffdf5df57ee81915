package slack_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/slack"
)

// Whatever an app sends is stored or refused with an error code, and what was stored can be shown.
func FuzzWhatAppsSend(f *testing.F) {
	f.Add("*a* <@U1> `b`", `[{"type":"section","text":{"type":"mrkdwn","text":"<!channel>"}}]`)
	f.Add("", `[{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"x"},"value":"1"}]}]`)
	f.Add("x", `[{"type":"input","label":{"type":"plain_text","text":"x"},"element":{"type":"checkboxes","options":[{"text":{"type":"plain_text","text":"x"},"value":"1"}]}}]`)
	f.Add("```<", `[null]`)
	f.Add("x", `[{"type":"actions","elements":[null]}]`)
	f.Add("x", `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"user","user_id":"U1"}]}]}]`)
	f.Fuzz(func(t *testing.T, text, blocks string) {
		server := slack.New(slack.Options{Tokens: []string{token}, Channels: []string{"legal"}, Users: []slack.User{{ID: lena, Name: "lena"}}})
		serve := func(method, path string, form url.Values) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			server.ServeHTTP(w, r)
			return w
		}
		call := func(method string, form url.Values) {
			form.Set("token", token)
			w := serve(http.MethodPost, "/api/"+method, form)
			var answer struct {
				OK    bool
				Error string
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
			require.NotEqual(t, answer.OK, answer.Error != "")
		}
		call("chat.postMessage", url.Values{"channel": {"#legal"}, "text": {text}, "blocks": {blocks}})
		call("views.publish", url.Values{"user_id": {lena}, "view": {`{"type":"home","blocks":` + blocks + `}`}})
		for _, page := range []string{"/channels/legal", "/as/" + lena + "/channels/legal", "/as/" + lena + "/home"} {
			w := serve(http.MethodGet, page, nil)
			require.Equal(t, http.StatusOK, w.Code)
			require.Contains(t, w.Body.String(), "</html>", "the page is whole")
		}
	})
}
