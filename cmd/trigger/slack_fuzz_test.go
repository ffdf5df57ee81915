package main

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/slackui"
)

func FuzzSlackPayload(f *testing.F) {
	rec := waitingRecord()
	ref := slackui.RefOf(rec)
	ref.Step, ref.Plan, ref.Verb = "approve-rollback", rec.PlanDigest, slackui.VerbDeny
	value, err := ref.Encode()
	require.NoError(f, err)
	server := &fakeSlack{}
	server.Server = newFakeSlack(f).Server
	for _, p := range []map[string]any{
		click(server, slackMLO, slackui.ActionApprove, value),
		submit(server, slackMLO, slackMLO, slackui.CallbackReason, value, reasonState("x")),
		interaction(server, slackMLO, slackSuggestion, map[string]any{"action_id": slackui.ActionAsset, "value": "credit"}),
	} {
		raw, err := json.Marshal(p)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Add([]byte(`{"type":"event_callback","event_id":"E","event":{"type":"app_home_opened","user":"U123","tab":"home"}}`))
	f.Add([]byte(`{"command":"/incident","user_id":"U123","trigger_id":"1","is_enterprise_install":{}}`))
	f.Add([]byte(commandBody(server, slackIC, "approve x")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, parse := range []func([]byte) (slackDelivery, error){
			interactionJSON, interactionForm, commandJSON, commandForm, eventJSON,
			func(raw []byte) (slackDelivery, error) {
				return interactionForm([]byte(url.Values{"payload": {string(raw)}}.Encode()))
			},
		} {
			d, err := parse(raw)
			if err != nil {
				continue
			}
			require.Regexp(t, `^slack-[0-9a-f]{32}$`, d.key())
			_, _, user := d.origin()
			if d.event == nil {
				require.True(t, slackUserID.MatchString(user))
			}
			if d.interaction != nil && d.interaction.Type == slackViewSubmission {
				_, _, _ = slackui.ParseReason(d.interaction.View.asSlack())
				openedFor(d.interaction.View)
			}
		}
	})
}

func FuzzSlackCommandText(f *testing.F) {
	for _, text := range []string{"", "approve a/b c d", "status incident/x/y@1/z", "&lt;@U1&gt; close", "deny \x00 \u202e x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := splitCommand(text)
		if err != nil {
			return
		}
		require.NotEmpty(t, w.verb)
		fallback, blocks := notice("There is no " + w.verb)
		require.NotEmpty(t, blocks)
		require.NotContains(t, fallback, "<")
	})
}
