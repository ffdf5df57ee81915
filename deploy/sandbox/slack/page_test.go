package slack_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"
)

func read(t *testing.T, listener *httptest.Server, path string) (int, string, http.Header) {
	t.Helper()
	res, err := listener.Client().Get(listener.URL + path)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body), res.Header
}

func TestPageRendersText(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want, not string }{
		"bold":            {"a *b c* d", `a <strong>b c</strong> d`, ""},
		"not bold":        {"2*3*4 and * x *", `2*3*4 and * x *`, "<strong>"},
		"italic":          {"_x_", `<em>x</em>`, ""},
		"name with _":     {"snake_case_name", `snake_case_name`, "<em>"},
		"strike":          {"~x~", `<s>x</s>`, ""},
		"nested":          {"*a _b_*", `<strong>a <em>b</em></strong>`, ""},
		"code":            {"`*x* &lt;y&gt;`", `<code>*x* &lt;y&gt;</code>`, "<strong>"},
		"pre":             {"```\na *b*\nc\n```", "<pre><code>a *b*\nc</code></pre>", "<strong>"},
		"unclosed fence":  {"```a", "```a", "<pre>"},
		"quote":           {"&gt; a\n&gt; b\nc", `<blockquote>a<br>b</blockquote>c`, ""},
		"break":           {"a\nb", `a<br>b`, ""},
		"link":            {"<https://x.example/a?b=1&amp;c=2|the page>", `<a href="https://x.example/a?b=1&amp;c=2" rel="noreferrer">the page</a>`, ""},
		"bare link":       {"<https://x.example>", `>https://x.example</a>`, ""},
		"script link":     {"<javascript:alert(1)|click>", `click`, "javascript:"},
		"data link":       {"<data:text/html,x|click>", `click`, "data:"},
		"user":            {"<@U01LEG00001>", `<b class="mention">@Lena</b>`, ""},
		"everybody":       {"<!channel>", `<b class="mention">@channel</b>`, ""},
		"html":            {"<b>x</b> <img src=x onerror=alert(1)>", `img src=x onerror=alert(1)`, "<img"},
		"escaped html":    {"&lt;script&gt;alert(1)&lt;/script&gt;", `&lt;script&gt;alert(1)&lt;/script&gt;`, "<script>"},
		"entity twice":    {"&amp;lt;b&amp;gt;", `&amp;lt;b&amp;gt;`, ""},
		"quote in a link": {`<https://x.example/"onmouseover="alert(1)|x>`, `href="https://x.example/%22onmouseover=%22alert%281%29"`, `"onmouseover`},
		"emoji":           {":white_check_mark: done", `✅ done`, ""},
		"many marks":      {"*_~*_~*_~*_~*_~x", `x`, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, listener := start(t)
			_, _, err := client(listener, token).PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText(tc.text, false))
			require.NoError(t, err)
			status, page, _ := read(t, listener, "/channels/legal")
			require.Equal(t, http.StatusOK, status)
			require.Contains(t, page, tc.want)
			if tc.not != "" {
				require.NotContains(t, page, tc.not)
			}
		})
	}
}

func TestPageRendersBlocks(t *testing.T) {
	t.Parallel()
	_, listener := start(t)
	api := client(listener, token)
	plain := func(s string) *slackgo.TextBlockObject {
		return slackgo.NewTextBlockObject("plain_text", s, false, false)
	}
	marked := func(s string) *slackgo.TextBlockObject { return slackgo.NewTextBlockObject("mrkdwn", s, false, false) }
	danger := slackgo.NewButtonBlockElement("deny", "v", plain("Deny")).WithStyle(slackgo.StyleDanger)
	id, ts, err := api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText("notification only", false),
		slackgo.MsgOptionBlocks(
			slackgo.NewHeaderBlock(plain("Dataset <compromise>")),
			slackgo.NewSectionBlock(marked("*Kind* dataset"), []*slackgo.TextBlockObject{marked("*Asset*\nds-1"), plain("*as typed*")}, nil),
			slackgo.NewContextBlock("", marked("by `trigger`")),
			slackgo.NewDividerBlock(),
			slackgo.NewActionBlock("", danger, slackgo.NewButtonBlockElement("open", "v", plain("Open")).WithURL("https://t.example/")),
		))
	require.NoError(t, err)
	_, _, err = api.PostMessageContext(t.Context(), id, slackgo.MsgOptionText("an answer", false), slackgo.MsgOptionTS(ts))
	require.NoError(t, err)
	_, err = api.PostEphemeralContext(t.Context(), id, "U01LEG00001", slackgo.MsgOptionText("for you", false))
	require.NoError(t, err)

	_, page, _ := read(t, listener, "/channels/legal")
	for _, want := range []string{
		"<h2>Dataset &lt;compromise&gt;</h2>",
		"<strong>Kind</strong> dataset",
		"<li><strong>Asset</strong><br>ds-1</li>",
		"<li>*as typed*</li>",
		"by <code>trigger</code>",
		"<hr>",
		`<button type="button" disabled class="button danger">Deny</button>`,
		`<a class="button" href="https://t.example/" rel="noreferrer">Open</a>`,
		`<section class="replies" aria-label="Replies">`,
		"an answer",
		"Only visible to Lena",
	} {
		require.Contains(t, page, want)
	}
	require.NotContains(t, page, "notification only")
}

func TestPagesForPeople(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path   string
		status int
		want   string
		not    string
	}{
		"channels":       {"/", http.StatusOK, `<a href="/channels/legal">#legal</a>`, ""},
		"empty channel":  {"/channels/legal", http.StatusOK, "No messages yet.", ""},
		"no channel":     {"/channels/nowhere", http.StatusNotFound, "No such channel", ""},
		"for a phone":    {"/", http.StatusOK, `<meta name="viewport" content="width=device-width, initial-scale=1">`, ""},
		"refreshes":      {"/", http.StatusOK, `<meta http-equiv="refresh" content="3">`, ""},
		"paused":         {"/?refresh=off", http.StatusOK, "Resume updates", "http-equiv"},
		"style":          {"/page.css", http.StatusOK, "prefers-color-scheme", ""},
		"unknown page":   {"/elsewhere", http.StatusNotFound, "", ""},
		"page when down": {"/channels/incidents", http.StatusOK, "#incidents", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, listener := start(t)
			server.Down(true)
			status, page, header := read(t, listener, tc.path)
			require.Equal(t, tc.status, status)
			require.Contains(t, page, tc.want)
			if tc.not != "" {
				require.NotContains(t, page, tc.not)
			}
			if tc.path == "/" {
				require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'")
			}
		})
	}
}
