package browser_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/browser"
	"firebreak/internal/incident"
)

const (
	loans    = "incident/dataset-compromise/loan-applications@2026-07-31"
	loansURL = "/incidents/dataset-compromise/loan-applications@2026-07-31"

	phone, desktop = 390, 1280
)

// open starts a browser and fails the test on anything that it complains of: a blocked script, style or request, an exception.
func open(t *testing.T) context.Context {
	t.Helper()
	ctx := browser.Open(t, time.Minute)
	do(t, ctx, call(log.Enable, cdp.Empty{}))
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page threw: %s", e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError {
				t.Errorf("the browser complains: %s (%s)", e.Entry.Text, e.Entry.URL)
			}
		}
	}))
	return ctx
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	require.NoError(t, chromedp.Do(ctx, steps...))
}

// get runs a script in the page and returns its value.
func get[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	require.NoError(t, err)
	return out
}

// until waits until a script says true. The page's policy lets nobody make functions of text, so that it is asked again and
// again from outside.
func until(t *testing.T, ctx context.Context, script string) {
	t.Helper()
	require.Eventually(t, func() bool {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script))
		return err == nil && ok
	}, 30*time.Second, 100*time.Millisecond, script)
}

// call makes an action of a command of the browser.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, command, params)
		return chromedp.Void{}, err
	}
}

func size(width int64) chromedp.Action[chromedp.Void] {
	return call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: 844, DeviceScaleFactor: 1, Mobile: width == phone,
	})
}

func scheme(name string) chromedp.Action[chromedp.Void] {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}

// shoot keeps a picture for people to look at.
func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	do(t, ctx, browser.Picture(name))
}

// overflowing names what is wider than the window, outside of parts that scroll by themselves.
const overflowing = `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 &&
	!e.closest(".picture") && !e.closest("pre") && e.getBoundingClientRect().left >= 0).map(e => e.tagName + "." + e.className + " " + e.textContent.slice(0, 40))
	.concat(document.documentElement.scrollWidth > innerWidth ? ["the document is " + document.documentElement.scrollWidth + " wide"] : [])`

func fits(t *testing.T, ctx context.Context) {
	t.Helper()
	require.Empty(t, get[[]string](t, ctx, overflowing), "nothing is wider than the window")
}

// inside is the text of what a selector finds.
func inside(t *testing.T, ctx context.Context, selector string) string {
	t.Helper()
	return get[string](t, ctx, "document.querySelector("+strconv.Quote(selector)+").innerText")
}

// TestPageFitsAPhone looks at every page at both widths, in light and in dark.
func TestPageFitsAPhone(t *testing.T) {
	ctx := open(t)
	closed := readRecord(t, "contained.json")
	closed.ID += "/of-june"
	_, url := serve(t, "ic-1", readRecord(t, "responding.json"), closed)
	for name, width := range map[string]int64{"phone": phone, "desktop": desktop} {
		for view, path := range map[string]string{"list": "/incidents", "responding": loansURL, "contained": loansURL + "/of-june"} {
			do(t, ctx, size(width), scheme("light"), chromedp.Navigate(url+path), chromedp.WaitVisible("#main"))
			fits(t, ctx)
			shoot(t, ctx, view+"-"+name)
		}
	}
	do(t, ctx, size(phone), scheme("dark"), chromedp.Navigate(url+loansURL), chromedp.WaitVisible("#main"))
	require.True(t, get[bool](t, ctx, `document.querySelectorAll("details").forEach(d => { d.open = true }) === undefined`))
	fits(t, ctx)
	shoot(t, ctx, "responding-phone-dark")
}

// TestApproveAndSeeItLive approves on a phone, sees what came of it, and then sees the incident change by itself.
func TestApproveAndSeeItLive(t *testing.T) {
	ctx := open(t)
	w, url := serve(t, "ic-1", readRecord(t, "responding.json"))
	do(t, ctx, size(phone), chromedp.Navigate(url+loansURL), chromedp.WaitVisible("#status"))
	require.Contains(t, inside(t, ctx, "#status"), "Not contained")

	// What this person may decide comes first: the rollback.
	form := "#a0-form"
	do(t, ctx, chromedp.Click(form+" summary"), chromedp.WaitVisible(form+" textarea"),
		chromedp.SendKeys(form+" textarea", "seen with MLO"))
	// While somebody types, what they typed stays, whatever happens meanwhile.
	w.change(loans, func(r *incident.Record) { r.Approvals[1].Title += " (changed)" })
	until(t, ctx, `document.getElementById("live").textContent.startsWith("Something changed")`)
	typed, err := chromedp.Run(ctx, chromedp.Value(form+" textarea"))
	require.NoError(t, err)
	require.Equal(t, "seen with MLO", typed)
	shoot(t, ctx, "deciding-phone")

	do(t, ctx, chromedp.Click(form+` button[value="approve"]`), chromedp.WaitVisible(".answer.good"))
	require.Contains(t, inside(t, ctx, ".answer"), "granted")
	require.Len(t, w.decisions, 1)
	require.Equal(t, "ic-1", w.decisions[0].Person)
	require.Equal(t, "seen with MLO", w.decisions[0].Reason)
	require.True(t, w.decisions[0].Approve)
	require.Equal(t, readRecord(t, "responding.json").PlanDigest, w.decisions[0].PlanDigest)

	// A mark on the window is lost if the page is loaded anew: what follows arrives in the page as it is.
	require.True(t, get[bool](t, ctx, `window.same = true`))
	w.change(loans, func(r *incident.Record) {
		r.Verdict, r.Gaps = incident.Contained, nil
		r.Timeline = append(r.Timeline, incident.Event{At: w.now, What: "verdict: contained"})
	})
	until(t, ctx, `document.querySelector("#status .big").textContent.includes("Contained") && window.same === true`)
	require.Contains(t, inside(t, ctx, "#timeline"), "verdict: contained")
	require.True(t, get[bool](t, ctx, `document.getElementById("gaps") === null`), "gaps that are gone leave the page")
	fits(t, ctx)
}

// TestTemporalAway shows what was known last, and how old it is.
func TestTemporalAway(t *testing.T) {
	ctx := open(t)
	w, url := serve(t, "ic-1", readRecord(t, "responding.json"))
	do(t, ctx, size(phone), chromedp.Navigate(url+loansURL), chromedp.WaitVisible("#status"))
	w.leave(errors.New("connection refused"))
	until(t, ctx, `document.querySelector("#status").textContent.includes("Temporal does not answer")`)
	require.Contains(t, inside(t, ctx, "#status"), "Not contained")
	w.leave(nil)
	until(t, ctx, `!document.querySelector("#status").textContent.includes("Temporal does not answer")`)
}

// TestPageWithoutScripts shows that nothing but the counting is lost.
func TestPageWithoutScripts(t *testing.T) {
	ctx := open(t)
	_, url := serve(t, "ic-1", readRecord(t, "responding.json"))
	do(t, ctx, call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}), size(phone),
		chromedp.Navigate(url+loansURL), chromedp.WaitVisible("#main"))
	source, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.outerHTML`))
	require.NoError(t, err)
	require.Contains(t, source, `http-equiv="refresh"`)
	footer, err := chromedp.Run(ctx, chromedp.Text("#live"))
	require.NoError(t, err)
	require.Contains(t, strings.Join(strings.Fields(footer), " "), "loads itself again every 15 seconds")
}
