package page_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/page"
	"firebreak/internal/signin"
)

func TestIncidentPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "ic-1", readRecord(t, "responding.json"))
	w := h.get(loansURL)
	require.Equal(t, http.StatusOK, w.Code)
	html := w.Body.String()
	for _, want := range []string{
		`<html lang="en">`, `<meta name="viewport" content="width=device-width, initial-scale=1">`, `aria-live="polite"`, `✗</span> Not contained`,
		`<title>Not contained: loan-applications@2026-07-31 · firebreak</title>`, `1 of 3 proved`, `role="img" aria-labelledby="wide-t wide-d"`,
		`<th scope="col" role="columnheader">Proof, or why not</th>`, `lineage of assist-llm@4 is unknown; it counts as affected`,
		`mlo-1</b> approved, <b>not counted</b>: mlo-1 (MLO) holds none`, `verify endpoint.disable on credit-batch: 2 of 5 calls answered`,
		`value="approve">Approve</button>`, `26 min 30 s left`, `OVERDUE by 1 min 30 s`, `23 h 52 min left`,
		`trigger approve ` + loans + ` approve-rollback --as ic-1 --plan sha256:`, `trigger clock set-anchor ` + loans + ` aware_at TIME --as ic-1`,
		`href="` + loansURL + `.json"`,
	} {
		require.Contains(t, html, want)
	}
	require.Equal(t, 1, strings.Count(html, "Decide as ic-1"), "the other approval is of SEC and DO")
	require.Contains(t, html, "You are IC; this is for SEC, DO.")
	require.NotRegexp(t, `(?i)<[^>]+\s(style|on\w+)=`, html, "the policy would block it")
	for _, head := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"} {
		require.NotEmpty(t, w.Header().Get(head), head)
	}
	policy := w.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.NotContains(t, policy, "unsafe")
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(`\sid="([^"]+)"`).FindAllStringSubmatch(html, -1) {
		require.False(t, ids[m[1]], "id %s is there twice", m[1])
		ids[m[1]] = true
	}
}

func TestWhoMay(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		person, requester    string
		approve, deny, tasks int
	}{
		"commander":                {"ic-1", "alertmanager", 1, 1, 3},
		"deputy of the commander":  {"exe-1", "alertmanager", 1, 1, 3},
		"has decided already":      {"mlo-1", "alertmanager", 0, 0, 1},
		"security":                 {"sec-1", "alertmanager", 1, 1, 1},
		"started it":               {"ic-1", "ida@nordwall.example", 0, 1, 3},
		"legal":                    {"leg-1", "alertmanager", 0, 0, 0},
		"nobody in particular":     {"", "alertmanager", 0, 0, 0},
		"deputy of the data owner": {"do-2", "alertmanager", 1, 1, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := readRecord(t, "responding.json")
			r.Requester = tt.requester
			h := newHouse(t, tt.person, r)
			if tt.person == "" {
				h.gate.viewer.Person = nil
			}
			html := h.get(loansURL).Body.String()
			require.Equal(t, tt.approve, strings.Count(html, `value="approve"`))
			require.Equal(t, tt.deny, strings.Count(html, `value="deny"`))
			require.Equal(t, tt.tasks, strings.Count(html, `value="report"`))
			require.Equal(t, tt.person == "leg-1", strings.Contains(html, `value="acknowledge"`))
			require.Contains(t, html, "trigger approve "+loans, "the command is there for everybody")
		})
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	over := readRecord(t, "contained.json")
	over.ID += "/of-june"
	h := newHouse(t, "ic-1", readRecord(t, "responding.json"), over)
	html := h.get("/incidents").Body.String()
	for _, want := range []string{"Open (1)", "Past (1)", "2 approvals waiting", "3 tasks open", "4 gaps", `href="` + loansURL + `"`, `href="` + loansURL + `/of-june?run=0a1b"`} {
		require.Contains(t, html, want)
	}
	require.Equal(t, http.StatusSeeOther, h.get("/").Code)
	require.Contains(t, newHouse(t, "ic-1").get("/incidents").Body.String(), "No incident is open.")
}

func TestNobodySeesAnything(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err     error
		path    string
		headers []string
		status  int
	}{
		"signed out":           {signin.ErrSignedOut, loansURL, nil, http.StatusSeeOther},
		"signed out, list":     {signin.ErrSignedOut, "/incidents", nil, http.StatusSeeOther},
		"signed out, record":   {signin.ErrSignedOut, loansURL + ".json", nil, http.StatusUnauthorized},
		"signed out, live":     {signin.ErrSignedOut, loansURL, []string{"If-None-Match", `"x"`}, http.StatusUnauthorized},
		"stranger":             {fmt.Errorf("x is %w", signin.ErrStranger), loansURL, nil, http.StatusForbidden},
		"stranger, record":     {signin.ErrStranger, loansURL + ".json", nil, http.StatusForbidden},
		"stranger, no such":    {signin.ErrStranger, "/incidents/a/b", nil, http.StatusForbidden},
		"stranger, list":       {signin.ErrStranger, "/incidents", nil, http.StatusForbidden},
		"signed out, no such":  {signin.ErrSignedOut, "/incidents/a/b", nil, http.StatusSeeOther},
		"in, no such":          {nil, "/incidents/a/b", nil, http.StatusNotFound},
		"in, no asset":         {nil, "/incidents/a", nil, http.StatusNotFound},
		"in, odd run":          {nil, loansURL + "?run=../x", nil, http.StatusNotFound},
		"in, endless id":       {nil, "/incidents/a/" + strings.Repeat("x", 2000), nil, http.StatusNotFound},
		"in, no such record":   {nil, "/incidents/a/b.json", nil, http.StatusNotFound},
		"in, record":           {nil, loansURL + ".json", nil, http.StatusOK},
		"style for everybody":  {signin.ErrSignedOut, "/page.css", nil, http.StatusOK},
		"script for everybody": {signin.ErrSignedOut, "/page.js", nil, http.StatusOK},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, "ic-1", readRecord(t, "responding.json"))
			h.gate.err = tt.err
			w := h.get(tt.path, tt.headers...)
			require.Equal(t, tt.status, w.Code)
			if tt.err != nil {
				require.NotContains(t, w.Body.String(), "4,120 rows")
				require.Zero(t, h.asked.Load(), "nothing is asked for strangers")
			}
		})
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	plan := readRecord(t, "responding.json").PlanDigest
	approve := func(change func(url.Values)) url.Values {
		v := url.Values{"form": {"stamp"}, "do": {"approve"}, "step": {"approve-rollback"}, "plan": {plan}, "reason": {" seen \xff"}}
		if change != nil {
			change(v)
		}
		return v
	}
	set := func(name, value string) url.Values { return approve(func(v url.Values) { v.Set(name, value) }) }
	same := []string{"Sec-Fetch-Site", "same-origin"}
	tests := map[string]struct {
		form    url.Values
		headers []string
		status  int
		handed  int
	}{
		"approve":               {approve(nil), same, http.StatusSeeOther, 1},
		"deny":                  {set("do", "deny"), same, http.StatusSeeOther, 1},
		"report":                {url.Values{"form": {"stamp"}, "do": {"report"}, "step": {"lineage"}, "outcome": {"complete"}}, same, http.StatusSeeOther, 1},
		"acknowledge":           {url.Values{"form": {"stamp"}, "do": {"acknowledge"}}, same, http.StatusSeeOther, 1},
		"no stamp":              {set("form", ""), same, http.StatusForbidden, 0},
		"stamp of another":      {set("form", "stamq"), same, http.StatusForbidden, 0},
		"from another site":     {approve(nil), []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden, 0},
		"from a sibling":        {approve(nil), []string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden, 0},
		"another origin":        {approve(nil), []string{"Origin", "https://elsewhere.example"}, http.StatusForbidden, 0},
		"hidden origin":         {approve(nil), []string{"Origin", "null"}, http.StatusForbidden, 0},
		"own origin":            {approve(nil), []string{"Origin", "http://example.com"}, http.StatusSeeOther, 1},
		"no plan":               {set("plan", ""), same, http.StatusBadRequest, 0},
		"no step":               {set("step", ""), same, http.StatusBadRequest, 0},
		"unknown":               {set("do", "close"), same, http.StatusBadRequest, 0},
		"report of nothing":     {set("do", "report"), same, http.StatusBadRequest, 0},
		"endless reason":        {set("reason", strings.Repeat("x", 2001)), same, http.StatusBadRequest, 0},
		"endless form":          {set("reason", strings.Repeat("x", 20_000)), same, http.StatusBadRequest, 0},
		"what a person puts in": {set("person", "mlo-1"), same, http.StatusSeeOther, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, "ic-1", readRecord(t, "responding.json"))
			w := h.post(loansURL, tt.form, tt.headers...)
			require.Equal(t, tt.status, w.Code, w.Body)
			require.Equal(t, tt.handed, len(h.decided)+len(h.reported)+len(h.acked))
			for _, d := range h.decided {
				require.Equal(t, page.Decision{Step: "approve-rollback", Person: "ic-1", PlanDigest: plan, Reason: d.Reason, Approve: d.Approve}, d)
				require.Contains(t, []string{"seen \uFFFD"}, d.Reason)
			}
			if tt.handed == 1 {
				require.Equal(t, loansURL, w.Header().Get("Location"))
				require.Contains(t, h.get(loansURL).Body.String(), "✓ Recorded:")
				require.NotContains(t, h.get(loansURL).Body.String(), "✓ Recorded:", "it is said once")
			}
		})
	}
}

func TestFormsThatComeToNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		outcome page.Outcome
		err     error
		text    string
	}{
		"refused":  {page.Outcome{Message: "the approval is <b>granted</b>"}, nil, "Refused, and recorded as refused: the approval is &lt;b&gt;granted&lt;/b&gt;"},
		"too late": {page.Outcome{}, page.ErrNone, "the incident is not open any more"},
		"away":     {page.Outcome{}, errAway, "it may or may not be recorded"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, "ic-1", readRecord(t, "responding.json"))
			h.outcome, h.err = tt.outcome, tt.err
			w := h.post(loansURL, url.Values{"form": {"stamp"}, "do": {"acknowledge"}})
			require.Equal(t, http.StatusSeeOther, w.Code)
			html := h.get(loansURL).Body.String()
			require.Contains(t, html, tt.text)
			require.Contains(t, html, `role="alert"`)
		})
	}
	h := newHouse(t, "ic-1", readRecord(t, "responding.json"))
	h.gate.viewer.Person = nil
	w := h.post(loansURL, url.Values{"form": {"stamp"}, "do": {"approve"}, "step": {"x"}, "plan": {"y"}})
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Contains(t, w.Body.String(), "names no person")
}

func TestUnchangedAndChanged(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "ic-1", readRecord(t, "responding.json"))
	tag := h.get(loansURL).Header().Get("ETag")
	require.NotEmpty(t, tag)
	w := h.get(loansURL, "If-None-Match", tag)
	require.Equal(t, http.StatusNotModified, w.Code)
	require.Empty(t, w.Body.String())
	next := readRecord(t, "responding.json")
	next.Verdict = incident.Contained
	h.mu.Lock()
	h.records[loans] = next
	h.mu.Unlock()
	require.Equal(t, http.StatusNotModified, h.get(loansURL, "If-None-Match", tag).Code, "asked a moment ago")
	h.now = h.now.Add(2 * time.Second)
	w = h.get(loansURL, "If-None-Match", tag)
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), "✓</span> Contained")
}

func TestHoweverManyLook(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "ic-1", readRecord(t, "responding.json"))
	h.slow = 20 * time.Millisecond
	var looking sync.WaitGroup
	for range 200 {
		looking.Go(func() { h.get(loansURL) })
	}
	looking.Wait()
	require.Equal(t, int64(1), h.asked.Load())
}

func TestTemporalAway(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "ic-1", readRecord(t, "responding.json"))
	h.away = errAway
	w := h.get(loansURL)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotContains(t, w.Body.String(), "connection refused", "what failed is for the log")
	require.Contains(t, h.get("/incidents").Body.String(), "Nothing is known yet.")
	h.away = nil
	h.now = h.now.Add(time.Minute)
	require.Equal(t, http.StatusOK, h.get(loansURL).Code)
	require.Equal(t, http.StatusOK, h.get("/incidents").Code)
	h.away = errAway
	h.now = h.now.Add(time.Minute)
	html := h.get(loansURL).Body.String()
	require.Contains(t, html, "Temporal does not answer")
	require.Contains(t, html, `This is what was known at <time datetime="2026-09-14T06:07:30.000Z">`)
	require.Contains(t, h.get("/incidents").Body.String(), "2 approvals waiting")
}
