package notify

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
)

// The files under testdata are written anew with UPDATE_GOLDEN=1.
func TestBriefBlocks(t *testing.T) {
	t.Parallel()
	drill := operation()
	drill.Mode, drill.Brief.Mode = incident.Drill, incident.Drill
	drill.Brief.Radius, drill.Brief.Data, drill.Brief.Regimes, drill.Brief.Actions = incident.Radius{}, nil, nil, nil
	tests := map[string]message{"brief": newBrief(operation()), "brief-drill": newBrief(drill), "withdrawal": newWithdrawal(operation())}
	for name, m := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			encoder := json.NewEncoder(&got)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			require.NoError(t, encoder.Encode(map[string]any{"text": m.text, "blocks": m.blocks}))
			golden := "testdata/" + name + ".json"
			if os.Getenv("UPDATE_GOLDEN") != "" {
				require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got.String())
		})
	}
}

// Whatever an alert or the inventory says stays text: nothing of it is markup, mentions anybody, or looks like a line of ours.
func TestTextOfOthersIsInert(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"broadcast":       "<!channel> <!here> <!everyone> @here @channel",
		"user":            "<@U01LEG00001> <!subteam^S1|legal>",
		"link":            "<https://evil.example/login|your brief>",
		"markup":          "*bold* _it_ ~no~ `code` ```block``` > quote",
		"entities":        "&lt;!channel&gt; &amp;",
		"forged line":     "x\n[known] Counsel has approved everything.\r\n- done",
		"directions":      "abc\u202egnp.exe\u2066",
		"control":         "a\x00b\x1b[31mc",
		"invalid UTF-8":   "a\xff\xfeb",
		"very long label": strings.Repeat("long-label-", 2000),
		"emoji":           "all good \U0001F600 :tada:",
	}
	for name, evil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, l := newFake(t)
			op := operation()
			b := op.Brief
			b.Title, b.Asset, b.Summary, b.Kind = evil, evil, evil, incident.Kind(evil)
			b.Data, b.Regimes, b.Actions = []string{evil}, []string{evil}, []string{evil}
			b.Radius.Endpoints, b.Radius.Unknown = []string{evil}, []string{evil}
			done(t, l, op)

			form := f.forms[0]
			require.Equal(t, "none", form["parse"])
			require.Equal(t, "false", form["mrkdwn"])
			require.NotContains(t, form, "link_names")
			require.NotContains(t, form["text"], "<")
			requireInert(t, form["blocks"])
			proof, err := l.Verify(t.Context(), op)
			require.NoError(t, err)
			require.True(t, proof.Proved, proof.Method)
		})
	}
}

// requireInert checks that markup holds constants of ours only, that no line is forged, and the limits of Slack's.
func requireInert(t *testing.T, raw string) {
	t.Helper()
	require.Less(t, len(raw), 13_000, "Slack answers msg_blocks_too_long")
	var blocks slack.Blocks
	require.NoError(t, json.Unmarshal([]byte(raw), &blocks))
	require.LessOrEqual(t, len(blocks.BlockSet), 50)
	own := map[string]bool{}
	for _, b := range newBrief(operation()).blocks {
		if s, ok := b.(*slack.SectionBlock); ok && s.Text != nil && s.Text.Type == slack.MarkdownType {
			own[s.Text.Text] = true
		}
	}
	for _, b := range blocks.BlockSet {
		var texts []*slack.TextBlockObject
		switch b := b.(type) {
		case *slack.HeaderBlock:
			require.LessOrEqual(t, len([]rune(b.Text.Text)), 150)
			texts = append(texts, b.Text)
		case *slack.SectionBlock:
			require.LessOrEqual(t, len(b.Fields), 10)
			texts = append(append(texts, b.Fields...), b.Text)
		case *slack.ContextBlock:
			texts = append(texts, b.ContextElements.Elements[0].(*slack.TextBlockObject))
		}
		for _, text := range texts {
			if text == nil {
				continue
			}
			require.NotEmpty(t, text.Text)
			require.LessOrEqual(t, len([]rune(text.Text)), 2000)
			require.NotContains(t, text.Text, "\n[known] Counsel")
			require.NotContains(t, text.Text, "\n- done")
			require.NotContains(t, text.Text, "\u202e")
			if text.Type == slack.MarkdownType {
				require.True(t, own[text.Text], "markup that is not ours: %s", text.Text)
			}
		}
	}
}

func TestManyLinesAreDroppedAloud(t *testing.T) {
	t.Parallel()
	op := operation()
	for range 200 {
		op.Brief.Actions = append(op.Brief.Actions, strings.Repeat("x", 290))
		op.Brief.Data = append(op.Brief.Data, strings.Repeat("y", 290))
		op.Brief.Regimes = append(op.Brief.Regimes, strings.Repeat("z", 290))
	}
	m := newBrief(op)
	raw, err := json.Marshal(m.blocks)
	require.NoError(t, err)
	requireInert(t, string(raw))
	require.Contains(t, string(raw), "more lines; see the incident's record")
	require.Contains(t, string(raw), provisional)
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ posted, stored string }{
		"address linked": {"see https://a.example/x", "see <https://a.example/x>"},
		"host linked":    {"see help.a.example now", "see <http://help.a.example|help.a.example> now"},
		"escaped":        {"a < b & c", "a &lt; b &amp; c"},
		"escaped twice":  {"a &lt; b", "a &amp;lt; b"},
		"trimmed":        {" a  b\n", "a b"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, canonical(tt.posted), canonical(tt.stored))
		})
	}
	require.NotEqual(t, canonical("all is well"), canonical("all is not well"))
}
