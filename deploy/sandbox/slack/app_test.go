package slack_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"firebreak/deploy/sandbox/slack"
)

const (
	signingSecret = "sandbox-signing-secret"
	lena, ida     = "U01LEG00001", "U02IDA00002"
)

// received is one request that reached the test's app with a good signature.
type received struct {
	path   string
	header http.Header
	form   url.Values
	body   []byte
}

// payload is the interaction in it.
func (r received) payload(t *testing.T) slackgo.InteractionCallback {
	t.Helper()
	var p slackgo.InteractionCallback
	require.NoError(t, json.Unmarshal([]byte(r.form.Get("payload")), &p))
	return p
}

// testApp is a small Slack app behind HTTP. It refuses what is not signed, and answers by path.
type testApp struct {
	*httptest.Server
	api *slackgo.Client

	mu     sync.Mutex
	got    []received
	answer map[string]http.HandlerFunc
}

func (a *testApp) on(path string, answer func(w http.ResponseWriter, r received)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer[path] = func(w http.ResponseWriter, _ *http.Request) { answer(w, a.last()) }
}

// says answers a path with a body.
func (a *testApp) says(path, kind, body string) {
	a.on(path, func(w http.ResponseWriter, _ received) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	})
}

func (a *testApp) all() []received {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]received(nil), a.got...)
}

func (a *testApp) last() received {
	all := a.all()
	return all[len(all)-1]
}

func (a *testApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	verifier, bad := slackgo.NewSecretsVerifier(r.Header, signingSecret)
	if err != nil || bad != nil {
		http.Error(w, "not signed", http.StatusUnauthorized)
		return
	}
	if _, err := verifier.Write(body); err != nil || verifier.Ensure() != nil {
		http.Error(w, "wrong signature", http.StatusUnauthorized)
		return
	}
	form, _ := url.ParseQuery(string(body))
	a.mu.Lock()
	a.got = append(a.got, received{path: r.URL.Path, header: r.Header, form: form, body: body})
	answer := a.answer[r.URL.Path]
	a.mu.Unlock()
	if answer != nil {
		answer(w, r)
	}
}

// startApp serves a workspace with two people and an app behind HTTP. Change the settings with change.
func startApp(t *testing.T, change ...func(*slack.App)) (*slack.Server, *testApp) {
	t.Helper()
	server := slack.New(slack.Options{
		Tokens:   []string{token},
		Channels: []string{"legal", "incidents"},
		Users: []slack.User{
			{ID: lena, Name: "lena", RealName: "Lena", Email: "lena@nordwall.example"},
			{ID: ida, Name: "ida", RealName: "Ida", Email: "ida@nordwall.example"},
		},
	})
	listener := httptest.NewServer(server)
	app := &testApp{answer: make(map[string]http.HandlerFunc), api: client(listener, token)}
	app.Server = httptest.NewServer(app)
	settings := slack.App{
		SigningSecret: signingSecret, Commands: []string{"/incident"}, BaseURL: listener.URL,
		CommandURL: app.URL + "/command", InteractivityURL: app.URL + "/interact", OptionsURL: app.URL + "/options",
		Patience: 2 * time.Second,
	}
	for _, c := range change {
		c(&settings)
	}
	t.Cleanup(func() {
		app.Close()
		_ = server.Close()
		listener.Close()
	})
	require.NoError(t, server.Configure(t.Context(), settings))
	return server, app
}

func impatient(a *slack.App) { a.Patience = 100 * time.Millisecond }

func as(t *testing.T, server *slack.Server, id string) *slack.Person {
	t.Helper()
	p, err := server.As(id)
	require.NoError(t, err)
	return p
}

// noticed checks that err is a notice with the reason and returns what was said.
func noticed(t *testing.T, err error, reason string) string {
	t.Helper()
	var n *slack.Notice
	require.ErrorAs(t, err, &n)
	require.Equal(t, reason, n.Reason)
	return n.Said
}
