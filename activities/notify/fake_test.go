package notify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"
)

const botTokenForTests = "xoxb-1111-canary-do-not-leak"

// fakeSlack answers the methods of this package as Slack does, for two channels on two pages.
type fakeSlack struct {
	t      *testing.T
	server *httptest.Server

	mu       sync.Mutex
	messages []map[string]any
	calls    map[string]int
	forms    []map[string]string
	// before is called with the lock held; true means that it has answered. execute loses the answer of one call that
	// took effect.
	before  func(w http.ResponseWriter, method string) bool
	execute string
}

func newFake(t *testing.T) (*fakeSlack, *Legal) {
	f := &fakeSlack{t: t, calls: map[string]int{}}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	return f, NewLegal(slack.New(botTokenForTests, slack.OptionAPIURL(f.server.URL+"/")))
}

func (f *fakeSlack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	method := strings.TrimPrefix(r.URL.Path, "/")
	f.calls[method]++
	_ = r.ParseForm()
	if f.before != nil && f.before(w, method) {
		return
	}
	if r.PostForm.Get("token") != botTokenForTests && r.Header.Get("Authorization") != "Bearer "+botTokenForTests {
		reply(w, map[string]any{"ok": false, "error": "invalid_auth"})
		return
	}
	if f.execute == method {
		f.execute = ""
		f.answer(httptest.NewRecorder(), method, r)
		panic(http.ErrAbortHandler)
	}
	f.answer(w, method, r)
}

func (f *fakeSlack) answer(w http.ResponseWriter, method string, r *http.Request) {
	arg := r.PostForm.Get
	switch method {
	case "conversations.list":
		name, next := "general", "page2"
		if arg("cursor") == "page2" {
			name, next = "ir-legal", ""
		}
		reply(w, map[string]any{"ok": true, "channels": []any{map[string]any{"id": "C0" + strings.ToUpper(name), "name": name}},
			"response_metadata": map[string]any{"next_cursor": next}})
	case "conversations.history":
		f.page(w, arg, func(m map[string]any) bool {
			ts := m["ts"].(string)
			return m["thread_ts"] == "" && (arg("oldest") == "" || ts >= arg("oldest")) && (arg("latest") == "" || ts <= arg("latest"))
		})
	case "conversations.replies":
		if !slices.ContainsFunc(f.messages, func(m map[string]any) bool { return m["ts"] == arg("ts") }) {
			reply(w, map[string]any{"ok": false, "error": "thread_not_found"})
			return
		}
		f.page(w, arg, func(m map[string]any) bool {
			return m["ts"] == arg("ts") || m["thread_ts"] == arg("ts") && m["ts"].(string) > arg("oldest")
		})
	case "chat.postMessage":
		if arg("channel") != "C0IR-LEGAL" {
			reply(w, map[string]any{"ok": false, "error": "channel_not_found"})
			return
		}
		form := map[string]string{}
		for k := range r.PostForm {
			form[k] = arg(k)
		}
		f.forms = append(f.forms, form)
		ts := fmt.Sprintf("1789000000.%06d", len(f.messages)+1)
		f.messages = append(f.messages, map[string]any{
			"type": "message", "ts": ts, "thread_ts": arg("thread_ts"), "text": arg("text"),
			"blocks": json.RawMessage(arg("blocks")), "metadata": json.RawMessage(arg("metadata")),
		})
		reply(w, map[string]any{"ok": true, "channel": arg("channel"), "ts": ts})
	case "chat.update":
		i := slices.IndexFunc(f.messages, func(m map[string]any) bool { return m["ts"] == arg("ts") })
		if i < 0 || f.messages[i]["subtype"] == "tombstone" {
			reply(w, map[string]any{"ok": false, "error": "message_not_found"})
			return
		}
		m := clone(f.messages[i])
		m["text"], m["blocks"] = arg("text"), json.RawMessage(arg("blocks"))
		if arg("metadata") != "" {
			m["metadata"] = json.RawMessage(arg("metadata"))
		}
		f.messages[i] = m
		reply(w, map[string]any{"ok": true, "channel": arg("channel"), "ts": arg("ts"), "text": arg("text")})
	default:
		reply(w, map[string]any{"ok": false, "error": "unknown_method"})
	}
}

// page answers newest first, two messages a page, and with metadata only if it is asked for.
func (f *fakeSlack) page(w http.ResponseWriter, arg func(string) string, match func(map[string]any) bool) {
	const size = 2
	var found []map[string]any
	for _, m := range slices.Backward(f.messages) {
		if match(m) {
			m = clone(m)
			if arg("include_all_metadata") != "1" {
				delete(m, "metadata")
			}
			found = append(found, m)
		}
	}
	from, _ := strconv.Atoi(arg("cursor"))
	to := min(from+size, len(found))
	next := ""
	if to < len(found) {
		next = strconv.Itoa(to)
	}
	reply(w, map[string]any{"ok": true, "messages": found[min(from, to):to], "has_more": next != "",
		"response_metadata": map[string]any{"next_cursor": next}})
}

// say adds a message of somebody else.
func (f *fakeSlack) say(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.messages = append(f.messages, map[string]any{
		"type": "message", "ts": fmt.Sprintf("1789000000.%06d", len(f.messages)+1), "thread_ts": "", "text": text,
	})
}

// posts counts the messages that were really posted, whether or not their answers arrived.
func (f *fakeSlack) posts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.forms)
}

func (f *fakeSlack) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func clone(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func reply(w http.ResponseWriter, body map[string]any) { _ = json.NewEncoder(w).Encode(body) }

func requireNoToken(t *testing.T, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	if failed, ok := value.(error); ok {
		text = []byte(failed.Error())
	}
	require.NotContains(t, string(text), "canary")
}
