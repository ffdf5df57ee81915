package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/internal/incident"
	"firebreak/internal/slackui"
	"firebreak/playbooks"
)

const (
	testSecret = "0123456789abcdef0123456789abcdef"
	oldSecret  = "fedcba9876543210fedcba9876543210"
	testTeam   = "T0NORDWALL"
	testApp    = "A0FIREBREAK"
	slackIC    = "U01IC000001"
	slackSEC   = "U01SEC00001"
	slackMLO   = "U01MLO00001"
	outsider   = "U0MALLORY00"
)

// slackCall is one call of Slack's API, or one post to a response_url.
type slackCall struct {
	method string
	text   string
	// body is what was posted, as it came.
	body string
}

// fakeSlack answers as https://docs.slack.dev/apis/web-api describes, and can limit, refuse and hang.
type fakeSlack struct {
	*httptest.Server
	mu    sync.Mutex
	calls []slackCall
	// answers are what a method gives in turn before it succeeds.
	answers map[string][]func(http.ResponseWriter)
	// hang makes every call wait until the test ends.
	hang chan struct{}
}

func newFakeSlack(t testing.TB) *fakeSlack {
	t.Helper()
	f := &fakeSlack{answers: map[string][]func(http.ResponseWriter){}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeSlack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	method := strings.TrimPrefix(r.URL.Path, "/api/")
	call := slackCall{method: method, body: string(raw)}
	var posted struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(raw, &posted) == nil {
		call.text = posted.Text
	} else if form, err := url.ParseQuery(string(raw)); err == nil {
		call.text = form.Get("text")
	}
	f.mu.Lock()
	f.calls = append(f.calls, call)
	hang := f.hang
	var answer func(http.ResponseWriter)
	if line := f.answers[method]; len(line) > 0 {
		answer, f.answers[method] = line[0], line[1:]
	}
	f.mu.Unlock()
	if hang != nil {
		<-hang
	}
	if answer != nil {
		answer(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"ok":true,"channel":"C1","ts":"1.1","message_ts":"1.1","view":{"id":"V1"}}`)
}

func limited(seconds int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		w.WriteHeader(http.StatusTooManyRequests)
	}
}

func refusing(code string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _, _ = fmt.Fprintf(w, `{"ok":false,"error":%q}`, code) }
}

// made returns the calls of a method so far; an empty method stands for all.
func (f *fakeSlack) made(method string) []slackCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []slackCall
	for _, c := range f.calls {
		if method == "" || c.method == method {
			out = append(out, c)
		}
	}
	return out
}

// told waits until somebody is told something that holds the text.
func (f *fakeSlack) told(t testing.TB, text string) slackCall {
	t.Helper()
	var found slackCall
	require.Eventually(t, func() bool {
		for _, c := range f.made("") {
			if strings.Contains(c.text, text) {
				found = c
				return true
			}
		}
		return false
	}, 10*time.Second, 2*time.Millisecond, "nobody was told %q, only %v", text, f.made(""))
	return found
}

// newCockpit serves Slack over a fake of its API.
func newCockpit(t testing.TB, op operator) (*cockpit, *fakeSlack, *lockedBuffer) {
	t.Helper()
	f, logs := newFakeSlack(t), &lockedBuffer{}
	log := newLogger(logs)
	inv, err := openInventory(testInventory, log)
	require.NoError(t, err)
	kinds, err := playbooks.BuiltIn().Kinds()
	require.NoError(t, err)
	c := &cockpit{
		op: op, inventory: inv, mode: incident.Live, kinds: kinds, secrets: signingSecrets{[]byte(testSecret), []byte(oldSecret)},
		team: testTeam, app: testApp, answers: newAnswers("xox"+"b-test-token-of-nobody", f.URL+"/api/", log),
		jobs: newJobs(t.Context(), func() time.Time { return received }, log), log: log, now: func() time.Time { return received },
	}
	c.answers.pause = time.Millisecond
	t.Cleanup(func() {
		f.mu.Lock()
		if f.hang != nil {
			close(f.hang)
			f.hang = nil
		}
		f.mu.Unlock()
		c.jobs.stopWork()
		c.jobs.stopTell()
		require.True(t, c.jobs.wait(10*time.Second), "nothing goes on after the test")
	})
	return c, f, logs
}

// signed makes a request as Slack signs it.
func slackSigned(path, media, body, secret string, at time.Time) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", media)
	stamp := strconv.FormatInt(at.Unix(), 10)
	r.Header.Set(timestampHeader, stamp)
	r.Header.Set(signatureHeader, sign(secret, stamp, body))
	return r
}

func (c *cockpit) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	c.mount(http.NotFoundHandler()).ServeHTTP(w, r)
	return w
}

// typed sends a slash command as the person.
func (c *cockpit) typed(f *fakeSlack, user, text string) *httptest.ResponseRecorder {
	return c.serve(slackSigned("/slack/commands", formType, commandBody(f, user, text), testSecret, received))
}

// newTrigger is an id or a time stamp that no other delivery has.
func newTrigger() string { return "1337." + rand.Text() }

func commandBody(f *fakeSlack, user, text string) string {
	return url.Values{
		"team_id": {testTeam}, "api_app_id": {testApp}, "user_id": {user}, "channel_id": {"C0ONCALL"}, "command": {slackCommand}, "text": {text},
		"response_url": {f.URL + "/hooks/1"}, "trigger_id": {newTrigger()},
	}.Encode()
}

// interaction is one as Slack sends it.
func interaction(f *fakeSlack, user, kind string, more map[string]any) map[string]any {
	p := map[string]any{
		"type": kind, "api_app_id": testApp, "team": map[string]any{"id": testTeam}, "user": map[string]any{"id": user},
		"channel": map[string]any{"id": "C0ONCALL"}, "container": map[string]any{"message_ts": "10.1", "thread_ts": "9.1"},
		"trigger_id": newTrigger(), "response_url": f.URL + "/hooks/1",
	}
	for k, v := range more {
		p[k] = v
	}
	return p
}

// click is a press of a button.
func click(f *fakeSlack, user, action, value string) map[string]any {
	return interaction(f, user, slackBlockActions, map[string]any{"actions": []map[string]any{
		{"type": "button", "action_id": action, "block_id": "b1", "value": value, "action_ts": newTrigger()},
	}})
}

// submit is a submitted modal that was opened for a person.
func submit(f *fakeSlack, user, openedFor, callback, metadata string, state map[string]map[string]slack.BlockAction) map[string]any {
	return interaction(f, user, slackViewSubmission, map[string]any{"view": map[string]any{
		"id": "V" + newTrigger(), "callback_id": callback, "private_metadata": metadata, "external_id": openedFor + ".abc", "state": map[string]any{"values": state},
	}})
}

// interact sends an interaction.
func (c *cockpit) interact(p map[string]any) *httptest.ResponseRecorder {
	return c.serve(slackSigned("/slack/interactions", formType, interactionBody(p), testSecret, received))
}

func interactionBody(p map[string]any) string {
	raw, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return url.Values{"payload": {string(raw)}}.Encode()
}

// approveButton is what the button of a request for approval carries.
func approveButton(t testing.TB, rec *incident.Record, step string) string {
	t.Helper()
	ref := slackui.RefOf(rec)
	ref.Step, ref.Plan = step, rec.PlanDigest
	value, err := ref.Encode()
	require.NoError(t, err)
	return value
}

func reasonState(reason string) map[string]map[string]slack.BlockAction {
	return map[string]map[string]slack.BlockAction{slackui.FieldReason: {slackui.FieldReason: {Value: reason}}}
}

func chosenOption(value string) slack.BlockAction {
	return slack.BlockAction{SelectedOption: slack.OptionBlockObject{Value: value}}
}

// blocked is an operator that never answers.
type blocked struct{ operator }

func (blocked) record(ctx context.Context, _, _ string) (*incident.Record, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (blocked) list(ctx context.Context, _ bool) ([]listed, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (blocked) start(ctx context.Context, _ string, _ incident.Request) error {
	<-ctx.Done()
	return ctx.Err()
}
