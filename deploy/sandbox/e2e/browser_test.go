package e2e_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/browser"
	"firebreak/internal/incident"
	"firebreak/internal/slackui"
)

// A person with a browser and nothing else declares an incident in Slack, another approves it there, and both see it on the
// incident page.
func TestAnIncidentIsRunInTheBrowser(t *testing.T) {
	t.Parallel()
	ctx := browser.Open(t, patience)
	w := inSlack(t, false)
	as := func(user, channel string) string { return w.SlackURL + "/as/" + user + "/channels/" + channel }
	id := incident.WorkflowID(incident.DatasetCompromise, "loan-applications@2026-07-31", "")

	require.NoError(t, chromedp.Do(ctx,
		chromedp.EmulateViewport(1100, 900),
		chromedp.Navigate(as(onSecurity, "incidents")),
		chromedp.WaitVisible("#say"),
		chromedp.SendKeys("#say", "/incident declare\r"),
		chromedp.WaitVisible("#modal-title"),
		chromedp.SetValue(`select[name$="/kind"]`, string(incident.DatasetCompromise)),
		chromedp.SendKeys("#modal input.search", "loan-app"),
		chromedp.WaitReady(`option[value="loan-applications@2026-07-31"]`),
		chromedp.SetValue(`select[name$="/`+slackui.ActionAsset+`"]`, "loan-applications@2026-07-31"),
		chromedp.SendKeys(`textarea[name$="/summary"], input[name$="/summary"]`, "rows differ from the signed manifest"),
		browser.Picture("declare"),
		chromedp.Click("#modal-submit"),
		chromedp.WaitNotPresent("#modal-title"),
	))
	request := w.asked("C8 Take the endpoints")
	approve := `//form[.//input[@name="ts" and @value="` + request.TS + `"]]//button[contains(., "Approve")]`
	for _, user := range []string{modelOwner, inCommand} {
		require.NoError(t, chromedp.Do(ctx,
			chromedp.Navigate(as(user, "incidents")),
			chromedp.WaitVisible(approve),
			browser.Picture("thread-"+user),
			chromedp.Click(approve),
			chromedp.WaitVisible("dialog.confirm"),
			chromedp.Click("dialog.confirm .yes"),
			chromedp.WaitVisible(`//*[contains(., "1 of 2") or contains(., "granted")]`),
		), user)
	}
	until(t, w.ctx, w.Stack, id, func(rec *incident.Record) bool { return step(t, rec, "disable-endpoints", "credit-api").Verified })
	time.Sleep(time.Second) // the page shows what was the case a second ago

	require.NoError(t, chromedp.Do(ctx,
		chromedp.Navigate(w.TriggerURL+"/incidents"),
		chromedp.WaitVisible(`input[name="token"]`),
		chromedp.SendKeys(`input[name="token"]`, w.PageToken+"\r"),
		chromedp.WaitVisible(`//a[contains(., "loan-applications@2026-07-31")]`),
		browser.Picture("incidents"),
		chromedp.Navigate(w.TriggerURL+"/incidents/dataset-compromise/loan-applications@2026-07-31"),
		chromedp.WaitVisible("#main"),
		browser.Picture("incident"),
		chromedp.EmulateViewport(390, 844),
		browser.Picture("incident-phone"),
	))
}
