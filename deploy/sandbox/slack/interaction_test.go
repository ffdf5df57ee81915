package slack_test

import (
	"net/http"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/slack"
)

func plain(s string) *slackgo.TextBlockObject {
	return slackgo.NewTextBlockObject("plain_text", s, false, false)
}

func buttons() slackgo.MsgOption {
	menu := slackgo.NewOptionsSelectBlockElement("static_select", plain("Severity"), "severity",
		slackgo.NewOptionBlockObject("1", plain("SEV1"), nil), slackgo.NewOptionBlockObject("2", plain("SEV2"), nil))
	return slackgo.MsgOptionBlocks(slackgo.NewActionBlock("decide",
		slackgo.NewButtonBlockElement("approve", "op-1", plain("Approve")).WithStyle(slackgo.StylePrimary), menu))
}

func TestClickReachesTheApp(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	id, ts, err := app.api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText("decide", false), buttons())
	require.NoError(t, err)
	person := as(t, server, lena)
	require.NoError(t, person.Click(t.Context(), "#legal", ts, "approve"))

	got := app.last().payload(t)
	require.Equal(t, "/interact", app.last().path)
	require.Equal(t, slackgo.InteractionTypeBlockActions, got.Type)
	require.Equal(t, lena, got.User.ID)
	require.Equal(t, id, got.Channel.ID)
	require.Equal(t, "T00SANDBOX", got.Team.ID)
	require.Equal(t, "A00FIREBRK", got.APIAppID)
	require.Equal(t, ts, got.Container.MessageTs)
	require.Equal(t, ts, got.Message.Timestamp)
	require.NotEmpty(t, got.TriggerID)
	require.Len(t, got.ActionCallback.BlockActions, 1)
	action := got.ActionCallback.BlockActions[0]
	require.Equal(t, []string{"approve", "decide", "op-1", "Approve"}, []string{action.ActionID, action.BlockID, action.Value, action.Text.Text})
	require.NotEmpty(t, action.ActionTs)

	require.NoError(t, person.Choose(t.Context(), id, ts, "severity", "SEV2"))
	require.Equal(t, "2", app.last().payload(t).ActionCallback.BlockActions[0].SelectedOption.Value)
	require.ErrorContains(t, person.Choose(t.Context(), id, ts, "severity", "SEV9"), "not one of the options")
	require.ErrorContains(t, person.Click(t.Context(), id, ts, "other"), "no element")
	require.ErrorContains(t, person.Click(t.Context(), id, "1.000001", "approve"), "sees no message")
	require.Len(t, app.all(), 2)
}

func TestClickOfAnEphemeralMessage(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	ts, err := app.api.PostEphemeralContext(t.Context(), channelID(t, server, "legal"), lena, buttons())
	require.NoError(t, err)
	require.ErrorContains(t, as(t, server, ida).Click(t.Context(), "legal", ts, "approve"), "sees no message")
	require.NoError(t, as(t, server, lena).Click(t.Context(), "legal", ts, "approve"))
	got := app.last().payload(t)
	require.True(t, got.Container.IsEphemeral)
	require.Empty(t, got.Message.Timestamp, "Slack sends no message with an ephemeral one's action")

	hook := &slackgo.WebhookMessage{Text: "done", ReplaceOriginal: true}
	require.NoError(t, slackgo.PostWebhookContext(t.Context(), got.ResponseURL, hook))
	seen := as(t, server, lena).Sees("legal")
	require.Len(t, seen, 1)
	require.Equal(t, "done", seen[0].Text)
}

func TestClickWithoutIDs(t *testing.T) {
	t.Parallel()
	server, app := startApp(t)
	block := slackgo.NewSectionBlock(plain("x"), nil, slackgo.NewAccessory(slackgo.NewButtonBlockElement("", "v", plain("Go"))))
	id, ts, err := app.api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionBlocks(block))
	require.NoError(t, err)
	page, err := app.api.GetConversationHistoryContext(t.Context(), &slackgo.GetConversationHistoryParameters{ChannelID: id})
	require.NoError(t, err)
	section, ok := page.Messages[0].Blocks.BlockSet[0].(*slackgo.SectionBlock)
	require.True(t, ok)
	require.NoError(t, as(t, server, lena).Click(t.Context(), id, ts, section.BlockID))
	require.Equal(t, section.Accessory.ButtonElement.ActionID, app.last().payload(t).ActionCallback.BlockActions[0].ActionID)
}

func TestClickThatTheAppDoesNotAnswer(t *testing.T) {
	t.Parallel()
	server, app := startApp(t, impatient)
	id, ts, err := app.api.PostMessageContext(t.Context(), "#legal", buttons())
	require.NoError(t, err)
	app.on("/interact", func(w http.ResponseWriter, _ received) { w.WriteHeader(http.StatusInternalServerError) })
	noticed(t, as(t, server, lena).Click(t.Context(), id, ts, "approve"), "http_service_error")
	require.Len(t, app.all(), 1, "interactions are not sent again")
	require.Contains(t, as(t, server, lena).Sees(id)[1].Text, "Something went wrong")
}

func TestTriggers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		use  func(*slackgo.Client, string) error
		late time.Duration
		want string
	}{
		"once":    {func(api *slackgo.Client, id string) error { return open(api, id) }, 0, ""},
		"twice":   {func(api *slackgo.Client, id string) error { _ = open(api, id); return open(api, id) }, 0, "exchanged_trigger_id"},
		"late":    {func(api *slackgo.Client, id string) error { return open(api, id) }, 3100 * time.Millisecond, "expired_trigger_id"},
		"unknown": {func(api *slackgo.Client, id string) error { return open(api, id+"x") }, 0, "invalid_trigger_id"},
		"push without a modal": {func(api *slackgo.Client, id string) error {
			_, err := api.PushView(id, modal())
			return err
		}, 0, "invalid_trigger_id"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, app := startApp(t)
			require.NoError(t, as(t, server, lena).Slash(t.Context(), "legal", "/incident"))
			time.Sleep(tc.late)
			err := tc.use(app.api, app.last().form.Get("trigger_id"))
			if tc.want == "" {
				require.NoError(t, err)
				require.NotNil(t, as(t, server, lena).Modal())
				require.Nil(t, as(t, server, ida).Modal())
				return
			}
			require.EqualError(t, err, tc.want)
		})
	}
}

func open(api *slackgo.Client, trigger string) error {
	_, err := api.OpenView(trigger, modal())
	return err
}

// modal has one input of each important kind.
func modal() slackgo.ModalViewRequest {
	reason := slackgo.NewPlainTextInputBlockElement(plain("why"), "text")
	reason.MaxLength = 20
	external := slackgo.NewOptionsSelectBlockElement("external_select", plain("asset"), "pick")
	severity := slackgo.NewOptionsSelectBlockElement("static_select", plain("severity"), "level",
		slackgo.NewOptionBlockObject("1", plain("SEV1"), nil), slackgo.NewOptionBlockObject("2", plain("SEV2"), nil))
	severity.InitialOption = slackgo.NewOptionBlockObject("2", plain("SEV2"), nil)
	boxes := slackgo.NewCheckboxGroupsBlockElement("flags", slackgo.NewOptionBlockObject("drill", plain("A drill"), nil),
		slackgo.NewOptionBlockObject("page", plain("Page on-call"), nil))
	optional := func(b *slackgo.InputBlock) *slackgo.InputBlock { b.Optional = true; return b }
	return slackgo.ModalViewRequest{
		Type: slackgo.VTModal, Title: plain("Declare"), Submit: plain("Declare"), Close: plain("Cancel"),
		CallbackID: "declare", PrivateMetadata: "meta", NotifyOnClose: true,
		Blocks: slackgo.Blocks{BlockSet: []slackgo.Block{
			slackgo.NewInputBlock("reason", plain("Reason"), nil, reason),
			optional(slackgo.NewInputBlock("asset", plain("Asset"), nil, external)),
			slackgo.NewInputBlock("severity", plain("Severity"), nil, severity),
			optional(slackgo.NewInputBlock("more", plain("More"), nil, boxes)),
			optional(slackgo.NewInputBlock("since", plain("Since"), nil, slackgo.NewDatePickerBlockElement("day"))),
			slackgo.NewActionBlock("tools", slackgo.NewButtonBlockElement("add", "1", plain("Add"))),
		}},
	}
}

// openModal opens the modal before lena.
func openModal(t *testing.T, server *slack.Server, app *testApp) *slack.Person {
	t.Helper()
	person := as(t, server, lena)
	require.NoError(t, person.Slash(t.Context(), "legal", "/incident"))
	require.NoError(t, open(app.api, app.last().form.Get("trigger_id")))
	return person
}
