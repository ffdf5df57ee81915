package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/slackui"
	"firebreak/workflows"
)

// opened is the modal that was shown last.
func opened(t *testing.T, f *fakeSlack) map[string]any {
	t.Helper()
	var out struct {
		TriggerID string         `json:"trigger_id"`
		View      map[string]any `json:"view"`
	}
	calls := f.made("views.open")
	require.NotEmpty(t, calls, "no modal was opened: %v", f.made(""))
	require.NoError(t, json.Unmarshal([]byte(calls[len(calls)-1].body), &out))
	require.NotEmpty(t, out.TriggerID)
	return out.View
}

func TestCommandsThatAnswerAtOnce(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                     "/incident declare [ASSET]",
		"help":                 "Who you are is read from Slack",
		"contain":              "There is no /incident contain",
		"approve":              "That is not how /incident approve is used",
		"status nonsense/":     "an incident is written incident/KIND/ASSET",
		"&lt;!channel&gt; now": "There is no /incident",
	} {
		c, f, _ := newCockpit(t, nil)
		w := c.typed(f, slackIC, text)
		require.Equal(t, http.StatusOK, w.Code)
		var said struct {
			Type string `json:"response_type"`
			Text string `json:"text"`
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &said))
		require.Equal(t, "ephemeral", said.Type)
		require.Contains(t, said.Text, want)
		require.NotContains(t, said.Text, "<!channel>")
	}
	c, f, _ := newCockpit(t, nil)
	body := strings.Replace(commandBody(f, slackIC, "help"), "command=%2Fincident", "command=%2Fother", 1)
	require.Contains(t, c.serve(slackSigned("/slack/commands", formType, body, testSecret, received)).Body.String(), "does not know this command")
}

func TestListAndStatus(t *testing.T) {
	t.Parallel()
	c, f, _ := newCockpit(t, desks(containedRecord(), waitingRecord()))
	require.Equal(t, http.StatusOK, c.typed(f, slackIC, "list").Code)
	require.Contains(t, f.told(t, "2 open incidents").body, "credit-scorer@17")
	c.typed(f, slackIC, "status")
	require.Contains(t, f.told(t, "Several incidents are open").text, loanIncident)
	c.typed(f, slackIC, "status backdoor-discovery/credit-scorer@17")
	f.told(t, scorerIncident[len("incident/"):len("incident/backdoor-discovery")])
	c.typed(f, slackIC, "status incident/extraction-event/credit-api")
	f.told(t, "There is no open incident incident/extraction-event/credit-api")
	c.typed(f, outsider, "list")
	f.told(t, "Refused: your Slack id "+outsider+" is nobody's")

	c, f, _ = newCockpit(t, desks())
	c.typed(f, slackIC, "status")
	f.told(t, "No incident is open")

	desk := desks()
	desk.err = errors.New("dial tcp 10.1.2.3:7233: connection refused")
	c, f, logs := newCockpit(t, desk)
	c.typed(f, slackIC, "list")
	require.NotContains(t, f.told(t, "Temporal did not answer in time").text, "10.1.2.3")
	require.Contains(t, logs.String(), "10.1.2.3")
}

func TestApproveByStepShowsWhatItWouldUnlock(t *testing.T) {
	t.Parallel()
	desk := desks(waitingRecord())
	c, f, _ := newCockpit(t, desk)
	c.typed(f, slackMLO, "approve approve-rollback")
	shown := f.told(t, "Approval needed")
	require.Contains(t, shown.body, slackui.ActionApprove)
	require.Contains(t, shown.body, "https://firebreak.nordwall.example", "the inventory names the incident page")
	require.Contains(t, shown.body, testPlan)
	require.Empty(t, desk.decided, "nobody has seen the plan yet")
}

func TestDenyCloseAndUndoAskForAReason(t *testing.T) {
	t.Parallel()
	rec := waitingRecord()
	for text, check := range map[string]func(t *testing.T, desk *fakeDesk){
		"deny approve-rollback": func(t *testing.T, desk *fakeDesk) {
			require.Equal(t, []workflows.DecideApproval{{Step: "approve-rollback", Person: "mlo-1", PlanDigest: testPlan, Comment: "seen it before", Via: "slack"}}, desk.decided)
		},
		"close": func(t *testing.T, desk *fakeDesk) {
			require.Equal(t, []workflows.CloseIncident{{Person: "mlo-1", HandOverClocks: true, Reason: "seen it before", Via: "slack"}}, desk.finished)
		},
		"undo " + rec.ID: func(t *testing.T, desk *fakeDesk) {
			require.Equal(t, []workflows.CloseIncident{{Person: "mlo-1", FalsePositive: true, HandOverClocks: true, Reason: "seen it before", Via: "slack"}}, desk.finished)
		},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			desk := desks(rec)
			c, f, _ := newCockpit(t, desk)
			require.Equal(t, http.StatusOK, c.typed(f, slackMLO, text).Code)
			view := opened(t, f)
			require.Equal(t, slackui.CallbackReason, view["callback_id"])
			external := view["external_id"].(string)
			require.True(t, strings.HasPrefix(external, slackMLO+"."))
			require.Empty(t, desk.decided)
			state := reasonState("seen it before")
			state[slackui.FieldHandOver] = map[string]slack.BlockAction{slackui.FieldHandOver: {SelectedOptions: []slack.OptionBlockObject{{Value: "hand_over_clocks"}}}}
			p := submit(f, slackMLO, slackMLO, slackui.CallbackReason, view["private_metadata"].(string), state)
			delete(p, "channel")
			delete(p, "response_url")
			w := c.interact(p)
			require.Equal(t, http.StatusOK, w.Code)
			require.Empty(t, w.Body.String(), "the modal closes")
			require.Equal(t, "chat.postEphemeral", f.told(t, "Recorded for mlo-1").method, "answered where it was asked")
			check(t, desk)
		})
	}
}

func TestModalWithoutAReasonStaysOpen(t *testing.T) {
	t.Parallel()
	desk := desks(waitingRecord())
	c, f, _ := newCockpit(t, desk)
	ref := slackui.RefOf(waitingRecord())
	ref.Verb = slackui.VerbClose
	metadata, err := ref.Encode()
	require.NoError(t, err)
	w := c.interact(submit(f, slackIC, slackIC, slackui.CallbackReason, metadata, reasonState("  ")))
	require.Contains(t, w.Body.String(), `"response_action":"errors"`)
	require.Contains(t, w.Body.String(), slackui.FieldReason)
	for _, forged := range []map[string]any{
		submit(f, slackIC, slackIC, slackui.CallbackReason, "1.e30", reasonState("x")),
		submit(f, slackIC, slackIC, "other.app", metadata, reasonState("x")),
	} {
		require.Contains(t, c.interact(forged).Body.String(), "Nothing was done")
	}
	require.Empty(t, desk.finished)
}

func TestButtonsThatSteer(t *testing.T) {
	t.Parallel()
	rec := workRecord()
	button := func(verb slackui.Verb, step, outcome string) string {
		ref := slackui.RefOf(rec)
		ref.Step, ref.Outcome, ref.Verb = step, outcome, verb
		value, err := ref.Encode()
		require.NoError(t, err)
		return value
	}
	desk := desks(rec)
	c, f, _ := newCockpit(t, desk)
	c.interact(click(f, slackMLO, slackui.ActionTask+":0", button("", "confirm", "confirmed")))
	f.told(t, "Recorded for mlo-1: complete task confirm")
	c.interact(click(f, "U01LEG00001", slackui.ActionAcknowledge, button("", "", "")))
	f.told(t, "Recorded for leg-1: acknowledge brief")
	for verb, update := range map[slackui.Verb]string{
		slackui.VerbPause: workflows.PauseIncidentUpdate, slackui.VerbResume: workflows.ResumeIncidentUpdate, slackui.VerbSkip: workflows.SkipStepUpdate,
		slackui.VerbRetry: workflows.RetryStepUpdate, slackui.VerbEndWait: workflows.EndWaitUpdate, slackui.VerbAbort: workflows.AbortIncidentUpdate,
		slackui.VerbUndo: workflows.AbortIncidentUpdate,
	} {
		c.interact(click(f, slackIC, slackui.ActionVerb+":"+string(verb), button(verb, "disable", "")))
		metadata := opened(t, f)["private_metadata"].(string)
		c.interact(submit(f, slackIC, slackIC, slackui.CallbackReason, metadata, reasonState("by hand")))
		last := desk.steered[len(desk.steered)-1]
		require.Equal(t, update, last.update)
		require.Equal(t, "ic-1", last.Person)
		require.Equal(t, "slack", last.Via)
		require.Equal(t, "by hand", last.Reason)
		require.Equal(t, verb == slackui.VerbUndo, last.Undo)
	}
	require.Equal(t, steered{workflows.CompleteTaskUpdate, workflows.Steer{Person: "mlo-1", Via: "slack", Step: "confirm", Outcome: "confirmed"}}, desk.steered[0])
	before := len(desk.steered)
	require.Equal(t, http.StatusOK, c.interact(click(f, slackIC, slackui.ActionTask, "confirm|confirmed|ic-1")).Code)
	f.told(t, "this button does not carry what firebreak put into it")
	require.Equal(t, http.StatusOK, c.interact(click(f, slackIC, slackui.ActionPage, "")).Code)
	require.Equal(t, http.StatusOK, c.interact(click(f, slackIC, "somebody.elses", "x")).Code)
	require.Equal(t, http.StatusOK, c.interact(interaction(f, slackIC, "view_closed", nil)).Code)
	require.Len(t, desk.steered, before)
}

func TestDeclare(t *testing.T) {
	t.Parallel()
	desk := desks(waitingRecord())
	c, f, _ := newCockpit(t, desk)
	c.typed(f, slackSEC, "declare credit-api")
	require.Equal(t, slackui.CallbackDeclare, opened(t, f)["callback_id"])
	state := func(kind, asset, mode string) map[string]map[string]slack.BlockAction {
		return map[string]map[string]slack.BlockAction{
			slackui.FieldKind: {slackui.FieldKind: chosenOption(kind)}, slackui.FieldAsset: {slackui.ActionAsset: chosenOption(asset)},
			slackui.FieldMode: {slackui.FieldMode: chosenOption(mode)}, slackui.FieldSeverity: {slackui.FieldSeverity: chosenOption("SEV2")},
			slackui.FieldSummary: {slackui.FieldSummary: {Value: "keys on a public page, says <@U01IC000001>"}},
		}
	}
	send := func(user, opener, kind, asset, mode string) string {
		return c.interact(submit(f, user, opener, slackui.CallbackDeclare, "", state(kind, asset, mode))).Body.String()
	}
	require.Empty(t, send(slackSEC, slackSEC, "extraction-event", "credit-api", "live"))
	f.told(t, "Started incident/extraction-event/credit-api (live)")
	require.Equal(t, []incident.Request{{
		Kind: "extraction-event", Asset: "credit-api", Mode: incident.Live, Requester: "sec-1", Severity: "SEV2",
		Summary: "keys on a public page, says <@U01IC000001>", DetectedAt: received,
	}}, desk.started)
	require.Empty(t, send(slackSEC, slackSEC, "backdoor-discovery", "credit-scorer@17", "live"))
	f.told(t, scorerIncident+" is open already")
	require.Contains(t, send(slackSEC, slackSEC, "extraction-event", "credit-api", "drill"), "a drill incident may not touch")
	require.Contains(t, send(slackSEC, slackSEC, "extraction-event", "no-such", "live"), "not in the inventory")
	require.Contains(t, send(slackSEC, slackSEC, "no-such-kind", "credit-api", "live"), slackui.FieldKind)
	require.Contains(t, send(outsider, outsider, "extraction-event", "credit-batch", "live"), "nobody's in the inventory")
	require.Contains(t, send(slackSEC, slackIC, "extraction-event", "credit-batch", "live"), "opened for somebody else")
	require.Len(t, desk.started, 1)
	c.mode = incident.Drill
	require.Contains(t, send(slackSEC, slackSEC, "extraction-event", "credit-api", "live"), "drills only")
	require.Empty(t, send(slackSEC, slackSEC, "extraction-event", "credit-api-stg", "drill"))
	f.told(t, "Started incident/extraction-event/credit-api-stg (drill)")
}

func TestDrillOpensAsADrill(t *testing.T) {
	t.Parallel()
	c, f, _ := newCockpit(t, desks())
	c.typed(f, slackSEC, "drill")
	raw, err := json.Marshal(opened(t, f))
	require.NoError(t, err)
	require.Contains(t, string(raw), `"initial_option":{"text":{"emoji":false,"text":"drill`)
	c.typed(f, slackSEC, "declare no-such-asset")
	f.told(t, "Nothing was started")
	c.typed(f, outsider, "declare")
	f.told(t, "Refused: your Slack id")
	require.Len(t, f.made("views.open"), 1)
}

func TestInventorySearch(t *testing.T) {
	t.Parallel()
	c, f, _ := newCockpit(t, nil)
	search := func(user, query, mode string) string {
		p := interaction(f, user, slackSuggestion, map[string]any{"action_id": slackui.ActionAsset, "value": query, "view": map[string]any{
			"id": "V1", "state": map[string]any{"values": map[string]any{slackui.FieldMode: map[string]any{slackui.FieldMode: chosenOption(mode)}}},
		}})
		w := c.serve(slackSigned("/slack/options", formType, interactionBody(p), testSecret, received))
		require.Equal(t, http.StatusOK, w.Code)
		return w.Body.String()
	}
	require.Contains(t, search(slackIC, "Credit-API", "live"), `"value":"credit-api"`)
	require.NotContains(t, search(slackIC, "credit-api", "live"), "credit-api-stg")
	require.Contains(t, search(slackIC, "credit-api", "drill"), "credit-api-stg")
	require.NotContains(t, search(outsider, "credit", "live"), "credit-api")
	require.NotContains(t, search(slackIC, "ci-registry-push", "live"), "ci-registry-push", "credentials are no assets of incidents")
}

func TestHome(t *testing.T) {
	t.Parallel()
	desk := desks(waitingRecord())
	c, f, _ := newCockpit(t, desk)
	open := func(user, event string) int {
		body := `{"type":"event_callback","team_id":"` + testTeam + `","api_app_id":"` + testApp + `","event_id":"` + event + `","event":{"type":"app_home_opened","user":"` + user + `","tab":"home"}}`
		return c.serve(slackSigned("/slack/events", jsonType, body, testSecret, received)).Code
	}
	require.Equal(t, http.StatusOK, open(slackMLO, "Ev1"))
	require.Eventually(t, func() bool { return len(f.made("views.publish")) == 1 }, eventually, tick)
	require.Contains(t, f.made("views.publish")[0].body, "approve-rollback")
	require.Equal(t, http.StatusOK, open(slackMLO, "Ev1"), "a retry is answered")
	require.Equal(t, http.StatusOK, open(outsider, "Ev2"))
	require.Eventually(t, func() bool { return len(f.made("views.publish")) == 2 }, eventually, tick)
	require.NotContains(t, f.made("views.publish")[1].body, "approve-rollback")
	require.Equal(t, http.StatusBadRequest, open("nobody", "Ev3"))

	challenge := c.serve(slackSigned("/slack/events", jsonType, `{"type":"url_verification","token":"t","challenge":"3eZbrw1aB"}`, testSecret, received))
	require.Equal(t, "3eZbrw1aB", challenge.Body.String())
	require.Equal(t, http.StatusUnauthorized, c.serve(slackSigned("/slack/events", jsonType, `{"type":"url_verification","challenge":"3eZ"}`, strings.Repeat("0", 32), received)).Code)
}

func TestSlackIDsAreNobodysByAccident(t *testing.T) {
	t.Parallel()
	c, _, _ := newCockpit(t, nil)
	inv := *c.inventory.current().Inventory
	inv.People = append(inv.People[:0:0], inv.People...)
	inv.People[0].Slack, inv.People[1].Slack = "", inv.People[2].Slack
	require.Empty(t, slackPeople(&inv, ""))
	require.Empty(t, slackPeople(&inv, "ic-1"), "an inventory id is no Slack id")
	require.Empty(t, slackPeople(&inv, strings.ToLower(slackMLO)))
	require.Len(t, slackPeople(&inv, slackMLO), 2, "an id that two share is neither's")
}
