package slack_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The wire, for callers that are not slack-go.
func TestRequestForms(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind, auth, body string
		want             string
	}{
		"json":                {"application/json; charset=utf-8", "Bearer " + token, `{"channel":"#legal","text":"t","blocks":[{"type":"divider"}],"metadata":{"event_type":"e","event_payload":{}}}`, `"ok":true`},
		"form":                {"application/x-www-form-urlencoded", "Bearer " + token, url.Values{"channel": {"#legal"}, "text": {"t"}}.Encode(), `"ok":true`},
		"token in the form":   {"application/x-www-form-urlencoded", "", url.Values{"channel": {"#legal"}, "text": {"t"}, "token": {token}}.Encode(), `"ok":true`},
		"token in json":       {"application/json", "", `{"channel":"#legal","text":"t","token":"` + token + `"}`, `"not_authed"`},
		"not json":            {"application/json", "Bearer " + token, `{`, `"invalid_json"`},
		"wrong content type":  {"text/plain", "Bearer " + token, `x`, `"invalid_post_type"`},
		"blocks are not json": {"application/x-www-form-urlencoded", "Bearer " + token, url.Values{"channel": {"#legal"}, "blocks": {"{"}}.Encode(), `"invalid_blocks_format"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, listener := start(t)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, listener.URL+"/api/chat.postMessage", strings.NewReader(tc.body))
			require.NoError(t, err)
			req.Header.Set("Content-Type", tc.kind)
			req.Header.Set("Authorization", tc.auth)
			res, err := listener.Client().Do(req)
			require.NoError(t, err)
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.Contains(t, string(body), tc.want)
		})
	}
}
