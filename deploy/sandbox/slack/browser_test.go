package slack_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/browser"
)

// declareApp opens a modal upon the command, offers assets, posts the incident once the modal is submitted, and notes who
// approved.
type declareApp struct {
	mu       sync.Mutex
	approved []string
}

func (d *declareApp) who() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.approved...)
}

func (d *declareApp) install(t *testing.T, app *testApp, channel string) {
	app.on("/command", func(_ http.ResponseWriter, r received) {
		if err := open(app.api, r.form.Get("trigger_id")); err != nil {
			t.Error(err)
		}
	})
	app.says("/options", "application/json", `{"options":[
		{"text":{"type":"plain_text","text":"credit-api"},"value":"endpoint/credit-api"},
		{"text":{"type":"plain_text","text":"credit-scorer@17"},"value":"checkpoint/credit-scorer@17"}]}`)
	app.on("/interact", func(_ http.ResponseWriter, r received) {
		p := r.payload(t)
		if p.Type == slackgo.InteractionTypeViewSubmission {
			d.post(t, app, channel, p)
			return
		}
		d.mu.Lock()
		d.approved = append(d.approved, p.User.ID+" "+p.ActionCallback.BlockActions[0].Value)
		d.mu.Unlock()
		_, _, _, err := app.api.UpdateMessage(p.Channel.ID, p.Message.Timestamp, slackgo.MsgOptionText("approved", false),
			slackgo.MsgOptionBlocks(slackgo.NewSectionBlock(plain("Approved by "+p.User.Name), nil, nil)))
		if err != nil {
			t.Error(err)
		}
	})
}

func (d *declareApp) post(t *testing.T, app *testApp, channel string, p slackgo.InteractionCallback) {
	values := p.View.State.Values
	marked := func(s string) *slackgo.TextBlockObject { return slackgo.NewTextBlockObject("mrkdwn", s, false, true) }
	approve := slackgo.NewButtonBlockElement("approve", "op-1", plain("Approve")).WithStyle(slackgo.StylePrimary)
	approve.Confirm = slackgo.NewConfirmationBlockObject(plain("Disable credit-api?"), plain("It answers nobody until it is enabled again."), plain("Disable"), plain("Back"))
	deny := slackgo.NewButtonBlockElement("deny", "op-1", plain("Deny")).WithStyle(slackgo.StyleDanger)
	_, _, err := app.api.PostMessage(channel, slackgo.MsgOptionText("declared", false), slackgo.MsgOptionBlocks(
		slackgo.NewHeaderBlock(plain("Dataset compromise")),
		slackgo.NewSectionBlock(plain(values["reason"]["text"].Value), []*slackgo.TextBlockObject{
			marked("*Asset*\n`" + values["asset"]["pick"].SelectedOption.Value + "`"), marked("*Severity*\nSEV" + values["severity"]["level"].SelectedOption.Value),
		}, nil),
		slackgo.NewActionBlock("decide", approve, deny),
		slackgo.NewContextBlock("", marked("by <@"+p.User.ID+">")),
	))
	if err != nil {
		t.Error(err)
	}
}

func TestInTheBrowser(t *testing.T) {
	ctx := browser.Open(t, 2*time.Minute)
	server, app := startApp(t)
	id, ts, err := app.api.PostMessageContext(t.Context(), "#incidents", slackgo.MsgOptionText("Ready. Type `/incident`, <@"+lena+">.", false))
	require.NoError(t, err)
	d := &declareApp{}
	d.install(t, app, id)
	base := baseURL(t, app, id, ts)

	require.NoError(t, chromedp.Do(ctx,
		chromedp.EmulateViewport(1100, 760),
		chromedp.Navigate(base+"/"),
		browser.Picture("slack-people"),
		chromedp.Click(`//a[contains(., "Lena")]`),
		chromedp.WaitVisible("#say"),
		chromedp.Click(`//nav//a[contains(., "incidents")]`),
		chromedp.WaitVisible(`//h1[contains(., "incidents")]`),
		chromedp.SendKeys("#say", "/incident start\r"),
		chromedp.WaitVisible("#modal-title"),
		browser.Picture("slack-modal"),
		chromedp.Click("#modal-submit"),
		chromedp.WaitVisible("#modal .wrong"),
		browser.Picture("slack-refused"),
		chromedp.SendKeys(`textarea[name="value:reason/text"], input[name="value:reason/text"]`, "<b>labels flipped"),
		chromedp.SendKeys("#modal input.search", "cred"),
		chromedp.WaitReady(`option[value="endpoint/credit-api"]`),
		chromedp.SetValue(`select[name="value:asset/pick"]`, "endpoint/credit-api"),
		browser.Picture("slack-filled"),
		chromedp.Click("#modal-submit"),
		chromedp.WaitNotPresent("#modal-title"),
		chromedp.WaitVisible(`//button[contains(., "Approve")]`),
		browser.Picture("slack-message"),
		chromedp.Click(`//button[contains(., "Approve")]`),
		chromedp.WaitVisible("dialog.confirm"),
		browser.Picture("slack-confirm"),
		chromedp.Click("dialog.confirm .yes"),
		chromedp.WaitVisible(`//*[contains(text(), "Approved by lena")]`),
		chromedp.EmulateViewport(390, 760),
		browser.Picture("slack-phone"),
		chromedp.Navigate(base+"/break"),
		browser.Picture("slack-break"),
	))
	require.Equal(t, []string{lena + " op-1"}, d.who())
	submitted := 0
	for _, sent := range server.Deliveries() {
		if sent.Kind == "view_submission" {
			submitted++
		}
	}
	require.Equal(t, 1, submitted, "what the form refuses does not reach the app")
}

// A page that somebody else changes follows by itself, and what one person sees another does not.
func TestTheBrowserFollows(t *testing.T) {
	ctx := browser.Open(t, 2*time.Minute)
	server, app := startApp(t)
	id, ts, err := app.api.PostMessageContext(t.Context(), "#legal", slackgo.MsgOptionText("first", false))
	require.NoError(t, err)
	base := baseURL(t, app, id, ts)
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(base+"/as/"+ida+"/channels/legal"), chromedp.WaitVisible("#say")))
	_, err = app.api.PostEphemeralContext(t.Context(), id, lena, slackgo.MsgOptionText("for lena", false))
	require.NoError(t, err)
	_, _, err = app.api.PostMessageContext(t.Context(), id, slackgo.MsgOptionText("<!channel> second", false))
	require.NoError(t, err)
	require.NoError(t, chromedp.Do(ctx, chromedp.WaitVisible(`//*[contains(text(), "second")]`)))
	text, err := chromedp.Run(ctx, chromedp.Text("#live"))
	require.NoError(t, err)
	require.NotContains(t, text, "for lena")
	require.NoError(t, chromedp.Do(ctx, chromedp.SendKeys("#say", "/other\r"), chromedp.WaitVisible(`//*[contains(text(), "not a valid command")]`)))
	require.Len(t, server.Messages(id), 4)
}
