package notify

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/legal"
	"firebreak/playbooks"
)

// The table has every clock with its anchor, deadline, time left and owner, and says where an anchor is missing.
func TestClockTable(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(newBrief(operation()).blocks)
	require.NoError(t, err)
	text := string(raw)
	require.LessOrEqual(t, len(raw), mostBlocks)
	for _, c := range operation().Brief.Clocks {
		require.Contains(t, text, "("+c.Regime+")")
	}
	for _, want := range []string{
		"GDPR Art. 33(1) (gdpr-33-1); PROVISIONAL from detected_at, aware_at not set; due 2026-09-12T20:00:00Z (71 h 59 min left); owner leg-1",
		"DORA, initial notification (dora-initial); PROVISIONAL from detected_at, classified_at not set; due 2026-09-10T00:00:00Z (3 h 59 min left); owner leg-1",
		"DORA, final report (dora-final); anchor missing: runs from the filing of dora-intermediate; no due time; owner leg-1",
		"[unknown] aware_at: anchor missing; counsel sets it",
		"Next brief by 2026-09-09T20:30:00Z.",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "more lines; see", "an ordinary brief is shown whole")
	require.NotContains(t, text, "more clocks; see", "an ordinary brief is shown whole")
}

// The files under testdata are written anew with UPDATE_GOLDEN=1.
func TestBriefBlocks(t *testing.T) {
	t.Parallel()
	drill := operation()
	drill.Mode, drill.Brief.Mode = incident.Drill, incident.Drill
	drill.Brief.Radius, drill.Brief.Data, drill.Brief.Regimes, drill.Brief.Actions = incident.Radius{}, nil, nil, nil
	drill.Brief.Clocks, drill.Brief.Systems, drill.Brief.ModelExposure, drill.Brief.ThirdParties = nil, nil, nil, nil
	tests := map[string]message{
		"brief": newBrief(operation()), "brief-later": newBrief(later()), "brief-drill": newBrief(drill), "withdrawal": newWithdrawal(operation()),
		"reminder": newReminder(reminder()),
	}
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

// later is the version after legal has found when the organisation became aware, and filed.
func later() *playbooks.Operation {
	op := operation()
	anchors, err := legal.SetAnchor(nil, legal.AnchorSet{
		Anchor: legal.AwareAt, At: detected.Add(2 * time.Hour), By: "leg-1", Role: "LEG", Reason: "access log read", RecordedAt: detected.Add(3 * time.Hour),
	})
	if err != nil {
		panic(err)
	}
	now := legal.Recompute(op.Brief.Clocks, anchors)
	now, err = legal.File(now, "nis2-early", legal.Filing{Ref: "BSI-77", By: "leg-1", Role: "LEG", At: detected.Add(4 * time.Hour), RecordedAt: detected.Add(4 * time.Hour)})
	if err != nil {
		panic(err)
	}
	now, err = legal.Dismiss(now, "ai-73-4", legal.Decision{By: "leg-2", Role: "LEG", Reason: "nobody died", At: detected.Add(4 * time.Hour)})
	if err != nil {
		panic(err)
	}
	rec := &incident.Record{ID: op.IncidentID, Radius: op.Brief.Radius, Verdict: incident.Contained, Evidence: incident.Evidence{Objects: 12}, Steps: []incident.Step{
		{Action: "endpoint.disable", Target: "credit-api", Role: incident.RoleContainment, Status: incident.Done, Verified: true, EndedAt: detected.Add(time.Minute)},
		{Action: "endpoint.rollback", Target: "credit-api", Role: incident.RoleRecovery, Status: incident.Pending},
	}}
	next := playbooks.NextBrief(*op.Brief, rec, legal.Recompute(now, anchors), anchors, detected.Add(5*time.Hour))
	next.Acknowledged = []playbooks.Acknowledgement{{Version: 0, Person: "lena", Role: "LEG", At: detected.Add(5 * time.Minute)}}
	op.Brief = &next
	return op
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
			b.Severity, b.Playbook, b.ATLAS, b.Systems = evil, evil, []string{evil}, []string{evil}
			b.ModelExposure, b.ThirdParties, b.Taken, b.Pending, b.Evidence = []string{evil}, []string{evil}, []string{evil}, []string{evil}, []string{evil}
			b.Consequences = []string{evil}
			b.Anchors = []legal.AnchorSet{{Anchor: legal.AwareAt, At: detected, By: evil, Role: evil, Reason: evil, Regimes: []string{evil}}}
			b.Acknowledged = []playbooks.Acknowledgement{{Person: evil, At: detected}}
			for i := range b.Clocks {
				b.Clocks[i].Regime, b.Clocks[i].Title, b.Clocks[i].Owner, b.Clocks[i].Hint = evil, evil, evil, evil
			}
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
		op.Brief.Systems = append(op.Brief.Systems, strings.Repeat("<", 290))
		op.Brief.Clocks = append(op.Brief.Clocks, legal.Clock{Regime: strings.Repeat("&", 290), Title: "later", Status: legal.Running})
	}
	m := newBrief(op)
	raw, err := json.Marshal(m.blocks)
	require.NoError(t, err)
	requireInert(t, string(raw))
	require.Contains(t, string(raw), "more lines; see the incident's record")
	require.Contains(t, string(raw), provisional)
	require.Contains(t, string(raw), "more clocks; see the incident's record")
	require.Contains(t, string(raw), "GDPR Art. 33(1)", "the urgent clocks are the last to be dropped")
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
